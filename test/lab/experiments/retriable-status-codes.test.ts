import { expect, it } from 'vitest';
import type { AttemptRecord, Explanation } from '../../../src/index.js';
import {
  findings,
  retriableStatusCodes,
  type StatusCodeRuns,
  type Wait,
  waitsOf,
} from '../../../src/lab/experiments/retriable-status-codes.js';
import type { Summary } from '../../../src/lab/summary.js';
import { tellOf } from './live.js';
import { counted, expectChecks, failed, failing } from './made-up.js';

/** For each retry, waits evenly over its range, a millisecond late. */
const bounds = [50, 100, 200, 400, 500];
function waits(change: (wait: Wait) => Wait = (wait) => wait): Wait[] {
  return bounds.flatMap((bound, i) =>
    [0.1, 0.3, 0.5, 0.7, 0.9].map((part) =>
      change({ retry: i + 1, drawn: part * bound, waited: part * bound + 1 }),
    ),
  );
}

/** As above, but another wait before one of the retries. */
function withWait(retry: number, factor: number): Wait[] {
  return waits((wait) =>
    wait.retry === retry
      ? { retry, drawn: wait.drawn * factor, waited: wait.drawn * factor + 1 }
      : wait,
  );
}

/** One wait of a retry is too long, the mean stays where it was. */
function withOutlier(retry: number): Wait[] {
  const bound = bounds[retry - 1] ?? 0;
  const outlier = { retry, drawn: bound, waited: bound + 1 };
  return [...waits(), outlier, { retry, drawn: 0, waited: 1 }];
}

const good: StatusCodeRuns = {
  byDefault: failing(25, '408'),
  listed: counted({ upstream_rq_retry: 25 }),
  waits: waits(),
};

it('checks what a listed status and the back-off do', () => {
  expectChecks(findings, good, {
    'failed calls by default': { byDefault: failing(0, '408') },
    'failed calls with 408 listed': { listed: { ...good.listed, failed: 1 } },
    'retries with 408 listed': { listed: counted({ upstream_rq_retry: 0 }) },
    ...Object.fromEntries(
      bounds.flatMap((_, i) => [
        [`longest wait drawn before retry ${i + 1}`, { waits: withOutlier(i + 1) }],
        [`mean wait before retry ${i + 1}`, { waits: withWait(i + 1, 0.7) }],
      ]),
    ),
    'waits cut short': { waits: waits((wait) => ({ ...wait, waited: wait.drawn - 0.1 })) },
    'lateness of a wait, median': {
      waits: waits((wait) => ({ ...wait, waited: wait.drawn + 10 })),
    },
  });
  expect(failed(findings({ ...good, waits: withWait(2, 2) }))).toEqual([
    'longest wait drawn before retry 2',
    'mean wait before retry 2',
  ]);
});

it('cannot tell of a retry that was never made', () => {
  expect(() => findings({ ...good, waits: waits().filter(({ retry }) => retry < 5) })).toThrow(
    'no call came to its retry 5',
  );
});

it('reads the waits of a call from its story', () => {
  const attempt = (startedAt: number, headAt: number, after?: number) =>
    ({
      startedAt,
      headAt,
      because: after === undefined ? undefined : { reason: '408', after, hedgeDelay: undefined },
    }) as AttemptRecord;
  const attempts = [attempt(0, 2), attempt(14, 16, 11), attempt(50, 51, 30)];
  expect(waitsOf({ attempts } as unknown as Explanation)).toEqual([
    { retry: 1, drawn: 11, waited: 12 },
    { retry: 2, drawn: 30, waited: 34 },
  ]);
  expect(waitsOf(undefined)).toEqual([]);
});

it('runs over the real fleet', async () => {
  interface Waits {
    readonly retries: readonly { retry: number; bound: number; count: number; longest: number }[];
  }
  const pace = { speedup: 10, seconds: 20 };
  const { results } = await tellOf<(Summary | Waits) & { run: string }>(retriableStatusCodes, pace);
  expect(results.map(({ run }) => run)).toEqual(['default retryOn', 'retryOn 408', 'back-off']);
  const [byDefault, listed, backoff] = results as unknown as [Summary, Summary, Waits];
  expect(byDefault.outcomes[408]?.count).toBeGreaterThan(0);
  expect(listed.failed).toBe(0);
  expect(listed.counters.upstream_rq_retry).toBeGreaterThan(0);
  expect(backoff.retries.map(({ bound }) => bound)).toEqual(bounds);
  for (const { bound, count, longest } of backoff.retries) {
    expect(count).toBeGreaterThanOrEqual(60);
    expect(longest).toBeLessThan(bound);
    expect(longest).toBeGreaterThan(bound / 2);
  }
});
