/** The times of DNS discovery, on virtual time and with answers that the test gives. */
import { describe, expect, test, vi } from 'vitest';
import { DnsDiscovery, type DnsPolicy } from '../../src/discovery/dns.js';
import type { Address, Answer } from '../../src/discovery/resolve.js';
import { dns, type ResilientClient } from '../../src/index.js';
import { virtualRuntime, type VirtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { stat } from '../support/pool.js';

type Given = readonly (string | Address)[] | Error | Promise<Answer>;

interface Followed {
  readonly client: ResilientClient;
  readonly runtime: VirtualRuntime;
  /** When it was asked, in milliseconds. */
  readonly asked: number[];
  /** What it answers from now on. */
  answer(given: Given, ttl?: number): void;
  cancels(): number;
  warnings(): unknown[];
}

function followed(
  first: Given,
  policy: Partial<DnsPolicy> = {},
  service = 'http://shop',
): Followed {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const runtime = virtualRuntime();
  const asked: number[] = [];
  let now = first;
  let holds: number | undefined;
  let cancelled = 0;
  const discovery = new DnsDiscovery({
    hostname: 'shop.internal',
    port: 8080,
    refresh: 5000,
    minTtl: 1000,
    ...policy,
    source: () => ({
      resolve: async () => {
        asked.push(runtime.now());
        if (now instanceof Error) throw now;
        if (now instanceof Promise) return now;
        const addresses = now.map((given) =>
          typeof given === 'string'
            ? { address: given, port: undefined, weight: 1, priority: 0 }
            : given,
        );
        return { addresses, ttl: holds };
      },
      cancel: () => void (cancelled += 1),
    }),
  });
  return {
    client: clientFor({ service, endpoints: discovery, runtime }),
    runtime,
    asked,
    answer(given, ttl) {
      now = given;
      holds = ttl;
    },
    cancels: () => cancelled,
    warnings: () => emitted.mock.calls.map(([said]) => said),
  };
}

function urls(client: ResilientClient): string[] {
  return client.endpoints().map(({ url }) => url);
}

function failure(code: string): Error {
  return Object.assign(new Error(`queryA ${code} shop.internal`), { code });
}

describe('the addresses of a name', () => {
  test('are the endpoints, IPv6 in brackets, whatever the order of the answer', async () => {
    const { client, runtime, answer } = followed(['10.0.0.2', '::1', '10.0.0.1']);
    await client.ready();
    const wanted = ['http://10.0.0.1:8080', 'http://10.0.0.2:8080', 'http://[::1]:8080'];
    expect(urls(client)).toEqual(wanted);
    answer(['::1', '10.0.0.1', '10.0.0.2']);
    await runtime.advance(6000);
    expect(stat(client, 'update_no_rebuild')).toBe(1);
    expect(stat(client, 'membership_change')).toBe(1);
  });

  test('have the scheme and, without one of their own, the port of the service', async () => {
    const { client } = followed(['10.0.0.1'], { port: undefined }, 'https://shop:8443');
    await client.ready();
    expect(urls(client)).toEqual(['https://10.0.0.1:8443']);
    const other = followed(['10.0.0.1'], { port: undefined }, 'https://shop');
    await other.client.ready();
    expect(urls(other.client)).toEqual(['https://10.0.0.1']);
  });

  test('have the ports, weights and priorities of SRV records; weights add up', async () => {
    const { client } = followed([
      { address: '10.0.0.1', port: 81, weight: 3, priority: 1 },
      { address: '10.0.0.1', port: 82, weight: 1, priority: 1 },
      { address: '10.0.0.1', port: 81, weight: 2, priority: 0 },
    ]);
    await client.ready();
    expect(client.endpoints()).toMatchObject([
      { url: 'http://10.0.0.1:81', weight: 5, priority: 0 },
      { url: 'http://10.0.0.1:82', weight: 1, priority: 1 },
    ]);
  });
});

function waits(asked: readonly number[]): number[] {
  return asked.slice(1).map((time, index) => time - (asked[index] ?? NaN));
}

describe('the next question', () => {
  test('comes after refresh, and up to a tenth more', async () => {
    const { runtime, asked } = followed(['10.0.0.1']);
    await runtime.advance(60_000);
    expect(asked.length).toBeGreaterThanOrEqual(11);
    for (const wait of waits(asked)) {
      expect(wait).toBeGreaterThanOrEqual(5000);
      expect(wait).toBeLessThanOrEqual(5500);
    }
    expect(new Set(waits(asked)).size).toBeGreaterThan(5);
  });

  test.each([
    [200, 1000],
    [2500, 2500],
    [86_400_000, 5000],
  ])('comes when the answer is over, within bounds: %i ms → %i ms', async (ttl, wait) => {
    const { runtime, asked, answer } = followed([]);
    answer(['10.0.0.1'], ttl);
    await runtime.advance(20_000);
    // The first was asked before, and had no answer.
    for (const time of waits(asked.slice(1))) {
      expect(time).toBeGreaterThanOrEqual(wait);
      expect(time).toBeLessThanOrEqual(wait * 1.1);
    }
    expect(asked.length).toBeGreaterThan(3);
  });

  test('does not hold the process', async () => {
    const { client, runtime } = followed(['10.0.0.1']);
    await client.ready();
    expect([runtime.pendingTimers, runtime.pendingBackgroundTimers]).toEqual([1, 1]);
  });

  test('waits for the answer to the last one', async () => {
    const { runtime, asked } = followed(new Promise(() => {}));
    await runtime.advance(60_000);
    expect(asked).toEqual([0]);
  });
});

describe('a name that cannot be resolved', () => {
  test('keeps its last addresses, and is asked for later each time, up to refresh', async () => {
    const { client, runtime, asked, answer, warnings } = followed(['10.0.0.1']);
    await client.ready();
    answer(failure('ETIMEOUT'));
    await runtime.advance(60_000);
    expect(urls(client)).toEqual(['http://10.0.0.1:8080']);
    expect(warnings()).toEqual([
      'shop: dns shop.internal: queryA ETIMEOUT shop.internal; the last list stays',
    ]);
    const [, ...retries] = waits(asked);
    for (const [index, bound] of [500, 1000, 2000, 4000, 5000, 5000].entries()) {
      expect(retries[index]).toBeGreaterThanOrEqual(bound / 2);
      expect(retries[index]).toBeLessThanOrEqual(bound * 1.1);
    }
    expect(stat(client, 'update_failure')).toBe(asked.length - 1);
    answer(['10.0.0.2']);
    await runtime.advance(6000);
    expect(urls(client)).toEqual(['http://10.0.0.2:8080']);
  });

  test.each([
    ['is none', failure('ENOTFOUND'), 'queryA ENOTFOUND shop.internal'],
    ['has no such record', failure('ENODATA'), 'queryA ENODATA shop.internal'],
    ['has an empty answer', [], 'shop.internal has no address'],
  ])('because it %s keeps them, too', async (_why, given, words) => {
    const { client, runtime, answer, warnings } = followed(['10.0.0.1']);
    await client.ready();
    answer(given);
    await runtime.advance(5500);
    expect(urls(client)).toEqual(['http://10.0.0.1:8080']);
    expect(warnings()).toEqual([`shop: dns shop.internal: ${words}; the last list stays`]);
    expect(stat(client, 'update_empty')).toBeGreaterThan(0);
    expect(stat(client, 'update_failure')).toBe(0);
  });

  test('lets the first calls wait, and tells them why', async () => {
    const { client, runtime, answer } = followed(failure('ENOTFOUND'));
    const ready = client.ready({ timeout: 400 });
    const moved = runtime.advance(400);
    await expect(ready).rejects.toThrow('dns shop.internal has not answered yet: queryA ENOTFOUND');
    await moved;
    answer(['10.0.0.1']);
    await runtime.advance(2000);
    await client.ready();
  });
});

describe('the end', () => {
  test('takes back the timer, and what is under way', async () => {
    const { client, runtime, asked, cancels } = followed(['10.0.0.1']);
    await client.ready();
    await client.destroy();
    expect(cancels()).toBe(1);
    expect(runtime.pendingTimers).toBe(0);
    await runtime.advance(60_000);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['an answer', (done: (answer: Answer) => void) => done({ addresses: [], ttl: 1 })],
    ['a failure', (_done: unknown, fail: (reason: Error) => void) => fail(failure('ECANCELLED'))],
  ])('makes nothing of %s that comes after it', async (_what, settle) => {
    let settleIt = (): void => {};
    const slow = new Promise<Answer>((done, fail) => (settleIt = () => settle(done, fail)));
    const { client, runtime, warnings } = followed(slow);
    await runtime.advance(0);
    await client.destroy();
    settleIt();
    await runtime.advance(0);
    expect(client.endpoints()).toEqual([]);
    expect(warnings()).toEqual([]);
    expect(runtime.pendingTimers).toBe(0);
    expect(stat(client, 'update_attempt')).toBe(0);
  });
});

describe('the options of dns()', () => {
  test('may be a name alone', () => {
    expect(dns({ hostname: 'shop.internal' }).name).toBe('dns shop.internal');
  });

  test.each(['10.0.0.2', '10.0.0.2:53', '::1', '[::1]', '[2001:db8::1]:65535', 'fe80::1%1'])(
    'may name the server %s',
    (server) => {
      const endpoints = dns({ hostname: 'a', resolver: 'resolve', servers: [server] });
      clientFor({ service: 'http://shop', endpoints });
    },
  );

  test.each<[unknown, string]>([
    [undefined, 'dns(): found undefined, expected an object with options'],
    [{}, 'dns().hostname: found nothing, expected a host name'],
    [{ host: 'a' }, "unknown option 'dns().host'; here it is 'dns().hostname'"],
    [{ hostname: 'a', maxTtl: '1m' }, "unknown option 'dns().maxTtl'; here it is 'dns().refresh'"],
    [{ hostname: 'http://a' }, "dns().hostname: found 'http://a', expected a host name"],
    [{ hostname: 'a', port: 0 }, 'dns().port: found 0, expected a whole number from 1 to 65535'],
    [{ hostname: 'a', type: 'MX' }, "dns().type: found 'MX', expected 'A', 'AAAA' or 'SRV'"],
    [
      { hostname: 'a', type: 'SRV', resolver: 'lookup' },
      "dns().resolver: found 'lookup', expected 'resolve', since the system's resolver has no SRV records",
    ],
    [
      { hostname: 'a', type: 'SRV', port: 1 },
      'dns().port: found 1, expected none, since SRV records have their own',
    ],
    [{ hostname: 'a', minTtl: 1 }, "dns().minTtl: of use only together with resolver: 'resolve'"],
    [
      { hostname: 'a', servers: ['1.1.1.1'] },
      "dns().servers: of use only together with resolver: 'resolve'",
    ],
    [
      { hostname: 'a', resolver: 'resolve', servers: ['1.1.1.1', 'one.one'] },
      "dns().servers[1]: found 'one.one', expected an IP address such as '10.0.0.2', or one with a port",
    ],
    [
      { hostname: 'a', resolver: 'resolve', servers: [] },
      'dns().servers: found an empty array, expected at least one server',
    ],
    [
      { hostname: 'a', resolver: 'resolve', refresh: '1s', minTtl: '2s' },
      'dns().minTtl: found 2000, expected at most refresh, which is 1000',
    ],
    [
      { hostname: 'a', resolver: 'resolve', servers: ['1.1.1.1:0'] },
      "dns().servers[0]: found '1.1.1.1:0', expected an IP address",
    ],
    [
      { hostname: 'a', resolver: 'resolve', servers: ['[::1]:65536'] },
      "dns().servers[0]: found '[::1]:65536', expected an IP address",
    ],
    [
      { hostname: 'a', resolver: 'resolve', servers: ['1.1.1.1:'] },
      "dns().servers[0]: found '1.1.1.1:', expected an IP address",
    ],
    [{ hostname: 'a', refresh: 0 }, 'dns().refresh: found 0, expected a duration above zero'],
  ])('%j are refused', (options, message) => {
    expect(() => dns(options as never)).toThrow(message);
  });
});
