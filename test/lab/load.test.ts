import { describe, expect, it } from 'vitest';
import { runLoad } from '../../src/lab/load.js';

/** Long enough never to be what ends a test. */
const duration = 60_000;

describe('a closed loop', () => {
  it('has one call of each worker under way at a time, and stops when told', async () => {
    const stop = new AbortController();
    let active = 0;
    let most = 0;
    const counts: number[] = [];
    const result = await runLoad({
      workers: 3,
      duration,
      signal: stop.signal,
      onCall: (calls) => counts.push(calls),
      call: async () => {
        active += 1;
        most = Math.max(most, active);
        await Promise.resolve();
        active -= 1;
        if (counts.length >= 20) stop.abort();
        return 200;
      },
    });
    expect(most).toBe(3);
    expect(active).toBe(0);
    expect(result.calls.length).toBeGreaterThanOrEqual(20);
    expect(result.calls.length).toBeLessThan(30);
    expect(counts).toEqual(result.calls.map((_, i) => i + 1));
    for (const call of result.calls) expect(call).toMatchObject({ ok: true, outcome: '200' });
    expect(result.elapsed).toBeGreaterThan(0);
  });

  it('starts no call after its time', async () => {
    const result = await runLoad({
      workers: 2,
      duration: 0,
      signal: new AbortController().signal,
      call: () => Promise.reject(new Error('called')),
    });
    expect(result).toMatchObject({ calls: [] });
  });

  it('leaves the event loop its turn between calls that fail', async () => {
    const stop = new AbortController();
    // Only a loop that lets others have their turn ever sees this.
    setImmediate(() => setImmediate(() => stop.abort()));
    const result = await runLoad({
      workers: 2,
      duration,
      signal: stop.signal,
      call: () => Promise.reject(new Error('refused')),
    });
    expect(result.calls.length).toBeGreaterThan(0);
    for (const call of result.calls) expect(call).toMatchObject({ ok: false, message: 'refused' });
  });

  it('keeps the pace it is given, one worker after the other, and does not exceed it', async () => {
    const begun = performance.now();
    const starts: number[] = [];
    const result = await runLoad({
      workers: 2,
      duration: 100,
      signal: new AbortController().signal,
      // In the middle of its range: nothing is added and nothing taken away.
      pacing: { interval: 40, random: () => 0.5 },
      call: () => {
        starts.push(performance.now() - begun);
        return Promise.resolve(200);
      },
    });
    // At 0, 20, 40, 60 and 80 ms, and on the edge of 100; a busy machine makes later ones, never more of them.
    expect(result.calls.length).toBeGreaterThanOrEqual(2);
    expect(result.calls.length).toBeLessThanOrEqual(6);
    starts.forEach((start, n) => expect(start).toBeGreaterThan(n * 20 - 2));
  });

  it('pauses after an answer, also when it is late', async () => {
    const stop = new AbortController();
    let ended = Number.NEGATIVE_INFINITY;
    const pauses: number[] = [];
    await runLoad({
      workers: 1,
      duration,
      signal: stop.signal,
      pacing: { interval: 0, pause: 10, random: () => 0.5 },
      call: () => {
        pauses.push(performance.now() - ended);
        ended = performance.now();
        if (pauses.length === 4) stop.abort();
        return Promise.resolve(200);
      },
    });
    expect(pauses).toHaveLength(4);
    for (const pause of pauses) expect(pause).toBeGreaterThan(8);
  });

  it('wakes those who wait for their turn when it is told to stop', async () => {
    const stop = new AbortController();
    const load = runLoad({
      workers: 20,
      duration,
      signal: stop.signal,
      pacing: { interval: duration, random: () => 0.5 },
      call: () => {
        stop.abort();
        return Promise.resolve(200);
      },
    });
    // Only the first one had its turn.
    expect((await load).calls).toHaveLength(1);
  });
});
