import { expect, it } from 'vitest';
import {
  dnsChange,
  type DnsRun,
  findings,
  type Move,
  type Outage,
} from '../../../src/lab/experiments/dns-change.js';
import { tellOf } from './live.js';
import { expectChecks } from './made-up.js';

function move(changes: Partial<Move> = {}): Move {
  return { after: 5, drainedAfter: 5.2, left: 0, used: 2, ...changes };
}

function outage(changes: Partial<Outage> = {}): Outage {
  const seen = { refused: 2, ignored: 1, failures: 1, received: 100, elsewhere: 0 };
  return { seconds: 7.4, ...seen, ...changes };
}

const good: DnsRun = {
  calls: 400,
  failures: [],
  change: move(),
  outage: outage(),
  recovery: move(),
  socketsLeft: 0,
};

it.each([
  ['--full', true, 6.1, 8.1],
  ['a quick run', false, 8.1, 16.1],
])('checks that DNS is followed, and that its failure harms nobody: %s', (_, full, late, later) => {
  expectChecks((run: DnsRun) => findings(run, full), good, {
    'calls that failed': { failures: ['ECONNREFUSED'] },
    'until the new servers are called': { change: move({ after: late }) },
    'new servers that were called': { change: move({ used: 1 }) },
    'connections to the old ones when they were stopped': { change: move({ left: 1 }) },
    'failures of DNS that the client noticed': { outage: outage({ failures: 0 }) },
    'questions that were not answered': { outage: outage({ ignored: 0 }) },
    'calls meanwhile at the last known servers': { outage: outage({ received: 0 }) },
    'calls meanwhile elsewhere': { outage: outage({ elsewhere: 1 }) },
    'until those named after it are called': { recovery: move({ after: later }) },
    'of those, servers that were called': { recovery: move({ used: 1 }) },
    'connections to the second ones when they were stopped': { recovery: move({ left: 1 }) },
    'sockets left when the client was closed': { socketsLeft: 1 },
  });
});

it('tells the times, and of a change that was never followed', () => {
  const told = findings({ ...good, failures: ['503'], change: move({ after: undefined }) }, true);
  expect(told.tables[0]?.rows).toEqual([
    ['names others', 'never', '5.2', '2 of 2 called'],
    ['fails for 7.4 s', '', '', '100 calls at the last'],
    ['is back, names others', '5.0', '5.2', '2 of 2 called'],
  ]);
  expect(told.tables[0]?.notes.join(' ')).toContain('2 question(s) were answered with SERVFAIL');
  expect(told.tables[0]?.notes.at(-1)).toBe('Calls failed with: 503.');
  expect(told.words).toContain('Of 400 calls 1 failed');
  expect(told.checks.filter(({ passed }) => !passed)).toHaveLength(2);
});

it('runs over the real fleet', async () => {
  const { results } = await tellOf<DnsRun>(dnsChange, { speedup: 10, seconds: 10 });
  const moved = { left: 0, used: 2 };
  expect(results[0]).toMatchObject({
    failures: [],
    change: moved,
    outage: { elsewhere: 0 },
    recovery: moved,
    socketsLeft: 0,
  });
  expect(results[0]?.outage.failures).toBeGreaterThan(0);
  expect(results[0]?.outage.received).toBeGreaterThan(0);
});
