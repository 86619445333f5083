/** What a pool does when those it tells of something act upon it at once, and what it holds the process for. */
import { describe, expect, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import { FakePools, stateOf, type FakeCall, type FakeConnection } from './fake-connections.js';

const connection = (pools: FakePools, number: number): FakeConnection =>
  pools.connections[number] as FakeConnection;

describe('whoever is refused calls again at once', () => {
  test('and is not left waiting beside a connection that is free', async () => {
    const pools = new FakePools({ maxRequests: 1 }, 2);
    const busy = pools.start(1);
    connection(pools, 0).connect();
    const again: FakeCall[] = [];
    pools.cluster.events.overflow.add(() => again.length < 3 && again.push(pools.start(0)));
    const first = pools.start(0);
    connection(pools, 1).connect();
    expect(stateOf(first)).toBe('maxRequests');
    // The endpoint that refused has a free connection now; the others end elsewhere.
    connection(pools, 0).answer();
    await pools.turn();
    await pools.turn();
    expect(stateOf(busy)).toBe('answered');
    expect(again.map(stateOf)).not.toContain('waiting');
    expect(pools.counters.upstream_rq_pending_active).toBe(0);
  });

  test('while those who wait are failed by a connection', async () => {
    const pools = new FakePools({ maxConnections: 1 });
    const again: FakeCall[] = [];
    const calls = [pools.start(), pools.start(), pools.start()];
    for (const { recorder } of calls) {
      const { onFail } = recorder;
      recorder.onFail = (failure) => {
        onFail.call(recorder, failure);
        again.push(pools.start());
      };
    }
    connection(pools, 0).refuse();
    await pools.turn();
    expect(calls.map(stateOf)).toEqual(Array(3).fill('connect-failure'));
    expect(again.map(stateOf)).toEqual(Array(3).fill('waiting'));
    // One connection was made for them, within the limit.
    expect(pools.connections).toHaveLength(2);
    connection(pools, 1).connect();
    for (let call = 0; call < 3; call++) {
      connection(pools, 1).answer();
      await pools.turn();
    }
    expect(again.map(stateOf)).toEqual(Array(3).fill('answered'));
  });

  test.each(['abort', 'destroy'])('or gives up all the others (%s)', async (how) => {
    const pools = new FakePools({ maxRequests: 1 }, 2);
    pools.start(1);
    connection(pools, 0).connect();
    const calls = [pools.start(0), pools.start(0), pools.start(0)];
    pools.cluster.events.overflow.add(() => {
      if (how === 'destroy') pools.cluster.destroy(new Error('enough'));
      else for (const { call } of calls) drive.abort(call, new Error('enough'));
    });
    connection(pools, 1).connect();
    await pools.turn();
    expect(calls.map(stateOf)).not.toContain('waiting');
    expect(pools.counters.upstream_rq_pending_active).toBe(0);
    expect(pools.cluster.endpoints[0]?.active).toBe(0);
  });

  test('or lifts the limits', async () => {
    const pools = new FakePools({ maxRequests: 1 }, 2);
    pools.start(1);
    connection(pools, 0).connect();
    const calls = [pools.start(0), pools.start(0)];
    pools.cluster.events.overflow.add(() => pools.setLimits({ maxRequests: 10 }));
    connection(pools, 1).connect();
    await pools.turn();
    expect(calls.map(stateOf)).toEqual(['maxRequests', 'running']);
  });
});

describe('a connection that is being made holds the process', () => {
  test('while somebody waits', () => {
    const pools = new FakePools();
    const { call } = pools.start();
    expect(connection(pools, 0).holdsProcess).toBe(true);
    drive.abort(call, new Error('enough'));
    expect(connection(pools, 0).holdsProcess).toBe(false);
    pools.start();
    expect(pools.connections).toHaveLength(1);
    expect(connection(pools, 0).holdsProcess).toBe(true);
  });

  test('not when another one has served who waited', () => {
    const pools = new FakePools();
    pools.start();
    connection(pools, 0).connect();
    const waiting = pools.start();
    connection(pools, 0).answer();
    expect(stateOf(waiting)).toBe('running');
    expect(connection(pools, 1).holdsProcess).toBe(false);
  });

  test('nor when the failure of another one has answered who waited', () => {
    const pools = new FakePools();
    pools.start();
    pools.start();
    connection(pools, 0).refuse();
    expect(connection(pools, 1)).toMatchObject({ lost: false, holdsProcess: false });
  });

  test('and is given up when its endpoint has left and nobody waits', () => {
    const pools = new FakePools();
    const { call } = pools.start();
    pools.cluster.setEndpoints([]);
    expect(connection(pools, 0).lost).toBe(false);
    drive.abort(call, new Error('enough'));
    expect(connection(pools, 0).lost).toBe(true);
    const other = new FakePools();
    drive.abort(other.start().call, new Error('enough'));
    other.cluster.setEndpoints([]);
    expect(connection(other, 0).lost).toBe(true);
  });
});

describe('maxPendingRequests: 0', () => {
  test('lets a call take the connection that is being made for one that has given up', () => {
    const pools = new FakePools({ maxConnections: 1, maxPendingRequests: 0 });
    drive.abort(pools.start().call, new Error('enough'));
    const call = pools.start();
    expect(stateOf(call)).toBe('waiting');
    expect(stateOf(pools.start())).toBe('maxPendingRequests');
    connection(pools, 0).connect();
    expect(stateOf(call)).toBe('running');
    expect(pools.connections).toHaveLength(1);
  });
});

describe('an endpoint that goes', () => {
  const HOUR = 3_600_000;

  test('takes its timer with it', async () => {
    const pools = new FakePools({ idleTimeout: HOUR }, 2);
    for (const endpoint of [0, 1]) pools.start(endpoint);
    for (const number of [0, 1]) connection(pools, number).connect();
    for (const number of [0, 1]) connection(pools, number).answer();
    await pools.turn();
    expect(pools.runtime.pendingTimers).toBe(2);
    pools.pools[1]?.leave();
    expect(pools.runtime.pendingTimers).toBe(1);
    pools.cluster.destroy(undefined);
    expect(pools.runtime.pendingTimers).toBe(0);
  });

  test('and is chosen again: what was opened for those who waited closes, what is opened then stays', async () => {
    const pools = new FakePools({ maxConnections: 1 });
    const calls = [pools.start(), pools.start()];
    connection(pools, 0).connect();
    pools.pools[0]?.drain();
    connection(pools, 0).answer();
    await pools.turn();
    connection(pools, 1).connect();
    connection(pools, 1).answer();
    await pools.turn();
    expect(calls.map(stateOf)).toEqual(['answered', 'answered']);
    expect(pools.connections.map(({ lost }) => lost)).toEqual([true, true]);
    pools.start();
    connection(pools, 2).connect();
    connection(pools, 2).answer();
    await pools.turn();
    expect(pools.pools[0]?.size).toEqual({ open: 1, idle: 1 });
  });
});

test('a client that is destroyed opens nothing for those who waited', () => {
  const pools = new FakePools({ maxConnections: 2 });
  for (let call = 0; call < 6; call++) pools.start();
  for (const number of [0, 1]) connection(pools, number).connect();
  pools.cluster.destroy(new Error('enough'));
  expect(pools.connections).toHaveLength(2);
  expect(pools.counters.upstream_cx_active).toBe(0);
});

test('what throws when its turn has come fails the call, and nobody else', async () => {
  const pools = new FakePools();
  const calls = [pools.start(), pools.start()];
  const first = connection(pools, 0);
  first.send = () => {
    Reflect.deleteProperty(first, 'send');
    throw new Error('cannot be sent');
  };
  first.connect();
  await pools.turn();
  expect(calls.map(stateOf)).toEqual(['invalid', 'running']);
  expect(pools.counters.upstream_rq_pending_active).toBe(0);
});
