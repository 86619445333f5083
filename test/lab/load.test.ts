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
});
