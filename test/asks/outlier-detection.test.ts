/** What users have asked of outlier detection, each row of `user-asks.md` by its number. */
import { describe, expect, test } from 'vitest';
import type { LoadBalancerPolicy } from '../../src/balancing/policies.js';
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';
import { NoHealthyEndpointError, OptionsError } from '../../src/index.js';
import { virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { shop } from '../support/fleet.js';
import {
  answers,
  outlierPolicy,
  REFUSED,
  VirtualCluster,
  type Scripts,
  type VirtualClusterOptions,
} from '../support/virtual-cluster.js';

function clusterOf(
  scripts: Scripts,
  own: Partial<OutlierPolicy>,
  options: VirtualClusterOptions = {},
): VirtualCluster {
  return new VirtualCluster(scripts, { outlierDetection: outlierPolicy(own), ...options });
}

const ejected = ({ cluster }: VirtualCluster): number =>
  cluster.endpoints.filter((endpoint) => endpoint.ejected).length;

async function calls(virtual: VirtualCluster, count: number): Promise<void> {
  for (let call = 0; call < count; call++) await virtual.finish();
}

describe('the balancer', () => {
  const policies: readonly LoadBalancerPolicy[] = [
    { policy: 'round-robin' },
    { policy: 'random' },
    { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: false },
    { policy: 'least-request', choiceCount: 2, activeRequestBias: 1, fullScan: true },
    { policy: 'peak-ewma', decayTime: 10_000 },
  ];

  test.each(policies)('ask 56: after an outage does not stick to one endpoint: %j', async (lb) => {
    const bad = new Set([0, 1, 2]);
    const virtual = clusterOf(
      ({ endpoint }) => answers(bad.has(Number(endpoint?.url.slice(-1))) ? 503 : 200, 5),
      { consecutive5xxErrors: 1, maxEjectionPercent: 100, interval: 1000, baseEjectionTime: 5000 },
      { loadBalancer: lb },
    );
    await calls(virtual, 3);
    expect(ejected(virtual)).toBe(3);
    const { events } = await virtual.finish();
    expect(events).toEqual(['fail no-healthy-endpoint']);
    // One recovers before the others, and serves alone as long as it is alone.
    bad.delete(1);
    await virtual.runtime.advance(6000);
    const before = virtual.cluster.endpoints[1]?.success ?? 0;
    await calls(virtual, 30);
    expect(virtual.cluster.endpoints[1]).toMatchObject({ ejected: false });
    expect(virtual.cluster.endpoints[1]?.success).toBeGreaterThanOrEqual(before + 28);
    // Then the others, and each of them is chosen again.
    bad.clear();
    await virtual.runtime.advance(20_000);
    expect(ejected(virtual)).toBe(0);
    const totals = virtual.cluster.endpoints.map(({ total }) => total);
    for (let round = 0; round < 60; round++) {
      for (let call = 0; call < 5; call++) virtual.start();
      // Peak EWMA forgets with time.
      await virtual.runtime.advance(1000);
    }
    virtual.cluster.endpoints.forEach(({ total }, index) => {
      expect(total - (totals[index] ?? 0)).toBeGreaterThan(30);
    });
  });
});

describe('outlier detection', () => {
  test('ask 64: the percentage is a real limit, as the share will be afterwards', async () => {
    const one = { consecutive5xxErrors: 1, alwaysEjectOne: false };
    const virtual = clusterOf(answers(500), { ...one, maxEjectionPercent: 50 });
    await calls(virtual, 20);
    expect(ejected(virtual), 'one of three; two would be 67 %').toBe(1);
    const strict = clusterOf(answers(500), { ...one, maxEjectionPercent: 10 });
    await calls(strict, 20);
    expect(ejected(strict), 'not even the first').toBe(0);
    expect(strict.cluster.stats()['outlier_detection.ejections_overflow']).toBe(20);
    const always = clusterOf(answers(500), { ...one, alwaysEjectOne: true });
    await calls(always, 20);
    expect(ejected(always)).toBe(1);
  });

  test('ask 65: an only endpoint may be ejected, and the error says so', async () => {
    const { client } = await shop(
      { endpoints: 1, plan: 500 },
      { retry: false, outlierDetection: { consecutive5xxErrors: 2 } },
    );
    expect((await client.fetch('/')).status).toBe(500);
    expect((await client.fetch('/')).status).toBe(500);
    const error: unknown = await client.fetch('/').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NoHealthyEndpointError);
    expect((error as Error).message).toBe(
      'no healthy upstream: shop has 1 endpoint, of which none is healthy: 1 ejected by outlier detection',
    );
  });

  test('ask 65: or it is not, by a percentage, by panic', async () => {
    for (const own of [
      { alwaysEjectOne: false, maxEjectionPercent: 99 },
      { maxEjectionPercent: 100, minHealthPercent: 1 },
    ]) {
      const { client } = await shop(
        { endpoints: 1, plan: 500 },
        { retry: false, outlierDetection: { consecutive5xxErrors: 1, ...own } },
      );
      for (let call = 0; call < 5; call++) expect((await client.fetch('/')).status).toBe(500);
    }
  });

  test('ask 66: counts anew after an ejection', async () => {
    const virtual = clusterOf(
      answers(503),
      {
        consecutive5xxErrors: 3,
        consecutiveGatewayErrors: 4,
        enforcingConsecutiveGatewayFailure: 100,
        baseEjectionTime: 10_000,
      },
      { endpoints: 1 },
    );
    await calls(virtual, 3);
    expect(ejected(virtual)).toBe(1);
    await virtual.runtime.advance(20_000);
    expect(ejected(virtual)).toBe(0);
    // The row of gateway errors had three of four when the other detector was first.
    await calls(virtual, 2);
    expect(ejected(virtual)).toBe(0);
    await calls(virtual, 1);
    expect(ejected(virtual)).toBe(1);
  });

  test('ask 67: the growing time has a cap, and shrinks', async () => {
    const runtime = virtualRuntime();
    const { client, fleet } = await shop(
      { endpoints: 1 },
      { runtime, retry: false, outlierDetection: { consecutive5xxErrors: 1 } },
    );
    const times: number[] = [];
    client.onEjection(({ ejectionTime }) => times.push(ejectionTime));
    const eject = async (): Promise<void> => {
      fleet.plan(500);
      await (await client.fetch('/')).text();
      while (client.endpoints()[0]?.ejected === true) await runtime.advance(10_000);
    };
    for (let time = 0; time < 12; time++) await eject();
    expect(times.slice(0, 3)).toEqual([30_000, 60_000, 90_000]);
    expect(times.slice(9)).toEqual([300_000, 300_000, 300_000]);
    await runtime.advance(80_000);
    await eject();
    expect(times.at(-1)).toBe(120_000);
    await runtime.advance(300_000);
    await eject();
    expect(times.at(-1)).toBe(30_000);
  });

  test('ask 68: own errors apart from answers', async () => {
    const split = {
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailures: 4,
      consecutive5xxErrors: 2,
    };
    const refusing = clusterOf(REFUSED, split, { endpoints: 1 });
    await calls(refusing, 3);
    expect(ejected(refusing)).toBe(0);
    await calls(refusing, 1);
    expect(refusing.cluster.stats()).toMatchObject({
      'outlier_detection.ejections_enforced_consecutive_local_origin_failure': 1,
      'outlier_detection.ejections_enforced_consecutive_5xx': 0,
    });
    const answering = clusterOf(answers(500), split, { endpoints: 1 });
    await calls(answering, 2);
    expect(answering.cluster.stats()).toMatchObject({
      'outlier_detection.ejections_enforced_consecutive_local_origin_failure': 0,
      'outlier_detection.ejections_enforced_consecutive_5xx': 1,
    });
  });

  test('ask 69: consecutiveErrors is refused, with what it meant', () => {
    const made = () => clientFor({ outlierDetection: { consecutiveErrors: 5 } as object });
    expect(made).toThrow(OptionsError);
    expect(made).toThrow(
      "unknown option 'outlierDetection.consecutiveErrors'; which in Istio meant gateway errors alone: here it is 'outlierDetection.consecutiveGatewayErrors', or 'outlierDetection.consecutive5xxErrors' for every 5xx",
    );
  });
});
