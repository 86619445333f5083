import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import type {
  ClientOptions,
  DiscoveryHost,
  EndpointList,
  ResilientClient,
} from '../../src/index.js';
import { virtualRuntime, type VirtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { ManualDiscovery } from '../support/discovery.js';
import { stat } from '../support/pool.js';

function followed(options: ClientOptions = {}): {
  discovery: ManualDiscovery;
  runtime: VirtualRuntime;
  client: ResilientClient;
  warnings: () => unknown[];
} {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const discovery = new ManualDiscovery();
  const runtime = virtualRuntime();
  const client = clientFor({ service: 'http://shop', endpoints: discovery, runtime, ...options });
  return { discovery, runtime, client, warnings: () => emitted.mock.calls.map(([said]) => said) };
}

function urls(client: ResilientClient): string[] {
  return client.endpoints().map(({ url }) => url);
}

function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `http://10.0.0.${from + index}`);
}

describe('lists of a discovery', () => {
  test('become the endpoints, and those that stay are the same', async () => {
    const { discovery, runtime, client } = followed();
    expect(client.endpoints()).toEqual([]);
    expect(discovery.hosts.map(({ service }) => service)).toEqual(['http://shop']);
    discovery.update(['http://a', { url: 'http://b', weight: 3, locality: 'r/z' }]);
    expect(client.endpoints()).toMatchObject([
      { url: 'http://a', weight: 1 },
      { url: 'http://b', weight: 3, locality: 'r/z' },
    ]);
    await runtime.advance(1000);
    discovery.update(['http://c', 'http://a']);
    expect(urls(client)).toEqual(['http://c', 'http://a']);
    expect(stat(client, 'membership_change')).toBe(2);
  });

  test('may be empty', async () => {
    const { discovery, runtime, client, warnings } = followed();
    discovery.update(['http://a']);
    await runtime.advance(100);
    discovery.update([]);
    expect(urls(client)).toEqual([]);
    expect(warnings()).toEqual([]);
    await expect(client.fetch('/')).rejects.toThrow('no healthy upstream: shop has no endpoint');
  });

  test('that are the same as before rebuild nothing', async () => {
    const { discovery, runtime, client } = followed();
    discovery.update(['http://a', 'http://b']);
    await runtime.advance(100);
    discovery.update(['http://a', { url: 'http://b' }]);
    expect(stat(client, 'membership_change')).toBe(1);
    expect(stat(client, 'update_no_rebuild')).toBe(1);
    expect(stat(client, 'update_success')).toBe(2);
  });

  test('are copied', async () => {
    const { discovery, runtime, client } = followed();
    const list = ['http://a'];
    discovery.update(list);
    list.push('http://b');
    discovery.update(list);
    list.pop();
    await runtime.advance(100);
    expect(urls(client)).toEqual(['http://a', 'http://b']);
  });

  test('are taken ten times a second, the latest of each time', async () => {
    const { discovery, runtime, client } = followed();
    for (let count = 0; count < 100; count++) {
      discovery.update(numbered(1, count));
      await runtime.advance(10);
    }
    await runtime.advance(100);
    expect(urls(client)).toEqual(numbered(1, 99));
    expect(stat(client, 'update_attempt')).toBe(100);
    expect(stat(client, 'membership_change')).toBeLessThanOrEqual(11);
    expect(stat(client, 'membership_change')).toBeGreaterThanOrEqual(10);
    // Nothing is left to do.
    expect(runtime.pendingTimers).toBe(0);
  });

  test.each([
    [200, 100],
    [500, 250],
    [9000, 4500],
    [12_000, 5000],
  ])('of %i endpoints are taken every %i ms', async (count, pause) => {
    const { discovery, runtime, client } = followed();
    discovery.update(Array.from({ length: count }, (_, index) => `http://host-${index}`));
    discovery.update(numbered(1));
    await runtime.advance(pause - 1);
    expect(stat(client, 'membership_total')).toBe(count);
    await runtime.advance(1);
    expect(stat(client, 'membership_total')).toBe(1);
  });

  test('that come while one is taken wait until it is', async () => {
    const { discovery, runtime, client } = followed({
      loadBalancer: (endpoints) => {
        if (endpoints.length === 1) discovery.update(numbered(2));
        return { name: 'first', pick: () => endpoints[0] };
      },
    });
    discovery.update(numbered(1));
    expect(urls(client)).toEqual(numbered(1));
    await runtime.advance(100);
    expect(urls(client)).toEqual(numbered(2));
    expect(runtime.pendingTimers).toBe(0);
  });

  test('one alone is not put off, and the wait does not hold the process', async () => {
    const { discovery, runtime, client } = followed();
    discovery.update(numbered(1));
    discovery.update(numbered(2));
    expect(urls(client)).toEqual(numbered(1));
    expect(runtime.pendingTimers).toBe(1);
    expect(runtime.pendingBackgroundTimers).toBe(1);
    await runtime.advance(99);
    expect(urls(client)).toEqual(numbered(1));
    await runtime.advance(1);
    expect(urls(client)).toEqual(numbered(2));
    await runtime.advance(5000);
    discovery.update(numbered(3));
    expect(urls(client)).toEqual(numbered(3));
  });
});

describe('a wrong list', () => {
  test.each<[string, unknown, string]>([
    ['no list', 'http://a', "endpoints: found 'http://a', expected a list of endpoints"],
    ['none at all', undefined, 'endpoints: found undefined, expected a list of endpoints'],
    [
      'a wrong item',
      ['http://b', { url: 'http://c', weight: 0 }],
      'endpoints[1].weight: found 0, expected a whole number from 1 to 4294967295',
    ],
    [
      'an unknown option',
      [{ url: 'http://c', wieght: 1 }],
      "unknown option 'endpoints[0].wieght'; did you mean 'weight'?",
    ],
    [
      'one twice, and more',
      ['http://b', 'http://b/', 'ftp://c'],
      "endpoints[2]: found 'ftp://c', expected an http or https origin such as 'http://10.0.0.7:8080', or 'unix:' and an absolute path, and 1 more",
    ],
  ])('%s leaves the last one, and is warned of once', async (_case, list, sentence) => {
    const { discovery, runtime, client, warnings } = followed();
    discovery.update(['http://a']);
    for (let count = 0; count < 3; count++) {
      await runtime.advance(100);
      discovery.update(list as EndpointList);
    }
    expect(urls(client)).toEqual(['http://a']);
    expect(warnings()).toEqual([
      `shop: the test: its list is wrong: ${sentence}; the last list stays`,
    ]);
    expect(stat(client, 'update_failure')).toBe(3);
  });

  test('does not hide the right one before it', async () => {
    const { discovery, runtime, client } = followed();
    discovery.update(['http://a']);
    discovery.update(['http://b']);
    discovery.update(['nonsense']);
    await runtime.advance(100);
    expect(urls(client)).toEqual(['http://b']);
  });

  test('is what calls are told while there is no other', async () => {
    const { discovery, runtime, client } = followed({ timeout: '1s' });
    discovery.fail(new Error('no such name'));
    discovery.update(['nonsense']);
    const call = expect(client.fetch('/')).rejects.toThrow(
      "the test has not answered yet: its list is wrong: endpoints[0]: found 'nonsense', expected",
    );
    await runtime.advance(1000);
    await call;
  });

  test('that a load balancer of the user refuses is warned of, and leaves the last one', async () => {
    const { discovery, runtime, client, warnings } = followed({
      loadBalancer: (endpoints) => {
        if (endpoints.length > 1) throw new Error('one is enough');
        return { name: 'one', pick: () => endpoints[0] };
      },
    });
    discovery.update(['http://a']);
    await runtime.advance(100);
    discovery.update(['http://a', 'http://b']);
    expect(urls(client)).toEqual(['http://a']);
    expect(warnings()).toEqual([
      'shop: the test: its list was refused: one is enough; the last list stays',
    ]);
  });
});

describe('a discovery that fails', () => {
  test('is warned of once for each reason, and the list stays', () => {
    const { discovery, client, warnings } = followed();
    discovery.fail(new Error('no such name'));
    discovery.update(['http://a']);
    for (let count = 0; count < 3; count++) discovery.fail(new Error('no such name'));
    discovery.fail('gone');
    expect(urls(client)).toEqual(['http://a']);
    expect(warnings()).toEqual([
      'shop: the test: no such name; there is no list yet',
      'shop: the test: no such name; the last list stays',
      "shop: the test: 'gone'; the last list stays",
    ]);
    expect(stat(client, 'update_failure')).toBe(5);
    expect(stat(client, 'update_attempt')).toBe(6);
  });

  test('does not flood the log with words that differ each time', () => {
    const { discovery, warnings } = followed();
    for (let count = 0; count < 1000; count++) discovery.fail(new Error(`at ${count}`));
    expect(warnings()).toHaveLength(50);
  });

  test('is what calls to subsets are told as well, also to one that comes later', async () => {
    const { discovery, runtime, client } = followed({
      timeout: '1s',
      subsets: { old: { labels: { v: '1' } } },
      routes: [{ match: { path: '/old' }, subset: 'old' }],
    });
    discovery.fail(new Error('no such name'));
    const old = client.fetch('/old');
    client.update({
      subsets: { young: { labels: { v: '2' } } },
      routes: [{ match: { path: '/young' }, subset: 'young' }],
    });
    const told = [old, client.fetch('/young')].map((call) =>
      expect(call).rejects.toThrow('the test has not answered yet: no such name'),
    );
    await runtime.advance(1000);
    await Promise.all(told);
  });

  test('gives its reason in words, also where it is no error of this realm', () => {
    const { discovery, warnings } = followed();
    discovery.fail(runInNewContext('new Error("queryA ETIMEOUT shop")'));
    discovery.fail(Object.create(null));
    expect(warnings()).toEqual([
      'shop: the test: queryA ETIMEOUT shop; there is no list yet',
      'shop: the test: an object; there is no list yet',
    ]);
  });

  test.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['an object', () => ({})],
    ['an instance of Promise', () => Promise.resolve({ stop: () => {} })],
    ['an instance of Promise', () => Promise.reject(new Error('no leave'))],
  ])('is one that cannot be stopped: %s', async (found, start) => {
    const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const endpoints = { name: 'mine', start } as never;
    const client = clientFor({ service: 'http://shop', endpoints });
    await client.destroy();
    expect(emitted.mock.calls[0]?.[0]).toBe(
      `shop: mine: start() gave ${found}, expected an object with stop(); there is no list yet`,
    );
  });

  test('may throw when it is started', () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const start = (): never => {
      throw new Error('no leave');
    };
    const client = clientFor({ service: 'http://shop', endpoints: { name: 'mine', start } });
    expect(client.endpoints()).toEqual([]);
    expect(emitted.mock.calls[0]?.[0]).toBe('shop: mine: no leave; there is no list yet');
    expect(emitted.mock.calls[0]?.[1]).toMatchObject({ code: 'OUTRIGGER_DISCOVERY_FAILED' });
  });
});

describe('the end of a discovery', () => {
  test.each(['close', 'destroy'] as const)('comes with client.%s', async (how) => {
    const { discovery, runtime, client } = followed();
    discovery.update(numbered(1));
    discovery.update(numbered(2));
    expect(discovery.stops).toBe(0);
    await client[how]();
    expect(discovery.stops).toBe(1);
    expect(runtime.pendingTimers).toBe(0);
    discovery.update(numbered(3));
    discovery.fail(new Error('late'));
    expect(urls(client)).toEqual(numbered(1));
    expect(stat(client, 'update_attempt')).toBe(2);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('what it throws disturbs nobody', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const stop = (): never => {
      throw new Error('stuck');
    };
    const client = clientFor({
      service: 'http://shop',
      endpoints: { name: 'mine', start: () => ({ stop }) },
    });
    await client.destroy();
    expect(emitted.mock.calls[0]?.[0]).toContain('it could not be stopped: stuck');
  });

  test('may be a promise that is rejected, and so may another look', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const stop = (): Promise<void> => Promise.reject(new Error('stuck'));
    const refresh = (): Promise<void> => Promise.reject(new Error('nobody there'));
    const start = ({ update }: DiscoveryHost) => {
      update(['http://127.0.0.1:1']);
      return { stop, refresh };
    };
    const client = clientFor({ service: 'http://shop', endpoints: { name: 'mine', start } });
    await expect(client.fetch('/')).rejects.toThrow();
    await client.destroy();
    await new Promise(setImmediate);
    expect(emitted.mock.calls.map(([said]) => said)).toEqual([
      'shop: mine: nobody there; the last list stays',
      'shop: mine: it could not be stopped: stuck; the last list stays',
    ]);
  });

  test('comes also when its first list leads to it', () => {
    const { client } = followed();
    let stops = 0;
    const start = ({ update }: DiscoveryHost) => {
      update(['http://a']);
      return { stop: () => void (stops += 1) };
    };
    client.update({
      endpoints: { name: 'mine', start },
      loadBalancer: (endpoints) => {
        if (endpoints.length > 0) void client.destroy();
        return { name: 'one', pick: () => endpoints[0] };
      },
    });
    expect(stops).toBe(1);
  });
});

describe('client.update', () => {
  test('leaves a discovery alone that it does not name, or names again', () => {
    const { discovery, client } = followed();
    discovery.update(numbered(2));
    client.update({ timeout: '1s' });
    client.update({ endpoints: discovery });
    expect(discovery.hosts).toHaveLength(1);
    expect(discovery.stops).toBe(0);
    expect(urls(client)).toEqual(numbered(2));
  });

  test('also one that is a plain object', () => {
    let starts = 0;
    const stop = (): void => {};
    const endpoints = { name: 'mine', start: () => ((starts += 1), { stop }) };
    const client = clientFor({ services: { 'http://shop': { endpoints } } });
    client.update({ services: { 'http://shop': { timeout: 1, endpoints } } });
    expect(starts).toBe(1);
  });

  test('puts another one in its place, whose first list the endpoints await', async () => {
    const { discovery, runtime, client } = followed();
    const other = new ManualDiscovery('the other');
    discovery.update(numbered(2));
    client.update({ endpoints: other });
    expect([discovery.stops, other.hosts.length]).toEqual([1, 1]);
    expect(urls(client)).toEqual(numbered(2));
    expect(client.describe()).toContain('over 2 endpoints from the other');
    await runtime.advance(100);
    discovery.update(numbered(5));
    expect(urls(client)).toEqual(numbered(2));
    other.update(numbered(3, 1));
    expect(urls(client)).toEqual(numbered(3, 1));
  });

  test('puts a list in its place, and the other way round', () => {
    const { discovery, client } = followed();
    discovery.update(numbered(2));
    client.update({ endpoints: ['http://a'] });
    expect(discovery.stops).toBe(1);
    expect(urls(client)).toEqual(['http://a']);
    expect(client.describe()).toContain('over 1 endpoint\n');
    client.update({ endpoints: discovery });
    expect(urls(client)).toEqual(['http://a']);
    expect(discovery.hosts).toHaveLength(2);
    discovery.update(numbered(1));
    expect(urls(client)).toEqual(numbered(1));
  });

  test('that is refused changes nothing', () => {
    const { discovery, client } = followed();
    discovery.update(numbered(2));
    expect(() => client.update({ endpoints: new ManualDiscovery(), timeout: -1 })).toThrow();
    expect(discovery.stops).toBe(0);
  });

  test('after the end starts nothing', async () => {
    const { discovery, client } = followed();
    const other = new ManualDiscovery();
    await client.destroy();
    client.update({ endpoints: other });
    expect(other.hosts).toHaveLength(0);
    expect(discovery.stops).toBe(1);
  });
});

test('one discovery serves several services', () => {
  const discovery = new ManualDiscovery();
  const client = clientFor({
    services: { 'http://a': { endpoints: discovery }, 'http://b': { endpoints: discovery } },
  });
  discovery.hosts[0]?.update(['http://x']);
  discovery.hosts[1]?.update(['http://y']);
  expect(client.endpoints()).toMatchObject([
    { service: 'a', url: 'http://x' },
    { service: 'b', url: 'http://y' },
  ]);
});

test('a first list that comes at once leaves nobody waiting', () => {
  const stop = (): void => {};
  const client = clientFor({
    service: 'http://shop',
    endpoints: { name: 'mine', start: (host) => (host.update(['http://a']), { stop }) },
  });
  expect(urls(client)).toEqual(['http://a']);
  expect(client.describe()).not.toContain('discovery');
});
