import { afterEach, describe, expect, test, vi } from 'vitest';
import { exceptions } from '../../src/options/read-proxy.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { proxyFor } from '../../src/transport/proxy-for.js';
import { refusalOf, testRefusals } from './refusal.js';

const EXPECTED =
  "expected the URL of a proxy (http or https, without a path), 'environment' or false";

function setEnvironment(variables: Record<string, string>): void {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    for (const spelling of [name, name.toLowerCase()]) {
      vi.stubEnv(spelling, variables[spelling] ?? '');
    }
  }
}

afterEach(() => {
  vi.unstubAllEnvs();
});

const proxyOf = (proxy: unknown) => readOptions({ proxy }).defaultPolicy.proxy;

test('a URL is for all', () => {
  expect(proxyOf('http://user:p%40ss@proxy:3128')).toEqual({
    http: 'http://user:p%40ss@proxy:3128/',
    https: 'http://user:p%40ss@proxy:3128/',
    except: [],
  });
  expect(proxyOf(false)).toBeUndefined();
  expect(proxyOf(undefined)).toBeUndefined();
});

test('the environment is read when the client is made', () => {
  setEnvironment({ http_proxy: 'small:1', HTTP_PROXY: 'http://large:1', NO_PROXY: 'a.test' });
  expect(proxyOf('environment')).toEqual({
    http: 'http://small:1/',
    https: 'http://small:1/',
    except: [{ host: 'a.test', port: 0 }],
  });
  setEnvironment({ HTTPS_PROXY: 'https://secure:2' });
  expect(proxyOf('environment')).toMatchObject({ http: undefined, https: 'https://secure:2/' });
  setEnvironment({ NO_PROXY: '*' });
  expect(proxyOf('environment')).toBeUndefined();
});

test('a service has its own, or none', () => {
  const { services } = readOptions({
    services: {
      'http://a': {},
      'http://b': { proxy: false },
      'http://c': { proxy: 'http://other' },
    },
    proxy: 'http://proxy',
  });
  const found = [...services.values()].map(({ proxy }) => proxy?.http);
  expect(found).toEqual(['http://proxy/', undefined, 'http://other/']);
});

test('an update replaces it', () => {
  const current = readOptions({ proxy: 'http://proxy' });
  expect(readUpdate(current, { proxy: false }).defaultPolicy.proxy).toBeUndefined();
  expect(readUpdate(current, { timeout: 1 }).defaultPolicy.proxy?.http).toBe('http://proxy/');
});

describe('wrong ones', () => {
  testRefusals(readOptions, [
    ['true', { proxy: true }, `proxy: found true, ${EXPECTED}`],
    ['an object', { proxy: {} }, `proxy: found an object, ${EXPECTED}`],
    [
      'without a scheme',
      { proxy: 'proxy:3128' },
      `proxy: found 'proxy:3128', ${EXPECTED}; did you mean 'http://proxy:3128'?`,
    ],
    ['with a path', { proxy: 'http://proxy/x' }, `proxy: found 'http://proxy/x', ${EXPECTED}`],
    ['SOCKS', { proxy: 'socks5://proxy' }, `proxy: found 'socks5://proxy', ${EXPECTED}`],
    [
      'with a password, which is not shown',
      { proxy: 'ftp://user:secret@proxy' },
      `proxy: found 'ftp://***@proxy', ${EXPECTED}`,
    ],
    [
      'with a password that cannot be read',
      { proxy: 'http://user:100%@proxy' },
      `proxy: found 'http://***@proxy', ${EXPECTED}; a '%' in credentials is written %25`,
    ],
    [
      'the environment, almost',
      { proxy: 'ENV' },
      `proxy: found 'ENV', ${EXPECTED}; did you mean 'environment'?`,
    ],
    [
      'a TCP check',
      { service: 'http://a', proxy: 'http://proxy', healthCheck: { tcp: true } },
      "healthCheck.tcp: cannot go through a proxy; give a 'path'",
    ],
    [
      'beside fetch',
      { proxy: 'http://proxy', fetch: () => Promise.resolve(new Response()) },
      "proxy: has no part in the connections behind 'fetch'",
    ],
  ]);

  test('in the environment', () => {
    setEnvironment({ HTTPS_PROXY: 'ftp://user:secret@proxy' });
    expect(refusalOf(() => readOptions({ proxy: 'environment' }))).toBe(
      "proxy: HTTPS_PROXY is 'ftp://***@proxy', expected the URL of a proxy (http or https, without a path)",
    );
  });
});

describe('maxResponseBytes', () => {
  const LIMIT =
    'expected a whole number of bytes from 1 to 9007199254740991, or 0 or false for no limit';
  testRefusals(readOptions, [
    ['a part', { maxResponseBytes: 1.5 }, `maxResponseBytes: found 1.5, ${LIMIT}`],
    ['below 0', { maxResponseBytes: -1 }, `maxResponseBytes: found -1, ${LIMIT}`],
    ['text', { maxResponseBytes: '1MB' }, `maxResponseBytes: found '1MB', ${LIMIT}`],
  ]);

  test('0 and false are no limit', () => {
    const limits = [0, false, 5].map((maxResponseBytes) => readOptions({ maxResponseBytes }));
    expect(limits.map(({ defaultPolicy }) => defaultPolicy.maxResponseBytes)).toEqual([0, 0, 5]);
  });
});

test.each([
  ['', 'http://a.test', true],
  ['a.test', 'http://a.test:81', false],
  ['a.test', 'http://b.a.test', false],
  ['a.test', 'http://ba.test', true],
  ['.a.test', 'https://b.a.test', false],
  ['*.a.test', 'https://a.test', false],
  ['b.test A.TEST', 'http://a.test', false],
  ['a.test:80', 'http://a.test', false],
  ['a.test:443', 'http://a.test', true],
  ['a.test:443', 'https://a.test', false],
  ['[::1]', 'http://[::1]:8080', false],
  ['::1', 'http://[::1]:8080', false],
  ['[::1]:8080', 'http://[::1]:8081', true],
  ['0:0:0:0:0:0:0:1', 'http://[::1]', false],
  ['[2001:DB8::0:1]:80', 'http://[2001:db8::1]', false],
  ['.bücher.test', 'http://a.bücher.test', false],
  ['*', 'http://a.test', false],
  ['10.0.0.0/8', 'http://10.1.2.3:8080', false],
  ['10.0.0.0/8', 'http://11.1.2.3', true],
  ['10.0.0.0/8', 'http://a.10.test', true],
  ['10.0.0.0/40', 'http://10.1.2.3', true],
  ['fd00::/8', 'http://[fd12::1]', false],
  ['fd00::/8', 'http://10.1.2.3', true],
  ['', 'unix:/run/app.sock', false],
])("NO_PROXY '%s': %s goes through the proxy: %s", (text, url, isThrough) => {
  const policy = { http: 'http://proxy', https: 'http://proxy', except: exceptions(text) };
  expect(proxyFor(policy, url) !== undefined).toBe(isThrough);
});
