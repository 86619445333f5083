import { beforeEach, describe, expect, test, vi, type MockInstance } from 'vitest';
import { createResilientClient, type ClientOptions } from '../../src/index.js';

let emitWarning: MockInstance<typeof process.emitWarning>;
beforeEach(() => {
  emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

function paths(): string[] {
  return emitWarning.mock.calls.map(([message]) => String(message).split(': ')[0] ?? '');
}

/** Its delay comes too late. */
const late: ClientOptions = { timeout: 10, hedge: { delay: 10 } };

test('a client warns when it is made, with a type and a code', () => {
  createResilientClient(late);
  expect(emitWarning.mock.calls).toEqual([
    [
      'hedge.delay: 10 ms are never over in time, since timeout.total ends the call after 10 ms',
      { type: 'OutriggerWarning', code: 'OUTRIGGER_HEDGE_CANNOT_HAPPEN' },
    ],
  ]);
});

test('an update warns of what is new, and of nothing twice', () => {
  const client = createResilientClient(late);
  client.update({ retry: { attempts: 1 } });
  expect(emitWarning).toHaveBeenCalledTimes(1);
  client.update({ timeout: 5 });
  expect(emitWarning).toHaveBeenCalledTimes(2);
  client.update({ timeout: 10 });
  expect(emitWarning).toHaveBeenCalledTimes(2);
});

test('each client warns', () => {
  createResilientClient(late);
  createResilientClient(late);
  expect(emitWarning).toHaveBeenCalledTimes(2);
});

test('options that are refused warn of nothing', () => {
  expect(() => createResilientClient({ ...late, name: 'x' })).toThrow();
  expect(emitWarning).not.toHaveBeenCalled();
});

test('the policy of a service is said at its path, the common one once', () => {
  createResilientClient({
    ...late,
    services: {
      'http://a': {},
      'http://b': {},
      'http://c': { retry: { attempts: 1 } },
      'http://d': { hedge: { delay: 20 } },
      'http://e': { hedge: false },
    },
  });
  expect(paths()).toEqual(['hedge.delay', "services['http://d'].hedge.delay"]);
});

test('a policy that holds nowhere is not warned of', () => {
  const services = { 'http://a': { hedge: false } } as const;
  createResilientClient({ ...late, services });
  expect(paths()).toEqual([]);
  createResilientClient({ ...late, services, otherOrigins: 'default-policy' });
  expect(paths()).toEqual(['hedge.delay']);
});

test('the one service of a client has the path of the client', () => {
  createResilientClient({ ...late, service: 'http://a' });
  expect(paths()).toEqual(['hedge.delay']);
});

describe('what the client says, and what depends on the endpoints of a service', () => {
  const two = ['http://x', 'http://y'];

  test('is said of the client, once', () => {
    createResilientClient({
      outlierDetection: { failurePercentageThreshold: 50 },
      services: {
        'http://a': { endpoints: two },
        'http://b': { endpoints: two },
        'http://c': { endpoints: ['http://z'] },
        'http://d': { endpoints: two, outlierDetection: { failurePercentageThreshold: 60 } },
        'http://e': { endpoints: two, outlierDetection: { successRateStdevFactor: 1000 } },
      },
    });
    expect(paths()).toEqual([
      'outlierDetection.failurePercentageThreshold',
      "services['http://e'].outlierDetection.successRateStdevFactor",
    ]);
  });

  test.each<[what: string, options: ClientOptions, ...paths: string[]]>([
    ['http alone', { service: 'http://a' }, 'connectionPool.http2'],
    ['http endpoints', { service: 'https://a', endpoints: two }, 'connectionPool.http2'],
    ['https', { service: 'https://a' }],
    ['https by a proxy', { service: 'https://a', proxy: 'http://p' }, 'connectionPool.http2'],
    ['any origin by a proxy', { proxy: 'http://p' }, 'connectionPool.http2'],
    [
      'one of two https services by a proxy',
      { services: { 'https://a': { proxy: false }, 'https://b': {} }, proxy: 'http://p' },
    ],
    ['one https endpoint', { service: 'http://a', endpoints: ['http://x', 'https://y'] }],
    ['no endpoint yet', { service: 'http://a', endpoints: [] }],
    ['any origin', {}],
    ['services of http', { services: { 'http://a': {}, 'http://b': {} } }, 'connectionPool.http2'],
    ['a service of https beside them', { services: { 'http://a': {}, 'https://b': {} } }],
    [
      'services of http beside any origin',
      { services: { 'http://a': {} }, otherOrigins: 'default-policy' },
    ],
  ])('HTTP/2: %s', (_what, options, ...warned) => {
    createResilientClient({ ...options, connectionPool: { http2: true } });
    expect(paths()).toEqual(warned);
  });

  test('HTTP/2 of a service is said at its path', () => {
    const services = {
      'http://a': { connectionPool: { http2: true } },
      'https://b': { connectionPool: { http2: true } },
    };
    createResilientClient({ services });
    expect(paths()).toEqual(["services['http://a'].connectionPool.http2"]);
  });
});
