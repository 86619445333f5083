import { expect, it } from 'vitest';
import type { LoggedEjection } from '../../../src/lab/ejections.js';
import {
  allEjected,
  type EjectedRun,
  findings,
  type Part,
} from '../../../src/lab/experiments/all-ejected.js';
import { tellOf } from './live.js';
import { expectChecks } from './made-up.js';

/** At its end so many endpoints are ejected, and so many calls have been refused in all. */
function part(changes: Partial<Part>, active = 0, refusals = 0): Part {
  return {
    answered: 0,
    failed: 0,
    refused: 0,
    others: 0,
    refusedWithin: undefined,
    received: [0, 0, 0],
    ...changes,
    counters: {
      'outlier_detection.ejections_active': active,
      upstream_cx_none_healthy: refusals,
    },
  };
}

function ejection(number: number, outFor: number | undefined): LoggedEjection {
  const endpoint = `simple-backend-${number}`;
  return { endpoint, reason: 'consecutive_5xx', ejections: 1, at: 2, ejectionTime: 5, outFor };
}

const others = [ejection(2, 8), ejection(3, 8)];
const well = { answered: 12, received: [4, 4, 4] };
const refused = { refused: 20, refusedWithin: 0.1 };

const good: EjectedRun = {
  healthy: part(well),
  failing: part({ failed: 3, received: [1, 1, 1] }, 3),
  open: part(refused, 3, 20),
  healed: part({ answered: 1, refused: 100, refusedWithin: 0.1, received: [0, 1, 0] }, 0, 120),
  closed: part(well, 0, 120),
  ejections: [ejection(1, 8), ...others],
  refusal: 'no healthy upstream',
};

it('checks that the circuit opens and closes', () => {
  expectChecks(findings, good, {
    'calls answered while all is well': { healthy: part({ ...well, answered: 11 }) },
    'calls that failed until all were ejected': { failing: part({ failed: 4 }, 3) },
    ejections: { ejections: others },
    'ejections_active while the circuit is open': { open: part(refused, 2, 20) },
    'calls refused with UH while it is open': {
      open: part({ ...refused, refused: 19 }, 3, 19),
      closed: part(well, 0, 119),
    },
    'requests that reached an endpoint while it is open': {
      open: part({ ...refused, received: [0, 0, 1] }, 3, 20),
    },
    'p50 of a refused call': { open: part({ ...refused, refusedWithin: 6 }, 3, 20) },
    'refusals by upstream_cx_none_healthy': { closed: part(well, 0, 121) },
    'requests that reached a healed endpoint, up to the first answer': {
      healed: part({ answered: 1, refused: 100, received: [1, 1, 0] }, 0, 120),
    },
    'shortest ejection': { ejections: [ejection(1, 4.9), ...others] },
    'longest ejection': { ejections: [ejection(1, undefined), ...others] },
    'calls answered when it is closed': { closed: part({ ...well, answered: 11 }, 0, 120) },
    'endpoints that answer again': {
      closed: part({ answered: 12, received: [6, 6, 0] }, 0, 120),
    },
    'ejections_active in the end': { closed: part(well, 1, 120) },
    'calls that ended otherwise': { healthy: part({ ...well, others: 1 }) },
  });
});

it('tells who refused', () => {
  const { tables, words } = findings(good);
  expect(tables[0]?.rows[2]).toEqual(['open', '0', '0', '20', '0.10', '0 / 0 / 0']);
  expect(tables[0]?.notes.at(-1)).toMatch(/NoHealthyEndpointError \(flag UH\), "no healthy/);
  expect(words).toMatch(/after 8\.0 s .* \(after 100 that were refused\)/);
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 10 };
  const { results } = await tellOf<Part & { run: string }>(allEjected, pace);
  const [healthy, failing, open, healed, closed] = results;
  expect(healthy?.answered).toBe(12);
  expect(failing).toMatchObject({ failed: 3, received: [1, 1, 1] });
  expect(open).toMatchObject({ refused: 20, answered: 0, received: [0, 0, 0] });
  expect(healed).toMatchObject({ answered: 1, failed: 0 });
  expect(closed).toMatchObject({ answered: 12, refused: 0 });
});
