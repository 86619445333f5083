/** What an endpoint is told of its attempt: `envoy-istio.md` 6.3 line by line. */
import { describe, expect, test } from 'vitest';
import { withDeadline } from '../../src/deadlines.js';
import type { Policy } from '../../src/core/policy.js';
import type { Attempt } from '../../src/core/attempt.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';
import { shop } from '../support/fleet.js';
import {
  answers,
  hedgePolicy,
  REFUSED,
  SILENT,
  VirtualCluster,
  type Scripts,
} from '../support/virtual-cluster.js';

const EXPECTED = 'x-envoy-expected-rq-timeout-ms';
const COUNT = 'x-envoy-attempt-count';

function header({ headers }: Attempt, name: string): string | undefined {
  const index = headers.indexOf(name);
  return index === -1 ? undefined : headers[index + 1];
}

/** What each attempt was told, until the call is over. Waits are 12 and 25 ms, a connection takes 1 ms. */
async function told(scripts: Scripts, policy: Partial<Policy>): Promise<(string | undefined)[]> {
  const virtual = new VirtualCluster(scripts, { chance: () => 0.5, policy });
  const { call } = await virtual.finish();
  return call.attempts.map((attempt) => header(attempt, EXPECTED));
}

const total = (milliseconds: number): Policy['timeout'] => ({
  response: 0,
  idle: 0,
  total: milliseconds,
});

describe('x-envoy-expected-rq-timeout-ms', () => {
  test('is absent without a limit', async () => {
    expect(await told(answers(200), {})).toEqual([undefined]);
    expect(await told(answers(200), { retry: retryPolicy() })).toEqual([undefined]);
    const timeout = { response: 500, idle: 500, total: 0 };
    expect(await told(answers(200), { timeout })).toEqual([undefined]);
  });

  test('is the total', async () => {
    expect(await told(answers(200), { timeout: total(500) })).toEqual(['500']);
  });

  test('ask 40: minus what the attempts and waits before have used', async () => {
    const timeout = total(500);
    const failing = { ...answers(503, 100) };
    expect(await told(failing, { timeout, retry: retryPolicy() })).toEqual([
      '500',
      String(500 - (1 + 100 + 12)),
      String(500 - (1 + 100 + 12) - (1 + 100 + 25)),
    ]);
  });

  test('is the per-try timeout, as long as the total leaves so much', async () => {
    const retry = retryPolicy({ perTryTimeout: 200 });
    expect(await told(SILENT, { retry })).toEqual(['200', '200', '200']);
    expect(await told(SILENT, { retry, timeout: total(500) })).toEqual(['200', '200', '61']);
    // One that is not below the total is ignored.
    const ignored = retryPolicy({ perTryTimeout: 500 });
    expect(await told(answers(200), { retry: ignored, timeout: total(500) })).toEqual(['500']);
  });

  test('is the total where a try is let go on', async () => {
    const retry = retryPolicy({ perTryTimeout: 200, attempts: 1 });
    const hedge = hedgePolicy({ onPerTryTimeout: true });
    const timeout = total(500);
    expect(await told(SILENT, { retry, hedge, timeout })).toEqual(['500', String(500 - 213)]);
    // Without a total there is no limit then.
    expect(await told(answers(200, 250), { retry, hedge })).toEqual([undefined, undefined]);
    // A hedge of a delay leaves each try its time.
    const delay = hedgePolicy({ delay: 50 });
    expect(
      await told(SILENT, {
        retry: retryPolicy({ perTryTimeout: 200, attempts: 0 }),
        hedge: delay,
        timeout,
      }),
    ).toEqual(['200', '200']);
  });

  test('is a whole number and never 0, which would mean no limit', async () => {
    expect(await told(answers(200), { timeout: total(0.25) })).toEqual(['1']);
    expect(await told(answers(200), { timeout: total(100.5) })).toEqual(['101']);
    expect(await told(answers(200), { retry: retryPolicy({ perTryTimeout: 0.25 }) })).toEqual([
      '1',
    ]);
    const timeout = total(13.5);
    expect(await told(REFUSED, { timeout, retry: retryPolicy({ attempts: 1 }) })).toEqual([
      '14',
      '1',
    ]);
  });
});

describe('x-envoy-attempt-count', () => {
  test('is 1, and one more for each further attempt, hedges included', async () => {
    const policy = { retry: retryPolicy(), hedge: hedgePolicy({ delay: 50 }) };
    const virtual = new VirtualCluster([SILENT, answers(503), answers(200)], { policy });
    const { call } = await virtual.finish();
    expect(call.attempts.map((attempt) => header(attempt, COUNT))).toEqual(['1', '2', '3']);
  });
});

test('both replace what the caller gives by these names', async () => {
  const { fleet, client } = await shop({ endpoints: 1 }, { timeout: '5s' });
  const headers = {
    'X-Envoy-Attempt-Count': '7',
    accept: 'text/plain',
    'x-envoy-expected-rq-timeout-ms': '7',
    'x-envoy-unknown-header': 'kept',
  };
  await (await client.fetch('/', { headers })).text();
  await (await client.fetch(new Request('http://shop/', { headers }))).text();
  await (await client.request('/', { headers })).body.dump();
  for (const request of fleet.server(0).requests) {
    expect(request.headers).toMatchObject({
      [COUNT]: '1',
      [EXPECTED]: '5000',
      accept: 'text/plain',
      'x-envoy-unknown-header': 'kept',
    });
  }
  expect(fleet.server(0).requests).toHaveLength(3);
});

test('plain requests, which share their headers, are told each its own', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: [503, 200] });
  const read = async (response: Promise<Response>): Promise<unknown> => (await response).text();
  await read(client.fetch('/'));
  await read(client.fetch('/'));
  await read(client.fetch('/', { headers: { 'x-user': '7' } }));
  client.update({ timeout: '4s' });
  await read(client.fetch('/'));
  await read(client.fetch('/', { resilience: { timeout: '5s' } }));
  await withDeadline('1s', () => read(client.fetch('/')));
  await read(client.fetch('/'));
  const { requests } = fleet.server(0);
  expect(requests.map(({ headers }) => headers[COUNT])).toEqual([
    '1',
    '2',
    '1',
    '1',
    '1',
    '1',
    '1',
    '1',
  ]);
  const none = [undefined, undefined, undefined, undefined];
  const left = requests[6]?.headers[EXPECTED] ?? '';
  expect(Number(left)).toBeGreaterThan(500);
  expect(Number(left)).toBeLessThanOrEqual(1000);
  const times = [...none, '4000', '5000', left, '4000'];
  expect(requests.map(({ headers }) => headers[EXPECTED])).toEqual(times);
  expect(requests.map(({ headers }) => headers['x-user'])).toEqual(
    times.map((_, index) => (index === 3 ? '7' : undefined)),
  );
});

test('a redirect takes its time off', async () => {
  const fleet = await fleetOf({
    endpoints: 1,
    plan: (_, { path }) =>
      path === '/' ? { status: 302, headers: { location: '/there' }, delay: 20 } : 200,
  });
  const client = clientFor({ service: 'http://shop', endpoints: fleet.endpoints, timeout: '5s' });
  await (await client.fetch('/')).text();
  const [first, second] = fleet.server(0).requests.map(({ headers }) => Number(headers[EXPECTED]));
  expect(first).toBe(5000);
  expect(second).toBeLessThanOrEqual(4981);
  expect(second).toBeGreaterThan(1000);
});

test('envoyHeaders: false sends neither, and leaves the caller’s', async () => {
  const { fleet, client } = await shop({ endpoints: 1 }, { timeout: '5s', envoyHeaders: false });
  await (await client.fetch('/')).text();
  await (await client.fetch('/', { headers: { [EXPECTED]: '7' } })).text();
  const seen = fleet.server(0).requests.map(({ headers }) => [headers[COUNT], headers[EXPECTED]]);
  expect(seen).toEqual([
    [undefined, undefined],
    [undefined, '7'],
  ]);
  expect(client.describe()).not.toContain('envoy headers');
});
