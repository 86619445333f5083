/** The resolvers against a server of names, and against the system's own. */
import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { dnsAddresses, isEmpty, systemAddresses } from '../../src/discovery/resolve.js';
import { dns } from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { a, aaaa, dnsServer, srv } from '../support/dns-server.js';

function address(text: string, port?: number, weight = 1, priority = 0): object {
  return { address: text, port, weight, priority };
}

describe('DNS itself', () => {
  test('has addresses of both families, and the shortest of their times', async () => {
    const server = await dnsServer(
      a('shop.test', '10.0.0.1', 30),
      a('shop.test', '10.0.0.2', 20),
      aaaa('shop.test', '::1', 40),
    );
    const source = dnsAddresses('shop.test', undefined, [server.address]);
    expect(await source.resolve()).toEqual({
      addresses: [address('10.0.0.1'), address('10.0.0.2'), address('::1')],
      ttl: 20_000,
    });
  });

  test.each([
    ['A', '10.0.0.1'],
    ['AAAA', '::1'],
  ] as const)('is asked for %s alone', async (type, wanted) => {
    const server = await dnsServer(a('shop.test', '10.0.0.1'), aaaa('shop.test', '::1'));
    const { addresses } = await dnsAddresses('shop.test', type, [server.address]).resolve();
    expect(addresses).toEqual([address(wanted)]);
    expect(server.questions).toEqual([`${type} shop.test`]);
  });

  test('may have one family alone', async () => {
    const server = await dnsServer(aaaa('shop.test', '::1'));
    const { addresses } = await dnsAddresses('shop.test', undefined, [server.address]).resolve();
    expect(addresses).toEqual([address('::1')]);
  });

  test('has no such name, which is not the same as no answer', async () => {
    const server = await dnsServer();
    const source = dnsAddresses('shop.test', undefined, [server.address]);
    const none: unknown = await source.resolve().catch((error: unknown) => error);
    expect(isEmpty(none)).toBe(true);
    server.trouble = 'SERVFAIL';
    const failed: unknown = await source.resolve().catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'ESERVFAIL' });
    expect(isEmpty(failed)).toBe(false);
  });

  test('is not taken at half of its word', async () => {
    const server = await dnsServer(a('shop.test', '10.0.0.1'));
    const queries = {
      setServers: () => undefined,
      cancel: () => undefined,
      resolveSrv: vi.fn(),
      resolve4: vi.fn().mockResolvedValue([{ address: '10.0.0.1', ttl: 1 }]),
      resolve6: vi.fn().mockRejectedValue(Object.assign(new Error('no'), { code: 'ETIMEOUT' })),
    };
    const source = dnsAddresses('shop.test', undefined, [server.address], queries);
    await expect(source.resolve()).rejects.toMatchObject({ code: 'ETIMEOUT' });
  });

  test('has SRV records: each target with port, weight and priority, without gaps', async () => {
    const name = '_http._tcp.shop.test';
    const server = await dnsServer(
      srv(name, 'one.test', 81, { priority: 10, weight: 5 }),
      srv(name, 'two.test', 82, { priority: 10 }),
      srv(name, 'gone.test', 83, { priority: 10 }),
      srv(name, 'spare.test', 84, { priority: 30 }),
      a('one.test', '10.0.0.1', 30),
      a('one.test', '10.0.0.2', 30),
      aaaa('two.test', '::1', 10),
      a('spare.test', '10.0.0.9'),
    );
    expect(await dnsAddresses(name, 'SRV', [server.address]).resolve()).toEqual({
      addresses: [
        address('10.0.0.1', 81, 5),
        address('10.0.0.2', 81, 5),
        address('::1', 82, 1),
        address('10.0.0.9', 84, 1, 1),
      ],
      ttl: 10_000,
    });
  });

  test('may be given up', async () => {
    const server = await dnsServer();
    server.trouble = 'silence';
    const source = dnsAddresses('shop.test', 'A', [server.address]);
    const answer = source.resolve();
    source.cancel();
    await expect(answer).rejects.toMatchObject({ code: 'ECANCELLED' });
  });
});

describe("the system's resolver", () => {
  test('knows localhost', async () => {
    const { addresses, ttl } = await systemAddresses('localhost', 'A').resolve();
    expect(addresses).toContainEqual(address('127.0.0.1'));
    expect(ttl).toBeUndefined();
  });

  test('gives whatever there is, where no type is named', async () => {
    const { addresses } = await systemAddresses('localhost', undefined).resolve();
    expect(addresses).toContainEqual(address('127.0.0.1'));
  });

  test('has no address for a name that is none', async () => {
    const failed: unknown = await systemAddresses('nowhere.invalid', 'A')
      .resolve()
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Error);
  });
});

test('a client follows a name without a restart', async () => {
  const server = await dnsServer(a('shop.test', '127.0.0.1', 1), a('shop.test', '127.0.0.2', 1));
  const client = clientFor({
    service: 'http://shop.test',
    endpoints: dns({
      hostname: 'shop.test',
      port: 8080,
      type: 'A',
      resolver: 'resolve',
      minTtl: 20,
      refresh: 50,
      servers: [server.address],
    }),
  });
  const urls = (): string[] => client.endpoints().map(({ url }) => url);
  await client.ready();
  expect(urls()).toEqual(['http://127.0.0.1:8080', 'http://127.0.0.2:8080']);
  server.records = [a('shop.test', '127.0.0.3', 1)];
  await expect.poll(urls, { interval: 10 }).toEqual(['http://127.0.0.3:8080']);
});

test('an error of another realm counts by its code', () => {
  const error: unknown = runInNewContext('Object.assign(new Error("no"), { code: "ENODATA" })');
  expect(error).not.toBeInstanceOf(Error);
  expect(isEmpty(error)).toBe(true);
});
