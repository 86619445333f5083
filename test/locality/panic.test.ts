import { describe, expect, test } from 'vitest';
import { priorityLoads } from '../../src/locality/priority-loads.js';
import { clientFor } from '../support/client.js';

describe('a cluster panics', () => {
  test.each([
    // Below the threshold, not at it.
    [49, 100, 50, true],
    [50, 100, 50, false],
    [1, 3, 34, true],
    [1, 3, 33, false],
    [0, 3, 1, true],
    // With 72 of 100 the over-provisioning factor makes it whole again, whatever the threshold.
    [71, 100, 100, true],
    [72, 100, 100, false],
    [5, 7, 100, false],
    [99, 100, 100, false],
    [100, 100, 100, false],
    // Never with a threshold of 0.
    [0, 3, 0, false],
    // Nobody is a share of 0.
    [0, 0, 50, true],
    [0, 0, 0, false],
  ])('%i healthy of %i, threshold %i: %s', (healthy, count, threshold, panics) => {
    expect(priorityLoads([{ count, healthy, degraded: 0 }], threshold).panics).toEqual([panics]);
  });
});

test('the threshold is minHealthPercent, of outlier detection alone', async () => {
  const client = clientFor({
    service: 'http://shop',
    endpoints: ['http://127.0.0.1:1', 'http://127.0.0.1:2'],
    retry: false,
    loadBalancer: 'round-robin',
    outlierDetection: { consecutive5xxErrors: 1, maxEjectionPercent: 100, minHealthPercent: 60 },
  });
  const panics = () => client.stats()['cluster.shop.lb_healthy_panic'];
  const fail = () => expect(client.fetch('/')).rejects.toMatchObject({ flag: 'UF' });
  await fail();
  expect(panics()).toBe(0);
  // One of two is well: 50 %.
  await fail();
  await fail();
  expect(panics()).toBe(2);
  client.update({ outlierDetection: { minHealthPercent: 0 } });
  const flagOf = async () => client.fetch('/').catch((error: { flag: string }) => error.flag);
  while ((await flagOf()) === 'UF');
  expect(client.endpoints().map(({ ejected }) => ejected)).toEqual([true, true]);
  expect(panics()).toBe(2);
});
