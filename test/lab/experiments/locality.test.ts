import { expect, it } from 'vitest';
import {
  findings,
  locality,
  type LocalityRun,
  type Part,
} from '../../../src/lab/experiments/locality.js';
import { tellOf } from './live.js';
import { expectChecks } from './made-up.js';

function part(answered: number, received: readonly number[], failed = 0, others = 0): Part {
  return { answered, failed, others, received };
}

const good: LocalityRun = {
  home: part(45, [45, 0, 0]),
  failing: part(0, [1, 0, 0], 1),
  away: part(45, [0, 22, 23]),
  healed: part(12, [1, 6, 5]),
  back: part(45, [45, 0, 0]),
  shared: part(300, [210, 45, 45]),
  retriedHere: part(35, [65, 0, 0], 10),
  retriedThere: part(45, [45, 10, 12]),
};

it('checks where the calls went, and that none failed beyond the first', () => {
  expectChecks(findings, good, {
    'calls answered while all is well': { home: part(44, [45, 0, 0]) },
    'of them in the other zone': { home: part(45, [44, 1, 0]) },
    'calls that failed until the own zone was out': { failing: part(0, [2, 0, 0], 2) },
    'calls answered while it is out': { away: part(44, [0, 22, 23]) },
    'of them in the own zone': { away: part(45, [1, 22, 22]) },
    'calls that failed while it recovered': { healed: part(11, [1, 6, 5], 1) },
    'calls answered when it is back': { back: part(44, [45, 0, 0]) },
    'of them in the other zone then': { back: part(45, [44, 0, 1]) },
    'share of the own zone, of 70 %': { shared: part(300, [206, 47, 47]) },
    'calls answered in shares': { shared: part(299, [210, 45, 45]) },
    'calls that failed although retried in the own zone': { retriedHere: part(45, [65, 0, 0]) },
    'requests of those in the other zone': { retriedHere: part(35, [64, 1, 0], 10) },
    'calls that failed when retried elsewhere': { retriedThere: part(44, [45, 10, 12], 1) },
    'retries that went to the other zone': { retriedThere: part(45, [67, 0, 0]) },
    'calls that ended otherwise': { home: part(45, [45, 0, 0], 0, 1) },
  });
});

it('tells the share with its range', () => {
  const { tables, words } = findings(good);
  expect(tables[0]?.rows[5]).toEqual(['70 / 30 %', '300', '0', '210', '45', '45']);
  expect(tables[0]?.notes.join(' ')).toContain('70.0 % (64.6 to 74.9)');
  expect(words).toContain('(10 of 45 failed, then 0)');
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 10 };
  const { results } = await tellOf<Part & { run: string }>(locality, pace);
  const [home, failing, , , , shared, retriedHere, retriedThere] = results;
  expect(home).toMatchObject({ answered: 45, received: [45, 0, 0] });
  expect(failing).toMatchObject({ failed: 1, received: [1, 0, 0] });
  expect(shared?.answered).toBe(300);
  expect(Math.abs((shared?.received[0] ?? 0) - 210)).toBeLessThanOrEqual(2);
  expect(retriedHere?.received.slice(1)).toEqual([0, 0]);
  expect(retriedThere).toMatchObject({ answered: 45, failed: 0 });
});
