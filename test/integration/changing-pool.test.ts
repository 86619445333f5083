/** Limits, endpoints and clients that change or go while calls wait for a connection. */
import { describe, expect, test } from 'vitest';
import { hold, virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, shop } from '../support/fleet.js';
import { busy, callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';
import { silentPort } from '../support/silent-port.js';

describe('client.update', () => {
  test('a higher limit lets go at once who waits', async () => {
    const { fleet, client, gate } = await busy({}, hold().step);
    const calls = callsAtOnce(client, 4);
    expect(stat(client, 'upstream_rq_pending_active')).toBe(4);
    client.update({ connectionPool: { maxConnections: 3 } });
    await expect.poll(() => fleet.server(0).requests.length).toBe(3);
    expect(fleet.openConnections).toBe(3);
    client.update({ connectionPool: false });
    await expect.poll(() => fleet.server(0).requests.length).toBe(5);
    gate.release();
    void Promise.all(calls);
  });

  test('a lower one ends nothing that runs, and sends nobody away who waits', async () => {
    const gate = hold();
    const { fleet, client } = await shop(
      { endpoints: 1, plan: gate.step },
      { connectionPool: { maxConnections: 4 } },
    );
    const calls = callsAtOnce(client, 8);
    for (let call = 0; call < 4; call++) await fleet.requestReceived();
    client.update({
      connectionPool: { maxConnections: 1, maxPendingRequests: 1, maxRequests: 100 },
    });
    expect(await outcomeOf(client.fetch('/'))).toBe('OverflowError');
    expect(fleet.openConnections).toBe(4);
    gate.release();
    expect(await Promise.all(calls)).toEqual(Array(8).fill(200));
    await expectNothingHeld(client, { maxPendingRequests: 1, maxRequests: 100 });
  });

  test('an endpoint that leaves serves those who wait for its connection', async () => {
    const { fleet, client, gate, first } = await busy(
      { connectionPool: { maxConnections: 2 } },
      200,
      2,
    );
    const gone = [first, ...callsAtOnce(client, 6)];
    const [, other] = fleet.endpoints;
    const leaving = client.endpoints().filter(({ url }) => url !== other?.url);
    expect(leaving).toHaveLength(1);
    client.update({ endpoints: other === undefined ? [] : [other] });
    gate.release();
    expect(await Promise.all(gone)).toEqual(Array(7).fill(200));
    await fleet.server(0).connectionsAre(0);
    const before = fleet.server(0).requests.length;
    for (let call = 0; call < 4; call++) expect(await outcomeOf(client.fetch('/'))).toBe(200);
    expect(fleet.server(0).requests).toHaveLength(before);
    await expectNothingHeld(client);
  });

  test('what is being made at an endpoint that leaves is given up when nobody waits for it', async () => {
    const port = await silentPort();
    const client = clientFor({ service: 'https://shop', endpoints: [port.url] });
    const controller = new AbortController();
    const call = outcomeOf(client.fetch('/', { signal: controller.signal }));
    await port.connectionsAre(1);
    client.update({ endpoints: [] });
    await afterThisTurn();
    expect(port.open).toBe(1);
    controller.abort();
    expect(await call).toBe('AbortError');
    await port.connectionsAre(0);
    await client.destroy();
  });
});

describe('the end of the client', () => {
  test('close() serves those who wait, and takes no other', async () => {
    const { client, gate, first } = await busy();
    const calls = callsAtOnce(client, 3);
    const closed = client.close();
    expect(await outcomeOf(client.fetch('/'))).toBe('ClosedError');
    gate.release();
    expect(await Promise.all([first, ...calls])).toEqual([200, 200, 200, 200]);
    await closed;
    expect(stat(client, 'upstream_cx_active')).toBe(0);
  });

  test('close() fails at its deadline who still waits', async () => {
    const runtime = virtualRuntime();
    const { client, first } = await busy({ runtime });
    const calls = callsAtOnce(client, 3);
    const closed = client.close({ deadline: '1s' });
    await runtime.advance(1000);
    expect(await Promise.all([first, ...calls])).toEqual(Array(4).fill('ClosedError'));
    await closed;
    expect(runtime.pendingTimers).toBe(0);
  });

  test('destroy() fails with its error who runs and who waits, also at endpoints that have left', async () => {
    const { fleet, client } = await busy({ connectionPool: { maxConnections: 2 } }, 'silence', 2);
    const calls = Array.from({ length: 6 }, () =>
      client.fetch('/').catch((reason: unknown) => reason),
    );
    client.update({ endpoints: [fleet.server(1).url] });
    const reason = new Error('going down');
    const destroyed = client.destroy(reason);
    expect(await Promise.all(calls)).toEqual(Array(6).fill(reason));
    await destroyed;
    await fleet.connectionsAre(0);
    expect(stat(client, 'upstream_cx_active')).toBe(0);
    expect(stat(client, 'upstream_rq_pending_active')).toBe(0);
  });
});
