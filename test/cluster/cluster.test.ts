/** Which endpoint a further attempt goes to, and what endpoints and balancers are told of attempts. */
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { retryPolicy } from '../core/scripted-upstream.js';
import {
  answers,
  hedgePolicy,
  REFUSED,
  SILENT,
  VirtualCluster,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

/** A policy that chooses as it is told, and says how often it was asked. */
function choosing(pick: (endpoints: readonly Endpoint[], asked: number) => Endpoint | undefined) {
  const told = { asked: 0 };
  const loadBalancer: VirtualClusterOptions['loadBalancer'] = (endpoints) => ({
    name: 'choosing',
    pick: () => pick(endpoints, told.asked++),
  });
  return { told, loadBalancer };
}

function failing(
  endpoints: number,
  attempts: number,
  loadBalancer: VirtualClusterOptions['loadBalancer'],
  ignorePreviousHosts = true,
  options: VirtualClusterOptions = {},
): VirtualCluster {
  const retry = retryPolicy({ attempts, ignorePreviousHosts });
  return new VirtualCluster(answers(503), {
    endpoints,
    policy: { retry },
    ...(loadBalancer && { loadBalancer }),
    ...options,
  });
}

describe('a further attempt', () => {
  test('draws anew, as Envoy does', async () => {
    // The second of the five further draws finds another.
    const { told, loadBalancer } = choosing((list, asked) => list[asked < 3 ? 0 : 1]);
    const { endpoints } = await failing(2, 1, loadBalancer).finish();
    expect(endpoints).toEqual([0, 1]);
    expect(told.asked).toBe(1 + 3);
  });

  test('draws five times more, and then looks', async () => {
    const { told, loadBalancer } = choosing((list) => list[0]);
    const { endpoints } = await failing(2, 1, loadBalancer).finish();
    expect(endpoints).toEqual([0, 1]);
    expect(told.asked).toBe(1 + 6);
  });

  test('takes what the last draw finds', async () => {
    const { told, loadBalancer } = choosing((list, asked) => list[asked < 6 ? 0 : 4]);
    const { endpoints } = await failing(5, 1, loadBalancer).finish();
    expect(endpoints).toEqual([0, 4]);
    expect(told.asked).toBe(1 + 6);
  });

  test.each([2, 3, 10, 50])('always finds the only one of %i that is untried', async (count) => {
    const { loadBalancer } = choosing((list) => list[0]);
    const virtual = failing(count, count - 1, loadBalancer);
    const { call } = await virtual.finish();
    expect(call.attempts).toHaveLength(count);
    expect(new Set(call.attempts.map(({ endpoint }) => endpoint)).size).toBe(count);
  });

  test('looks from a random place: no endpoint gets all of them', async () => {
    const { loadBalancer } = choosing((list) => list[0]);
    const virtual = failing(4, 1, loadBalancer);
    const counts = [0, 0, 0, 0];
    for (let call = 0; call < 300; call++) {
      const second = (await virtual.finish()).endpoints[1] ?? 0;
      counts[second] = (counts[second] ?? 0) + 1;
    }
    expect(counts[0]).toBe(0);
    for (const count of counts.slice(1)) expect(count).toBeGreaterThan(60);
  });

  test('goes anywhere when all have been tried', async () => {
    const { told, loadBalancer } = choosing((list) => list[0]);
    const { endpoints } = await failing(1, 2, loadBalancer).finish();
    expect(endpoints).toEqual([0, 0, 0]);
    expect(told.asked).toBe(1 + 6 + 6);
  });

  test('with ignorePreviousHosts: false goes wherever the policy says', async () => {
    const { told, loadBalancer } = choosing((list) => list[0]);
    const { endpoints } = await failing(3, 2, loadBalancer, false).finish();
    expect(endpoints).toEqual([0, 0, 0]);
    expect(told.asked).toBe(3);
  });

  test('with nowhere to go at all has failed', async () => {
    const { loadBalancer } = choosing((list, asked) => (asked === 0 ? list[0] : undefined));
    const virtual = failing(2, 1, loadBalancer);
    const { events, explanation } = await virtual.finish();
    expect(events).toEqual(['fail no-healthy-endpoint']);
    expect(explanation.flags).toBe('UH');
    expect(virtual.count('upstream_cx_none_healthy')).toBe(1);
    virtual.expectNothingLeft();
  });

  test('a policy that finds nothing in a later draw does not undo an earlier one', async () => {
    const { loadBalancer } = choosing((list, asked) => (asked < 2 ? list[0] : undefined));
    const { endpoints } = await failing(2, 1, loadBalancer).finish();
    expect(endpoints).toEqual([0, 1]);
  });

  test('goes to an endpoint that came after the call began', async () => {
    const { loadBalancer } = choosing((list) => list[0]);
    const limited = answers(503, 0, { headers: ['retry-after', '1'] });
    const virtual = failing(1, 1, loadBalancer);
    virtual.scripts = [limited, answers(200)];
    const { call } = virtual.start();
    await virtual.runtime.advance(10);
    const url = (index: number) => ({
      url: `http://127.0.0.1:${index}`,
      weight: 1,
      locality: '',
      priority: 0,
      labels: {},
    });
    virtual.cluster.setEndpoints([url(0), url(1)]);
    await virtual.runtime.runUntilIdle();
    expect(call.attempts[1]?.endpoint?.url).toBe('http://127.0.0.1:1');
  });

  test('of a first attempt the policy is asked once', async () => {
    const { told, loadBalancer } = choosing((list) => list[0]);
    await failing(3, 0, loadBalancer).finish();
    expect(told.asked).toBe(1);
  });
});

describe('what is told of an attempt', () => {
  function recording(scripts: ConstructorParameters<typeof VirtualCluster>[0], own = {}) {
    const ended: unknown[] = [];
    const virtual = new VirtualCluster(scripts, {
      policy: { retry: retryPolicy(), hedge: hedgePolicy({ delay: 50 }), ...own },
      chance: () => 0,
      loadBalancer: (endpoints) => {
        let next = 0;
        return {
          name: 'recording',
          pick: () => endpoints[next++ % endpoints.length],
          ended: (_, result) => ended.push(result),
        };
      },
    });
    return { ended, virtual };
  }

  test('a retried answer whose body was cut off is the failure that it was', async () => {
    const { ended, virtual } = recording([{ ...answers(503, 9), chunks: [500] }, answers(200, 4)]);
    await virtual.finish();
    expect(ended).toEqual([
      { latency: 5, ok: true, cancelled: false },
      { latency: 10, ok: false, cancelled: false },
    ]);
  });

  test('a loser says how long it has taken at least', async () => {
    const { ended, virtual } = recording([SILENT, answers(200, 4)]);
    await virtual.finish();
    expect(ended).toEqual([
      { latency: 55, ok: false, cancelled: true },
      { latency: 5, ok: true, cancelled: false },
    ]);
    expect(virtual.cluster.endpoints.map(({ success, error }) => [success, error])).toEqual([
      [0, 0],
      [1, 0],
      [0, 0],
    ]);
  });

  test('its balancer hears of its end before another list comes of that', async () => {
    const heard: string[] = [];
    let made = 0;
    const virtual = new VirtualCluster(REFUSED, {
      loadBalancer: (endpoints) => {
        const number = (made += 1);
        return {
          name: 'hearing',
          pick: () => endpoints[0],
          started: () => void heard.push(`${number}: started`),
          ended: () => void heard.push(`${number}: ended`),
        };
      },
    });
    const { cluster } = virtual;
    cluster.onConnectFailure = () => {
      const [{ url } = { url: '' }] = cluster.endpoints;
      cluster.setEndpoints([{ url, weight: 2, locality: '', priority: 0, labels: {} }]);
    };
    await virtual.finish();
    expect([made, heard]).toEqual([2, ['1: started', '1: ended']]);
  });
});
