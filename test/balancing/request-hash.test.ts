import { describe, expect, test, vi } from 'vitest';
import { hashOf, type HashSource } from '../../src/balancing/request-hash.js';
import type { Call } from '../../src/core/call.js';
import type { KeyedRequest } from '../../src/core/policy.js';
import { plainHashOf, plainXxHash64, whole } from './plain-hash.js';

const MASK = (1n << 64n) - 1n;

const callOf = (path: string, ...headers: readonly string[]): Call =>
  ({ method: 'POST', path, headers: ['host', 'shop', ...headers] }) as unknown as Call;

const header = (name: string, terminal = false): HashSource => ({
  kind: 'header',
  name,
  terminal,
});
const cookie = (name: string, terminal = false): HashSource => ({ kind: 'cookie', name, terminal });
const query = (name: string): HashSource => ({ kind: 'query', name, terminal: false });
const func = (read: (request: KeyedRequest) => string | undefined): HashSource => ({
  kind: 'function',
  read,
  terminal: false,
});

function numberOf(call: Call, ...sources: readonly HashSource[]): bigint | null {
  const hash = hashOf(call, sources);
  return hash === null ? null : whole(hash);
}

const combined = (first: bigint, then: bigint): bigint =>
  (((first << 1n) | (first >> 63n)) & MASK) ^ then;

describe('the hash of a header', () => {
  test.each<[string, readonly string[], string | null]>([
    ['is that of its value', ['x-user-id', 'ann'], 'ann'],
    ['in whatever case', ['X-User-ID', 'Ann'], 'Ann'],
    ['without blanks around it', ['x-user-id', ' ann '], 'ann'],
    ['of an empty value is one', ['x-user-id', ''], ''],
    ['of many values is that of all of them, sorted', ['x-user-id', 'b', 'x-user-id', 'a'], 'ab'],
    ['that is not there is none', ['x-user', 'ann', 'x-user-id2', 'ann'], null],
    ['is not a value of that name', ['x-other', 'x-user-id'], null],
  ])('%s', (_what, headers, text) => {
    const hash = text === null ? null : plainHashOf(text);
    expect(numberOf(callOf('/', ...headers), header('x-user-id'))).toBe(hash);
  });

  test('is that of its bytes, which are Latin-1 in HTTP', () => {
    const hash = plainXxHash64(Buffer.from([0x52, 0x65, 0x6e, 0xe9]));
    expect(numberOf(callOf('/', 'x-name', 'René'), header('x-name'))).toBe(hash);
  });

  test('is that of all bytes of a text in UTF-8, also of one that ends like a blank', () => {
    const bytes = Buffer.from('voilà');
    const given = ` \t${bytes.toString('latin1')}\t`;
    expect(numberOf(callOf('/', 'x-name', given), header('x-name'))).toBe(plainXxHash64(bytes));
  });
});

describe('the hash of a cookie', () => {
  test.each<[string, readonly string[], string | null]>([
    ['is that of its value', ['cookie', 'sid=4711'], '4711'],
    ['among others', ['Cookie', 'xsid=1; sid=4711; sidx=3'], '4711'],
    ['of one with an equals sign', ['cookie', 'sid=a=b'], 'a=b'],
    ['in quotes', ['cookie', 'a=1;sid="4711"'], '4711'],
    ['is that of the first of its name', ['cookie', 'sid=1; sid=2', 'cookie', 'sid=3'], '1'],
    ['in a second header', ['cookie', 'a=1', 'cookie', 'sid=4711'], '4711'],
    ['that is empty is none, as in Envoy', ['cookie', 'sid=; a=1'], null],
    ['that has no value is none', ['cookie', 'sid; a=1'], null],
    ['in another case is none', ['cookie', 'SID=1'], null],
    ['that is not there is none', ['x-cookie', 'sid=1'], null],
  ])('%s', (_what, headers, text) => {
    const hash = text === null ? null : plainHashOf(text);
    expect(numberOf(callOf('/', ...headers), cookie('sid'))).toBe(hash);
  });
});

describe('the hash of a query parameter', () => {
  test.each<[string, string, string | null]>([
    ['is that of its value', '/orders?user=ann', 'ann'],
    ['among others', '/?xuser=1&user=ann&userx=2', 'ann'],
    ['is that of the first of its name', '/?user=1&user=2', '1'],
    ['of an empty value is one', '/?user=&a=1', ''],
    ['without a value is that of an empty one', '/?a=1&user', ''],
    ['is not decoded, as in Envoy', '/?user=a%20b', 'a%20b'],
    ['that is not there is none', '/?a=user=1', null],
    ['of a call without a query is none', '/user=ann', null],
  ])('%s', (_what, path, text) => {
    const hash = text === null ? null : plainHashOf(text);
    expect(numberOf(callOf(path), query('user'))).toBe(hash);
  });
});

describe('the hash by a function', () => {
  test('is that of what it says of the request, in UTF-8', () => {
    const read = vi.fn(({ headers }: KeyedRequest) => headers.get('X-Tenant') ?? undefined);
    const call = callOf('/a?b', 'x-tenant', 'Å');
    expect(
      numberOf(
        call,
        func((request) => `${read(request)}…`),
      ),
    ).toBe(plainHashOf('Å…'));
    expect(read.mock.calls[0]?.[0]).toMatchObject({ method: 'POST', path: '/a?b' });
  });

  test('is none when it says undefined', () => {
    expect(
      numberOf(
        callOf('/'),
        func(() => undefined),
      ),
    ).toBeNull();
  });

  test.each([[5], [null], [{}]])('is refused when it says %j', (value) => {
    const read = (() => value) as unknown as () => string;
    expect(() => hashOf(callOf('/'), [func(read)])).toThrow(
      `loadBalancer.hashOn gave ${value === null ? 'null' : typeof value}, expected text, or undefined for none`,
    );
  });
});

describe('several of them', () => {
  const [a, b, c] = ['1', '2', '3'].map((text) => plainHashOf(text)) as [bigint, bigint, bigint];
  const call = (...names: readonly string[]) =>
    callOf('/', ...names.flatMap((name) => [name, String('abc'.indexOf(name) + 1)]));

  test('are turned and laid over each other', () => {
    const all = [header('a'), header('b'), header('c')];
    expect(numberOf(call('c', 'a', 'b'), ...all)).toBe(combined(combined(a, b), c));
  });

  test('do not cancel each other out', () => {
    expect(numberOf(call('a'), header('a'), header('a'))).toBe(combined(a, a));
  });

  test('pass over those without a value', () => {
    expect(numberOf(call('b', 'c'), header('a'), header('b'), header('c'))).toBe(combined(b, c));
    expect(numberOf(call('b'), header('a'), header('b'), header('c'))).toBe(b);
  });

  test('end at a terminal one, once there is a hash', () => {
    const sources = [header('a', true), header('b', true), header('c')];
    expect(numberOf(call('a', 'b', 'c'), ...sources)).toBe(a);
    expect(numberOf(call('b', 'c'), ...sources)).toBe(b);
    expect(numberOf(call('c'), ...sources)).toBe(c);
    // Also one that has no value itself.
    expect(numberOf(call('a', 'c'), header('a'), header('b', true), header('c'))).toBe(a);
  });

  test('without any value there is none', () => {
    expect(numberOf(call(), header('a'), cookie('b'), query('c'))).toBeNull();
  });
});

test('the hash is made once for a call, also when there is none', () => {
  for (const value of ['ann', undefined]) {
    const read = vi.fn(() => value);
    const call = callOf('/');
    const first = hashOf(call, [func(read)]);
    expect(hashOf(call, [func(read)])).toBe(first);
    expect(read).toHaveBeenCalledTimes(1);
  }
});
