/** The limits of the connection pool on real sockets: who waits, who is refused, and how that is told. */
import { describe, expect, test } from 'vitest';
import {
  isOutriggerError,
  OverflowError,
  type ClientOptions,
  type OverflowEvent,
} from '../../src/index.js';
import { hold } from '../../src/testing/index.js';
import { shop } from '../support/fleet.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

/** One connection, busy; one call that waits for it. */
async function full(options: ClientOptions = {}) {
  const gate = hold();
  const limits = { maxConnections: 1, maxPendingRequests: 1 };
  const { fleet, client } = await shop(
    { endpoints: 1, plan: gate.step },
    { connectionPool: limits, ...options },
  );
  const calls = [outcomeOf(client.fetch('/runs'))];
  await fleet.requestReceived();
  calls.push(outcomeOf(client.fetch('/waits')));
  return { fleet, client, gate, calls, limits };
}

describe('maxConnections', () => {
  test('who finds none free waits, in the order of coming', async () => {
    const { fleet, client } = await shop(
      { endpoints: 1 },
      { connectionPool: { maxConnections: 2 } },
    );
    expect(await Promise.all(callsAtOnce(client, 40))).toEqual(Array(40).fill(200));
    expect(fleet.servers[0]?.requestsPerConnection).toHaveLength(2);
    // What waits is written in its order; two connections may swap neighbours on their way.
    const arrived = fleet.server(0).requests.map(({ path }) => Number(path.slice(1)));
    arrived.forEach((call, place) => expect(Math.abs(call - place)).toBeLessThan(2));
    expect(stat(client, 'upstream_rq_pending_total')).toBe(40);
    expect(stat(client, 'upstream_cx_overflow')).toBe(38);
    await expectNothingHeld(client);
  });

  test('strictly so on one connection', async () => {
    const { fleet, client } = await shop(
      { endpoints: 1 },
      { connectionPool: { maxConnections: 1 } },
    );
    await Promise.all(callsAtOnce(client, 25));
    const arrived = fleet.server(0).requests.map(({ path }) => path);
    expect(arrived).toEqual(Array.from({ length: 25 }, (_, index) => `/${index}`));
    expect(fleet.server(0).requestsPerConnection).toEqual([25]);
  });

  // Seen on a real Envoy: `maxConnections: 2` over four endpoints makes four connections.
  test('every endpoint may have one, whatever the limit', async () => {
    const gate = hold();
    const { fleet, client } = await shop(
      { endpoints: 4, plan: gate.step },
      { connectionPool: { maxConnections: 2 }, loadBalancer: 'round-robin' },
    );
    const calls = callsAtOnce(client, 8);
    for (let call = 0; call < 4; call++) await fleet.requestReceived();
    expect(stat(client, 'upstream_cx_active')).toBe(4);
    expect(stat(client, 'upstream_rq_pending_active')).toBe(4);
    // As in Envoy: the two that were opened nevertheless count too.
    expect(stat(client, 'upstream_cx_overflow')).toBe(6);
    expect(stat(client, 'circuit_breakers.default.cx_open')).toBe(1);
    expect(stat(client, 'circuit_breakers.default.remaining_cx')).toBe(0);
    gate.release();
    expect(await Promise.all(calls)).toEqual(Array(8).fill(200));
    expect(fleet.servers.map((server) => server.requestsPerConnection)).toEqual(Array(4).fill([2]));
    await expectNothingHeld(client);
  });

  test('the place of a connection that closes is for whoever waits longest for one, at any endpoint', async () => {
    const gates = [hold(), hold()];
    const { fleet, client } = await shop(
      { endpoints: gates.map(({ step }) => ({ plan: step })) },
      { connectionPool: { maxConnections: 2 }, loadBalancer: 'round-robin' },
    );
    const calls = callsAtOnce(client, 4);
    for (let call = 0; call < 2; call++) await fleet.requestReceived();
    client.update({ connectionPool: { maxRequestsPerConnection: 1 } });
    // Who waits there is the last on that connection, whose place goes to the one who waits elsewhere.
    gates[0]?.release();
    await fleet.connectionsAre(2);
    await expect.poll(() => fleet.server(1).requestsPerConnection).toHaveLength(2);
    expect(fleet.openConnections).toBe(2);
    gates[1]?.release();
    expect(await Promise.all(calls)).toEqual(Array(4).fill(200));
    await expectNothingHeld(client);
  });

  test('holds over all endpoints together', async () => {
    const gate = hold();
    const { fleet, client } = await shop(
      { endpoints: 2, plan: gate.step },
      { connectionPool: { maxConnections: 3 }, loadBalancer: 'round-robin' },
    );
    const calls = callsAtOnce(client, 10);
    for (let call = 0; call < 3; call++) await fleet.requestReceived();
    expect(fleet.openConnections).toBe(3);
    gate.release();
    expect(await Promise.all(calls)).toEqual(Array(10).fill(200));
    expect(fleet.servers.flatMap((server) => server.requestsPerConnection)).toHaveLength(3);
  });
});

describe('maxPendingRequests', () => {
  test('one more than may wait is refused at once', async () => {
    const { fleet, client, gate, calls } = await full();
    const error = await client.fetch('/refused').catch((reason: unknown) => reason);
    // Nothing of the others has moved on meanwhile.
    expect(fleet.server(0).requests).toHaveLength(1);
    expect(error).toBeInstanceOf(OverflowError);
    expect(error).toBeInstanceOf(TypeError);
    expect(isOutriggerError(error)).toBe(true);
    expect(error).toMatchObject({
      name: 'OverflowError',
      code: 'ERR_OUTRIGGER_OVERFLOW',
      message:
        'shop: overflow, the limit of 1 is reached on attempts that wait for a connection (connectionPool.maxPendingRequests)',
      service: 'shop',
      flag: 'UO',
      limit: 'connectionPool.maxPendingRequests',
      value: 1,
      attempts: [
        {
          number: 1,
          endpoint: fleet.server(0).url,
          outcome: 'overflow',
          flag: 'UO',
          connectedAt: undefined,
        },
      ],
    });
    gate.release();
    expect(await Promise.all(calls)).toEqual([200, 200]);
    await expectNothingHeld(client, { maxPendingRequests: 1 });
  });

  test("with localReplies 'respond' it gets what Envoy would answer", async () => {
    const { client, gate } = await full({ localReplies: 'respond' });
    const response = await client.fetch('/refused');
    expect(response.status).toBe(503);
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-length': '81',
      'content-type': 'text/plain',
      'x-envoy-overloaded': 'true',
      'x-outrigger-flags': 'UO',
    });
    expect(client.explain(response)).toMatchObject({
      localReply: true,
      flags: 'UO',
      attempts: [{ outcome: 'overflow', flag: 'UO', verdict: undefined }],
    });
    expect(await response.text()).toBe(
      'upstream connect error or disconnect/reset before headers. reset reason: overflow',
    );
    gate.release();
  });

  test('the dispatcher and client.request are refused the same', async () => {
    const { client, gate } = await full();
    const refused = { code: 'ERR_OUTRIGGER_OVERFLOW' };
    await expect(client.request('/')).rejects.toMatchObject(refused);
    const init = { dispatcher: client.dispatcher } as unknown as RequestInit;
    await expect(fetch('http://shop/', init)).rejects.toMatchObject({ cause: refused });
    gate.release();
  });

  test('counts as Envoy does', async () => {
    const { client, gate, calls } = await full();
    expect(stat(client, 'upstream_rq_pending_active')).toBe(1);
    expect(stat(client, 'circuit_breakers.default.rq_pending_open')).toBe(1);
    expect(stat(client, 'circuit_breakers.default.remaining_pending')).toBe(0);
    await outcomeOf(client.fetch('/refused'));
    expect(stat(client, 'upstream_rq_pending_overflow')).toBe(1);
    expect(stat(client, 'upstream_rq_active_overflow')).toBe(0);
    // Of the two that were let in; the refused one was never queued, nor attached.
    expect(stat(client, 'upstream_rq_pending_total')).toBe(2);
    expect(stat(client, 'upstream_rq_total')).toBe(1);
    expect(stat(client, 'upstream_rq_503')).toBe(1);
    expect(stat(client, 'upstream_rq_completed')).toBe(1);
    gate.release();
    await Promise.all(calls);
    expect(stat(client, 'upstream_rq_total')).toBe(2);
    expect(stat(client, 'upstream_rq_completed')).toBe(3);
    expect(stat(client, 'circuit_breakers.default.rq_pending_open')).toBe(0);
  });

  test('a refused call is neither retried nor a failure of the endpoint', async () => {
    const { client, gate, calls } = await full({
      retry: {
        attempts: 3,
        retryOn: ['5xx', 'connect-failure', 'reset', ({ status }) => status === undefined],
      },
      outlierDetection: { consecutive5xxErrors: 1 },
    });
    const error = await client.fetch('/refused').catch((reason: unknown) => reason);
    expect((error as OverflowError).attempts).toHaveLength(1);
    expect(stat(client, 'upstream_rq_retry')).toBe(0);
    expect(stat(client, 'upstream_rq_retry_limit_exceeded')).toBe(0);
    expect(client.endpoints()[0]).toMatchObject({
      error: 0,
      success: 0,
      active: 2,
      ejected: false,
    });
    gate.release();
    expect(await Promise.all(calls)).toEqual([200, 200]);
    expect(client.endpoints()[0]).toMatchObject({ error: 0, success: 2, total: 3 });
  });

  test('each refusal is told to those who listen, until they have enough', async () => {
    const { fleet, client, gate } = await full();
    const events: OverflowEvent[] = [];
    const listening = client.onOverflow((event) => events.push(event));
    await outcomeOf(client.fetch('/refused'));
    await outcomeOf(client.fetch('/refused'));
    const event = {
      service: 'shop',
      endpoint: fleet.server(0).url,
      limit: 'connectionPool.maxPendingRequests',
      value: 1,
    };
    expect(events).toEqual([event, event]);
    listening[Symbol.dispose]();
    await outcomeOf(client.fetch('/refused'));
    expect(events).toHaveLength(2);
    gate.release();
  });

  // Envoy counts a place for each of them: its first request waits, too, for its connection.
  test.each([
    [3, 4],
    [4, 4],
    [5, 4],
  ])('a burst of %d at a cold pool with %d places', async (burst, places) => {
    const { client } = await shop(
      { endpoints: 1 },
      { connectionPool: { maxConnections: 10, maxPendingRequests: places } },
    );
    const outcomes = await Promise.all(callsAtOnce(client, burst));
    const expected = Array.from({ length: burst }, (_, index) =>
      index < places ? 200 : 'OverflowError',
    );
    expect(outcomes).toEqual(expected);
    await expectNothingHeld(client, { maxPendingRequests: places });
    // Once there are connections, nobody needs a place.
    expect(await Promise.all(callsAtOnce(client, Math.min(burst, places)))).toEqual(
      Array(Math.min(burst, places)).fill(200),
    );
  });

  // envoy #20817: what has a slot need not wait.
  test('0 lets a call through while a connection is free or may be made', async () => {
    const gate = hold();
    const { fleet, client } = await shop(
      { endpoints: 1 },
      { connectionPool: { maxConnections: 2, maxPendingRequests: 0 } },
    );
    for (let call = 0; call < 5; call++) expect(await outcomeOf(client.fetch('/'))).toBe(200);
    fleet.plan(gate.step);
    const calls = callsAtOnce(client, 2);
    await expect.poll(() => fleet.openConnections).toBe(2);
    expect(await outcomeOf(client.fetch('/'))).toBe('OverflowError');
    gate.release();
    expect(await Promise.all(calls)).toEqual([200, 200]);
    await expectNothingHeld(client, { maxPendingRequests: 0 });
    expect(await Promise.all(callsAtOnce(client, 3))).toEqual([200, 200, 'OverflowError']);
  });
});

test('connectionPool: false lifts the limits', async () => {
  const { client } = await shop({ endpoints: 1 }, { connectionPool: false });
  expect(await Promise.all(callsAtOnce(client, 1030))).toEqual(Array(1030).fill(200));
});

test('the usual limits hold without being named', async () => {
  const { client } = await shop({ endpoints: 1 });
  const outcomes = await Promise.all(callsAtOnce(client, 1030));
  expect(outcomes.filter((outcome) => outcome === 'OverflowError')).toHaveLength(6);
});
