import { describe, expect, it } from 'vitest';
import {
  counter,
  counterTable,
  failedPercent,
  flagged,
  summarize,
  summaryResults,
  summaryTable,
} from '../../src/lab/summary.js';

const pace = { speedup: 5, seconds: 40 };
const calls = [
  { latency: 30, outcome: '200', ok: true },
  { latency: 100, outcome: 'TimeoutError', ok: false, message: 'no answer', flag: 'UT' },
  { latency: 200, outcome: '200', ok: true },
  { latency: 110, outcome: 'TimeoutError', ok: false, message: 'none again', flag: 'UT' },
  { latency: 40, outcome: '503', ok: false },
];
const made = { calls, elapsed: 400, received: [2, 3], counters: { upstream_rq_retry: 7 } };

describe('a summary', () => {
  const summary = summarize(made, pace);

  it("has times in the chapter's scale, by outcome and over all calls", () => {
    expect(summary).toEqual({
      calls: 5,
      failed: 3,
      outcomes: {
        200: { count: 2, fastest: 0.15, slowest: 1 },
        TimeoutError: { count: 2, fastest: 0.5, slowest: 0.55 },
        503: { count: 1, fastest: 0.2, slowest: 0.2 },
      },
      flags: { UT: { count: 2, message: 'no answer' } },
      p50: 0.5,
      p99: 1,
      slowest: 1,
      received: [2, 3],
      counters: { upstream_rq_retry: 7 },
    });
    expect(failedPercent(summary)).toBe(60);
    expect(flagged(summary, 'UT')).toBe(2);
    expect(flagged(summary, 'UO')).toBe(0);
  });

  it('knows its counters and no others', () => {
    expect(counter(summary, 'upstream_rq_retry')).toBe(7);
    expect(() => counter(summary, 'upstream_rq_retries')).toThrow('no counter upstream_rq_retries');
  });

  it('is a row of a table', () => {
    expect(summaryTable({ first: summary }, ['A note.'])).toEqual({
      head: ['run', 'calls', 'failed', 'with', 'p50 s', 'p99 s', 'slowest s', 'retries'],
      rows: [['first', '5', '3 (60.0 %)', '503, TimeoutError', '0.500', '1.000', '1.000', '7']],
      labels: 1,
      notes: ['A note.'],
    });
    expect(summaryResults({ first: summary })).toEqual([{ run: 'first', ...summary }]);
  });

  it('has its counters in a column of a table', () => {
    const other = { counters: { upstream_rq_total: 9 } };
    expect(counterTable({ first: summary, other }, ['upstream_rq_retry'], ['A note.'])).toEqual({
      head: ['counter', 'first', 'other'],
      rows: [['upstream_rq_retry', '7', '']],
      labels: 1,
      notes: ['A note.'],
    });
  });

  it('cannot be had of nothing', () => {
    expect(() => summarize({ ...made, calls: [] }, pace)).toThrow('no call was made');
  });
});
