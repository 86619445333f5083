import { expect, it } from 'vitest';
import {
  type AtOnce,
  connectionLimits,
  findings,
  type LimitRuns,
} from '../../../src/lab/experiments/connection-limits.js';
import { tellOf } from './live.js';
import { expectChecks, failed, failing, refusing } from './made-up.js';

/** So many of a hundred calls were refused, and the counter says so. */
function refused(count: number, counted = count) {
  return refusing(count, 'UO', { counters: { upstream_rq_pending_overflow: counted } });
}

const atOnce: AtOnce = {
  rounds: 3,
  answered: [2, 2, 2],
  refused: [1, 1, 1],
  received: 6,
  counters: { upstream_rq_pending_overflow: 3, upstream_cx_overflow: 3 },
  refusal: {
    error: 'OverflowError',
    flag: 'UO',
    limit: 'connectionPool.maxPendingRequests: 1',
    message: 'overflow',
    endpoint: 'http://127.0.0.1:8081',
    outcome: 'overflow',
  },
};

const good: LimitRuns = {
  one: refused(0),
  two: refused(45),
  further: refused(0),
  kept: refused(0),
  pendingTwo: refused(0),
  atOnce,
};

function rounds(changes: Partial<AtOnce>): Partial<LimitRuns> {
  return { atOnce: { ...atOnce, ...changes } };
}

it('checks who is refused', () => {
  expectChecks(findings, good, {
    'calls refused, one caller': { one: refused(1) },
    'calls refused, two callers': { two: refused(0) },
    'refusals by upstream_rq_pending_overflow': { two: refused(45, 44) },
    'calls refused, further away': { further: refused(16) },
    'calls refused, connection kept': { kept: refused(1) },
    'calls refused, pending 2': { pendingTwo: refused(1) },
    'calls that failed otherwise than with UO': {
      further: { ...failing(1, '503'), counters: good.further.counters },
    },
    'rounds with one of three refused': rounds({ refused: [1, 0, 1] }),
    'rounds with two of three answered': rounds({ answered: [2, 3, 2] }),
    'requests that reached the endpoint': rounds({ received: 7 }),
    upstream_rq_pending_overflow: rounds({
      counters: { upstream_rq_pending_overflow: 2, upstream_cx_overflow: 3 },
    }),
    upstream_cx_overflow: rounds({
      counters: { upstream_rq_pending_overflow: 3, upstream_cx_overflow: 0 },
    }),
  });
});

it('sees limits that do not limit', () => {
  const unlimited = {
    ...atOnce,
    answered: [3, 3, 3],
    refused: [0, 0, 0],
    received: 9,
    counters: {},
  };
  expect(failed(findings({ ...good, two: refused(0), atOnce: unlimited }))).toEqual([
    'calls refused, two callers',
    'rounds with one of three refused',
    'rounds with two of three answered',
    'requests that reached the endpoint',
    'upstream_rq_pending_overflow',
    'upstream_cx_overflow',
  ]);
});

it('tells the figures beside those of the chapter, and who refused', () => {
  const [callers, three] = findings(good).tables;
  expect(callers?.rows.slice(0, 2).map((row) => row.slice(0, 6))).toEqual([
    ['one', '100', '100.0 %', '100.0 %', '0.0 %', ''],
    ['two', '100', '55.0 %', '63.8 %', '45.0 %', 'UO'],
  ]);
  expect(three?.rows[0]).toEqual(['warm, 1 / 1', '3', '2 each', '1 each', '6']);
  expect(three?.notes[1]).toMatch(/^Who refused, and why: OverflowError \(flag UO, /);
  const uneven = findings({ ...good, ...rounds({ refused: [1, 0, 1], refusal: undefined }) });
  expect(uneven.tables[1]?.rows[0]?.[3]).toBe('0 to 1');
  expect(uneven.tables[1]?.notes).toHaveLength(1);
});

it('runs over the real fleet', async () => {
  interface Row extends AtOnce {
    readonly run: string;
    readonly calls: number;
    readonly failed: number;
    readonly flags: Readonly<Record<string, { readonly count: number }>>;
  }
  const { results } = await tellOf<Row>(connectionLimits, { speedup: 10, seconds: 6 });
  expect(results.map(({ run }) => run)).toEqual([
    'one',
    'two',
    'further',
    'kept',
    'pending 2',
    'at once',
  ]);
  const [one, two, , kept, pendingTwo, three] = results;
  expect([one?.failed, kept?.failed, pendingTwo?.failed]).toEqual([0, 0, 0]);
  expect(two?.failed).toBeGreaterThan(0);
  expect(two?.flags.UO?.count).toBe(two?.failed);
  // Nothing of this depends on the machine's speed.
  expect(three).toMatchObject({
    answered: new Array<number>(20).fill(2),
    refused: new Array<number>(20).fill(1),
    received: 40,
    counters: { upstream_rq_pending_overflow: 20, upstream_cx_overflow: 20 },
    refusal: { error: 'OverflowError', flag: 'UO', outcome: 'overflow' },
  });
});
