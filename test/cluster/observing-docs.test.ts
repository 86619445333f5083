/** The page on what can be seen against the code: its names are all there are, and its example is run. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { EjectionCounters } from '../../src/cluster/ejection-counters.js';
import type {
  CircuitEvent,
  EjectionEvent,
  HealthEvent,
  OverflowEvent,
  ReturnEvent,
} from '../../src/cluster/events.js';
import type { ClientOptions } from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { shop } from '../support/fleet.js';
import { watched } from './documented/watch-service.js';

const page = readFileSync(new URL('../../docs/observing.md', import.meta.url), 'utf8');

const EVERYTHING: ClientOptions = {
  circuitBreaker: {},
  outlierDetection: {},
  healthCheck: { tcp: true },
  rateLimitHold: {},
  hedge: { delay: '1s' },
};

/** The rows of the tables under a heading: their cells, without the marks of code. */
function rows(heading: string): string[][] {
  const from = page.indexOf(`\n## ${heading}\n`);
  expect(from, heading).not.toBe(-1);
  const to = page.indexOf('\n## ', from + 1);
  return page
    .slice(from, to === -1 ? undefined : to)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .map((cells) => cells.slice(1, -1));
}

function firstCells(heading: string): string[] {
  return rows(heading).map(([first = '']) => first);
}

/** A name as the page has it: with the detectors by their names, and what depends on the answers left open. */
function generic(name: string): string {
  return name
    .replace(/^(retry\.)?upstream_rq_\d{3}$/, '$1upstream_rq_<code>')
    .replace(/^(retry\.)?upstream_rq_\dxx$/, '$1upstream_rq_<N>xx')
    .replace(/^retry_not_made\..*/, 'retry_not_made.<reason>');
}

test('every counter and gauge is in a table, and nothing else', async () => {
  const { client } = await shop({ endpoints: 3, plan: 503 }, EVERYTHING);
  const answer = await client.fetch('/');
  await answer.text();
  const sticky = (['ring-hash', 'maglev'] as const).map((policy) =>
    clientFor({ service: 'http://shop', loadBalancer: { policy, hashOn: { query: 'user' } } }),
  );
  const counted = [client, ...sticky]
    .flatMap((each) => Object.keys(each.stats()))
    .map((name) => generic(name.replace('cluster.shop.', '')));
  const detectors = Object.keys(new EjectionCounters().detected);
  const named = firstCells('Counters and gauges').flatMap((name) =>
    name.includes('<detector>')
      ? detectors.map((detector) => name.replace('<detector>', detector))
      : [name],
  );
  expect(named.toSorted()).toEqual([...new Set(counted)].toSorted());
});

test('every name is a counter or a gauge', async () => {
  const kinds = new Map(rows('Counters and gauges').map(([name = '', kind]) => [name, kind]));
  expect(new Set(kinds.values())).toEqual(new Set(['counter', 'gauge']));
  // What is so now is over when nothing runs.
  const { client } = await shop({ endpoints: 1 }, EVERYTHING);
  await (await client.fetch('/')).text();
  const stats = client.stats();
  for (const name of ['upstream_rq_active', 'upstream_rq_pending_active']) {
    expect([kinds.get(name), stats[`cluster.shop.${name}`]]).toEqual(['gauge', 0]);
  }
  for (const name of ['upstream_rq_total', 'upstream_rq_completed', 'upstream_cx_total']) {
    expect([kinds.get(name), stats[`cluster.shop.${name}`]]).toEqual(['counter', 1]);
  }
});

test('every field of an endpoint is in the table', () => {
  const [endpoint] = clientFor({ service: 'http://shop' }).endpoints();
  const fields = Object.entries(endpoint ?? {}).flatMap(([field, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && field !== 'labels'
      ? Object.keys(value).map((inner) => `${field}.${inner}`)
      : [field],
  );
  expect(firstCells('Endpoints')).toEqual(fields);
});

type Fields<Event> = Readonly<Record<keyof Event, true>>;

/** The compiler holds these to the types. */
const EVENTS = {
  onEjection: {
    service: true,
    endpoint: true,
    reason: true,
    ejectionTime: true,
    ejections: true,
  } satisfies Fields<EjectionEvent>,
  onReturn: {
    service: true,
    endpoint: true,
    reason: true,
    ejectedFor: true,
  } satisfies Fields<ReturnEvent>,
  onHealthChange: {
    service: true,
    endpoint: true,
    healthy: true,
    degraded: true,
    reason: true,
  } satisfies Fields<HealthEvent>,
  onOverflow: {
    service: true,
    endpoint: true,
    limit: true,
    value: true,
  } satisfies Fields<OverflowEvent>,
  onCircuitChange: {
    service: true,
    from: true,
    to: true,
    retryAfterMs: true,
  } satisfies Fields<CircuitEvent>,
};

test('every event is in the table, with its fields, and each of these is explained', () => {
  const hooks = Object.keys(clientFor()).filter((name) => name.startsWith('on'));
  expect(Object.keys(EVENTS)).toEqual(hooks);
  const all = rows('Events');
  const told = all.filter(([name = '']) => name.startsWith('on'));
  expect(told.map(([name, , fields]) => [name, fields])).toEqual(
    Object.entries(EVENTS).map(([name, fields]) => [name, Object.keys(fields).join(', ')]),
  );
  const explained = all
    .filter((cells) => !told.includes(cells))
    .flatMap(([names = '']) => names.replace(/ of .*/, '').split(', '));
  const fields = Object.values(EVENTS).flatMap((event) => Object.keys(event));
  expect(new Set(explained)).toEqual(new Set(fields));
});

test('every detector is a reason', () => {
  const [, types] = rows('Events').find(([name]) => name === 'reason of onEjection') ?? [];
  expect(types?.split(', ')).toEqual(Object.keys(new EjectionCounters().detected));
});

test('every code of a warning is in the table', () => {
  const source = new URL('../../src/', import.meta.url);
  const codes = readdirSync(source, { recursive: true, encoding: 'utf8' })
    // The names in register are those of variables of the environment.
    .filter((name) => name.endsWith('.ts') && !name.startsWith('register'))
    .flatMap((name) => readFileSync(new URL(name, source), 'utf8').match(/'OUTRIGGER_\w+'/g) ?? [])
    .map((code) => code.replaceAll("'", ''));
  expect(firstCells('Warnings').toSorted()).toEqual([...new Set(codes)].toSorted());
});

test('the page shows the example as it is run', () => {
  const program = readFileSync(new URL('./documented/watch-service.ts', import.meta.url), 'utf8');
  const shown = program.replace("'../../../src/index.js'", "'outrigger'").trim();
  expect(page).toContain(`\`\`\`ts\n${shown}\n\`\`\``);
});

test('which hears what happens, and then no more', async () => {
  const { fleet, client } = await shop(
    { endpoints: 1, plan: 500 },
    { outlierDetection: { consecutive5xxErrors: 1, interval: '10ms', baseEjectionTime: '10ms' } },
  );
  const warned = vi.spyOn(console, 'warn').mockReturnValue();
  const shown = vi.spyOn(console, 'info').mockReturnValue();
  const { url } = fleet.server(0);
  const fail = async (): Promise<void> => {
    await (await client.fetch('/')).text();
    await expect.poll(() => client.endpoints()[0]?.healthy, { interval: 5 }).toBe(true);
  };
  await watched(client, fail);
  expect(warned.mock.calls).toEqual([
    [`${url} is out for 10 ms or longer: consecutive_5xx`],
    [expect.stringMatching(/ is back after [\d.]+ ms$/)],
  ]);
  expect(shown.mock.calls).toEqual([[url, true, 0]]);
  await fail();
  expect(warned).toHaveBeenCalledTimes(2);
});
