/** The page on the connection pool against the code: its example is run, its counters and messages are so. */
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { createResilientClient, type ClientOptions } from '../../src/index.js';
import { hold } from '../../src/testing/index.js';
import { defaults } from '../../src/options/defaults.js';
import { clientFor } from '../support/client.js';
import { shop } from '../support/fleet.js';
import { outcomeOf } from '../support/pool.js';
import { passOn } from './documented/shed-load.js';

const page = readFileSync(new URL('../../docs/connection-pool.md', import.meta.url), 'utf8');

test('the page shows the example as it is run', () => {
  const program = readFileSync(new URL('./documented/shed-load.ts', import.meta.url), 'utf8');
  const shown = program.replace("'../../../src/index.js'", "'outrigger'").trim();
  expect(page).toContain(`\`\`\`ts\n${shown}\n\`\`\``);
});

test('which sheds what is too much', async () => {
  const gate = hold();
  const { fleet, client } = await shop(
    { endpoints: 1, plan: gate.step },
    { connectionPool: { maxConnections: 1, maxPendingRequests: 1 } },
  );
  const warned = vi.spyOn(console, 'warn').mockReturnValue();
  const first = passOn(client, 'tea');
  await fleet.requestReceived();
  const second = passOn(client, 'milk');
  const third = await passOn(client, 'sugar');
  expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1']);
  expect(warned.mock.calls).toEqual([
    [expect.stringContaining('shop: overflow'), 'connectionPool.maxPendingRequests', 1],
  ]);
  gate.release();
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
});

test('the options of the page are right', () => {
  const [, code = ''] = /```js\nimport .*\n([^]*?)\n```/.exec(page) ?? [];
  let made = 0;
  const make = (options: ClientOptions) => {
    made += 1;
    return createResilientClient(options).destroy();
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
  new Function('createResilientClient', code)(make);
  expect(made).toBe(1);
});

test('a refusal reads as the page says', async () => {
  const gate = hold();
  const { fleet, client } = await shop(
    { endpoints: 1, plan: gate.step },
    {
      service: 'http://simple-backend',
      connectionPool: { maxConnections: 1, maxPendingRequests: 50 },
    },
  );
  const calls = [outcomeOf(client.fetch('/'))];
  await fleet.requestReceived();
  for (let call = 0; call < 50; call++) calls.push(outcomeOf(client.fetch('/')));
  const error: unknown = await client.fetch('/').catch((reason: unknown) => reason);
  expect(page).toContain(`\`\`\`text\n${String(error)}\n\`\`\``);
  gate.release();
  await Promise.all(calls);
});

test('every counter of the page is one, and every limit has the default that it says', () => {
  const table = page.slice(page.indexOf('## Counters'), page.indexOf('## Differences'));
  const gauges = table.match(/(?<=`)(?:cx|rq|remaining)_\w+(?=`)/g) ?? [];
  expect(gauges).toHaveLength(8);
  const named = [
    ...(table.match(/(?<=`)upstream_\w+(?=`)/g) ?? []),
    ...gauges.map((gauge) => `circuit_breakers.default.${gauge}`),
  ];
  const client = clientFor({ service: 'http://shop' });
  const counted = Object.keys(client.stats()).map((name) => name.replace('cluster.shop.', ''));
  // Codes are counted from the first of them on.
  const missing = named.filter((name) => name !== 'upstream_rq_503' && !counted.includes(name));
  expect(missing).toEqual([]);
  const limits = [...page.matchAll(/\| `(max\w+)` \((\d+)\)/g)];
  expect(limits).toHaveLength(4);
  const known = new Map<string, unknown>(Object.entries(defaults));
  for (const [, option = '', value] of limits) {
    expect([option, known.get(`connectionPool.${option}`)]).toEqual([option, Number(value)]);
  }
});
