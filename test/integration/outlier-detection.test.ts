/** Outlier detection on real sockets, through `client.fetch` as a user calls it; time moves only when it is told. */
import { describe, expect, test } from 'vitest';
import {
  NoHealthyEndpointError,
  type ClientOptions,
  type EjectionEvent,
  type OutlierDetectionOptions,
  type ResilientClient,
  type ReturnEvent,
} from '../../src/index.js';
import { hold, virtualRuntime, type LoopbackServerOptions } from '../../src/testing/index.js';
import { afterThisTurn, shop } from '../support/fleet.js';

/** The first error ejects, for 5 s, as in the book. */
const STRICT: OutlierDetectionOptions = {
  consecutive5xxErrors: 1,
  interval: '1s',
  baseEjectionTime: '5s',
  maxEjectionPercent: 100,
};

async function strict(
  endpoints: readonly LoopbackServerOptions[],
  options: ClientOptions = {},
): Promise<Awaited<ReturnType<typeof shop>> & { events: string[] }> {
  const made = await shop(
    { endpoints },
    { loadBalancer: 'round-robin', retry: false, outlierDetection: STRICT, ...options },
  );
  const events: string[] = [];
  const nameOf = ({ endpoint }: EjectionEvent | ReturnEvent): string =>
    made.fleet.servers.find(({ url }) => url === endpoint)?.name ?? '';
  made.client.onEjection((event) => events.push(`${nameOf(event)} out: ${event.reason}`));
  made.client.onReturn((event) => events.push(`${nameOf(event)} back: ${event.reason}`));
  return { ...made, events };
}

/** Statuses, and failures by their flag, of so many calls one after the other. */
async function outcomes(client: ResilientClient, calls: number): Promise<(number | string)[]> {
  const all: (number | string)[] = [];
  for (let call = 0; call < calls; call++) {
    try {
      const response = await client.fetch('/');
      all.push(response.status);
      await response.text();
    } catch (error) {
      all.push((error as { flag: string }).flag);
    }
  }
  return all;
}

const stat = (client: ResilientClient, name: string): number | undefined =>
  client.stats()[`cluster.shop.outlier_detection.${name}`];

const ejected = (client: ResilientClient): boolean[] =>
  client.endpoints().map((endpoint) => endpoint.ejected);

describe('an endpoint of three', () => {
  test('that fails three quarters of its requests is seen once in each ejection', async () => {
    const runtime = virtualRuntime();
    const failing = {
      plan: (_index: number, _request: unknown, chance: () => number) =>
        chance() < 0.75 ? 503 : 200,
    };
    const { client, events } = await strict([failing, {}, {}], { runtime });
    const statuses: (number | string)[] = [];
    // 20 s at 10 calls a second.
    for (let step = 0; step < 200; step++) {
      statuses.push(...(await outcomes(client, 1)));
      await runtime.advance(100);
    }
    const errors = statuses.filter((status) => status === 503).length;
    expect(errors).toBeGreaterThan(0);
    // Each ejection lasts 5 s and longer; without them there are 50 errors.
    expect(errors).toBeLessThanOrEqual(3);
    expect(stat(client, 'ejections_enforced_consecutive_5xx')).toBe(errors);
    expect(events.filter((event) => event.endsWith('consecutive_5xx'))).toHaveLength(errors);
    expect(events).toContain('server-1 back: time');
  });

  test('together with retries nobody sees it', async () => {
    const { client } = await strict([{ plan: 503 }, {}, {}], {
      retry: { retryOn: '5xx', backoff: { baseInterval: 0.001 } },
    });
    expect(new Set(await outcomes(client, 20))).toEqual(new Set([200]));
    expect(stat(client, 'ejections_active')).toBe(1);
  });

  test('that refuses connections', async () => {
    const { client, fleet, events } = await strict([{}, {}, {}]);
    await fleet.server(0).refuse();
    const all = await outcomes(client, 30);
    expect(all.filter((outcome) => outcome === 'UF')).toHaveLength(1);
    expect(events).toEqual(['server-1 out: consecutive_5xx']);
  });

  test.each([
    ['resets', 'reset' as const, 'UC'],
    ['closes', 'close' as const, 'UC'],
    ['talks nonsense', 'garbage' as const, 'UPE'],
    ['sends half a body', { body: 'whole', cut: { at: 2, by: 'reset' as const } }, 'half'],
  ])('that %s', async (_what, plan, flag) => {
    const { client, events } = await strict([{ plan }, {}, {}]);
    const all = await outcomes(client, 30);
    const shown = flag === 'half' ? 'UPE' : flag;
    expect(all.filter((outcome) => outcome === shown)).toHaveLength(1);
    expect(events).toEqual(['server-1 out: consecutive_5xx']);
  });

  test('that is silent', async () => {
    const { client, events } = await strict([{ plan: 'silence' }, {}, {}], {
      timeout: '60ms',
    });
    const all = await outcomes(client, 30);
    expect(all.filter((outcome) => outcome === 'UT')).toHaveLength(1);
    expect(events).toEqual(['server-1 out: consecutive_5xx']);
  });
});

describe('what says nothing of an endpoint', () => {
  test('the loser of a hedge', async () => {
    const slow = hold();
    const { client, fleet, events } = await strict([{ plan: slow.step }, { plan: slow.step }], {
      hedge: { delay: 1 },
    });
    const answer = client.fetch('/');
    await Promise.all(fleet.servers.map((server) => server.requestReceived()));
    slow.release();
    await (await answer).text();
    expect(events).toEqual([]);
    expect(ejected(client)).toEqual([false, false]);
  });

  test('a caller who gives up, before the head and after it', async () => {
    const before = hold();
    const { client, fleet, events } = await strict([{ plan: before.step }]);
    const early = new AbortController();
    const waiting = client.fetch('/', { signal: early.signal });
    await fleet.requestReceived();
    early.abort();
    await expect(waiting).rejects.toThrow();
    fleet.plan({ body: 'half of it', bodyDelay: 0, cut: { at: 4, by: 'silence' } });
    const late = new AbortController();
    const response = await client.fetch('/', { signal: late.signal });
    late.abort();
    await expect(response.text()).rejects.toThrow();
    expect(events).toEqual([]);
  });
});

describe('an ejected endpoint', () => {
  test('finishes what is in flight, and loses its connections', async () => {
    const held = hold({ body: 'late, and whole' });
    const { client, fleet } = await strict([{}, {}]);
    const server = fleet.server(0);
    // Two connections to each, of which one idles.
    await Promise.all([1, 2, 3, 4].map(async () => (await client.fetch('/')).text()));
    await afterThisTurn();
    server.plan((_index, { path }) => (path === '/slow' ? held.step : 500));
    const slow = [client.fetch('/slow'), client.fetch('/slow')];
    await server.requestReceived();
    while (!ejected(client)[0]) await (await client.fetch('/')).text();
    await server.connectionsAre(1);
    held.release();
    const texts = await Promise.all(slow.map(async (answer) => (await answer).text()));
    expect(texts).toContain('late, and whole');
    await server.connectionsAre(0);
  });

  test('shows in the snapshot, the counters and the description', async () => {
    const runtime = virtualRuntime();
    const { client } = await strict([{ plan: 500 }, {}], { runtime });
    expect(client.endpoints()[0]).toMatchObject({
      healthy: true,
      ejected: false,
      returnsIn: undefined,
      ejections: 0,
    });
    while (!ejected(client)[0]) await outcomes(client, 1);
    await runtime.advance(1500);
    expect(client.endpoints()[0]).toMatchObject({
      healthy: false,
      ejected: true,
      returnsIn: 3500,
      ejections: 1,
    });
    expect(client.stats()).toMatchObject({
      'cluster.shop.outlier_detection.ejections_active': 1,
      'cluster.shop.membership_healthy': 1,
    });
    expect(client.describe()).toContain(
      'outlier detection (1 5xx in a row, success rate; ejects for 5000 to 300000 ms; at most 100 % or one always; every 1000 ms)',
    );
    await runtime.advance(3500);
    expect(ejected(client)).toEqual([false, false]);
  });
});

describe('all of them', () => {
  const bad = [{ plan: 500 }, { plan: 500 }] as const;

  test('calls fail at once, without a retry, and say why', async () => {
    const { client, fleet } = await strict(bad, {
      retry: { retryOn: ['5xx', 'reset', 'connect-failure'], backoff: { baseInterval: 0.001 } },
    });
    await outcomes(client, 1);
    expect(ejected(client)).toEqual([true, true]);
    const before = fleet.servers.map(({ requests }) => requests.length);
    const error: unknown = await client.fetch('/').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NoHealthyEndpointError);
    expect(error).toMatchObject({
      message:
        'no healthy upstream: shop has 2 endpoints, of which none is healthy: 2 ejected by outlier detection',
      flag: 'UH',
    });
    expect((error as NoHealthyEndpointError).attempts).toHaveLength(1);
    expect(fleet.servers.map(({ requests }) => requests.length)).toEqual(before);
    expect(client.stats()['cluster.shop.upstream_cx_none_healthy']).toBeGreaterThan(0);
  });

  test("Envoy's answer, where that is wanted", async () => {
    const { client } = await strict(bad, { localReplies: 'respond' });
    await outcomes(client, 2);
    const response = await client.fetch('/');
    expect(response.status).toBe(503);
    expect(response.headers.get('x-outrigger-flags')).toBe('UH');
    expect(await response.text()).toBe('no healthy upstream');
  });

  test('are used again in panic', async () => {
    const { client, fleet } = await strict(bad, {
      outlierDetection: { ...STRICT, minHealthPercent: 1 },
    });
    await outcomes(client, 2);
    fleet.plan(200);
    expect(await outcomes(client, 4)).toEqual([200, 200, 200, 200]);
    expect(ejected(client)).toEqual([true, true]);
    expect(client.stats()['cluster.shop.lb_healthy_panic']).toBe(4);
  });

  test('return when outlier detection is switched off', async () => {
    const { client, events } = await strict(bad);
    await outcomes(client, 2);
    client.update({ outlierDetection: { baseEjectionTime: '7s' } });
    expect(ejected(client)).toEqual([true, true]);
    client.update({ outlierDetection: false });
    expect(ejected(client)).toEqual([false, false]);
    expect(events.slice(2)).toEqual(['server-1 back: switched-off', 'server-2 back: switched-off']);
    expect(client.describe()).not.toContain('outlier');
    expect(await outcomes(client, 4)).toEqual([500, 500, 500, 500]);
    expect(stat(client, 'ejections_enforced_total')).toBe(2);
  });
});

describe('the list of endpoints', () => {
  test('one that goes while it is out counts no longer', async () => {
    const { client, fleet } = await strict([{ plan: 500 }, {}, {}]);
    while (!ejected(client)[0]) await outcomes(client, 1);
    client.update({ endpoints: fleet.endpoints.slice(1) });
    expect(stat(client, 'ejections_active')).toBe(0);
    client.update({ endpoints: fleet.endpoints });
    expect(ejected(client)).toEqual([false, false, false]);
  });

  test('one that stays stays out', async () => {
    const { client, fleet } = await strict([{ plan: 500 }, {}, {}]);
    while (!ejected(client)[0]) await outcomes(client, 1);
    client.update({ endpoints: fleet.endpoints.slice(0, 2) });
    expect(ejected(client)).toEqual([true, false]);
    expect(stat(client, 'ejections_active')).toBe(1);
  });
});

test('after the end there is no timer left', async () => {
  const runtime = virtualRuntime();
  const { client } = await strict([{}], { runtime });
  await outcomes(client, 1);
  expect(runtime.pendingBackgroundTimers).toBeGreaterThan(0);
  await client.destroy();
  expect(runtime.pendingTimers).toBe(0);
});

test('where it is off there is nothing of it', async () => {
  const { client } = await strict([{ plan: 500 }], { outlierDetection: false });
  await outcomes(client, 20);
  expect(ejected(client)).toEqual([false]);
  expect(Object.keys(client.stats()).filter((name) => name.includes('outlier'))).toEqual([]);
});
