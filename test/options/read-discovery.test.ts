import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readOptions } from '../../src/options/validate.js';
import { readUpdate } from '../../src/options/update.js';
import { PEM, testRefusals } from './refusal.js';

const start = () => ({ stop: () => {} });
const endpoints = { name: 'mine', start };

describe('a discovery in place of a list', () => {
  test('is taken as it is, and has no endpoints yet', () => {
    const service = readOptions({ service: 'http://a', endpoints }).services.get('http://a');
    expect(service?.discovery).toBe(endpoints);
    expect(service?.endpoints).toEqual([]);
  });

  test('may be an instance of a class', () => {
    class Mine {
      readonly name = 'mine';
      start = start;
    }
    const mine = new Mine();
    const read = readOptions({ services: { 'http://a': { endpoints: mine } } });
    expect(read.services.get('http://a')?.discovery).toBe(mine);
    const next = readUpdate(read, { services: { 'http://a': { endpoints: mine, timeout: 1 } } });
    expect(next.services.get('http://a')?.discovery).toBe(mine);
  });

  test('its endpoints may be https, so TLS options are of use', () => {
    const tls = { ca: PEM };
    expect(() => readOptions({ service: 'http://a', endpoints, tls })).not.toThrow();
    const services = { 'http://a': { endpoints, tls } };
    expect(() => readOptions({ services })).not.toThrow();
  });
});

test('discoveryTimeout is the client’s unless the service has its own', () => {
  const read = readOptions({
    discoveryTimeout: '2s',
    services: { 'http://a': {}, 'http://b': { discoveryTimeout: 5 } },
  });
  expect(read.defaultPolicy.discoveryTimeout).toBe(2000);
  expect(read.services.get('http://a')?.discoveryTimeout).toBe(2000);
  expect(read.services.get('http://b')?.discoveryTimeout).toBe(5);
});

const LIST = 'expected a list of endpoints, or a discovery';
const service = 'http://a';

testRefusals(readOptions, [
  [
    'a function',
    { service, endpoints: () => [] },
    `endpoints: found a function, ${LIST}; did you mean custom(…)?`,
  ],
  [
    'an async iterable',
    { service, endpoints: Readable.from([]) },
    `endpoints: found an instance of Readable, ${LIST}; did you mean custom(…)?`,
  ],
  [
    'options of a file alone',
    { service, endpoints: { path: './a.json' } },
    `endpoints: found an object, ${LIST}; did you mean file({ … })?`,
  ],
  [
    'options of DNS alone',
    { service, endpoints: { hostname: 'a' } },
    `endpoints: found an object, ${LIST}; did you mean dns({ … })?`,
  ],
  [
    'a discovery without a name',
    { service, endpoints: { start } },
    'endpoints.name: found undefined, expected the name of the discovery',
  ],
  [
    'one whose name throws',
    {
      service,
      endpoints: {
        start,
        get name() {
          throw new Error('no');
        },
      },
    },
    'endpoints.name: found undefined, expected the name of the discovery',
  ],
  [
    'no time at all',
    { discoveryTimeout: 0 },
    'discoveryTimeout: found 0, expected a duration above zero',
  ],
  [
    'false',
    { discoveryTimeout: false },
    "discoveryTimeout: found false, expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'",
  ],
]);
