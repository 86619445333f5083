import { expect, it } from 'vitest';
import {
  findings,
  type Replacement,
  rollingDeployment,
  type RollingRun,
} from '../../../src/lab/experiments/rolling-deployment.js';
import { tellOf } from './live.js';
import { expectChecks } from './made-up.js';

function replacements(...changes: Partial<Replacement>[]): Replacement[] {
  return Array.from({ length: 9 }, (_, i) => ({
    round: Math.floor(i / 3) + 1,
    old: `old-${i}`,
    replacement: `new-${i}`,
    drainedAfter: 66,
    left: 0,
    received: 100,
    ...changes[i],
  }));
}

const good: RollingRun = {
  calls: 1000,
  failures: [],
  seconds: 2,
  received: 1000,
  replacements: replacements(),
  socketsLeft: 0,
};

it('checks that nothing fails, that new servers are used, and that old ones are left alone', () => {
  expectChecks(findings, good, {
    'calls that failed': { failures: ['ECONNREFUSED'] },
    'calls a second': { seconds: 2.5 },
    'requests at all servers, one for each call': { received: 1001 },
    'new servers that were called': { replacements: replacements({ received: 0 }) },
    'connections to old servers when they were stopped': {
      replacements: replacements({ left: 2 }),
    },
    'sockets left when the client was closed': { socketsLeft: 1 },
  });
});

it('tells what was replaced, and how calls failed', () => {
  const { tables, words } = findings({
    ...good,
    failures: ['503', 'ECONNREFUSED', '503'],
    replacements: replacements({ drainedAfter: undefined }),
  });
  expect(tables[0]?.rows.slice(0, 2)).toEqual([
    ['1', 'old-0', 'new-0', 'never', '100'],
    ['1', 'old-1', 'new-1', '66', '100'],
  ]);
  expect(tables[0]?.notes[1]).toBe('Calls failed with: 503, ECONNREFUSED.');
  expect(words).toContain('under 500 calls a second, without a retry, and 3 of 1000 calls failed');
});

it('runs over the real fleet', async () => {
  const pace = { speedup: 10, seconds: 10 };
  const { results } = await tellOf<RollingRun>(rollingDeployment, pace);
  const [run] = results;
  expect(run).toMatchObject({ failures: [], socketsLeft: 0, received: run?.calls });
  expect(run?.replacements).toHaveLength(9);
  for (const { left, received, drainedAfter } of run?.replacements ?? []) {
    expect(left).toBe(0);
    expect(received).toBeGreaterThan(0);
    expect(drainedAfter).toBeGreaterThan(0);
  }
  expect(run?.replacements.map(({ old }) => old)).toEqual(
    ['', '-v2', '-v3'].flatMap((version) => [1, 2, 3].map((n) => `simple-backend-${n}${version}`)),
  );
});
