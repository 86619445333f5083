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
      },
    });
    expect(most).toBe(3);
    expect(active).toBe(0);
    expect(result.latencies.length).toBeGreaterThanOrEqual(20);
    expect(result.latencies.length).toBeLessThan(30);
    expect(counts).toEqual(result.latencies.map((_, i) => i + 1));
    expect(result).toMatchObject({ failed: 0, firstFailure: undefined });
    expect(result.elapsed).toBeGreaterThan(0);
  });

  it('starts no call after its time', async () => {
    const result = await runLoad({
      workers: 2,
      duration: 0,
      signal: new AbortController().signal,
      call: () => Promise.reject(new Error('called')),
    });
    expect(result).toMatchObject({ latencies: [], failed: 0 });
  });

  it('counts failed calls apart and leaves the event loop its turn between them', async () => {
    const stop = new AbortController();
    // Only a loop that lets others have their turn ever sees this.
    setImmediate(() => setImmediate(() => stop.abort()));
    const result = await runLoad({
      workers: 2,
      duration,
      signal: stop.signal,
      call: () => Promise.reject(new Error('refused')),
    });
    expect(result.latencies).toEqual([]);
    expect(result.failed).toBeGreaterThan(0);
    expect(result.firstFailure).toBe('refused');
  });
});
