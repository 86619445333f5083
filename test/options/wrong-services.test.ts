import { describe } from 'vitest';
import { readOptions } from '../../src/options/validate.js';
import { PEM, testRefusals } from './refusal.js';

const ORIGIN =
  "expected an http or https origin such as 'http://simple-backend', without path, query or credentials";
const ENDPOINT =
  "expected an http or https origin such as 'http://10.0.0.7:8080', or 'unix:' and an absolute path";
const WEIGHT = 'expected a whole number from 1 to 4294967295';
const LOCALITY = "expected 'region/zone/subzone' without *, parts left out from the right alone";
const service = 'http://a';

describe('options that are no object', () => {
  const EXPECTED = 'expected an object of options';
  testRefusals(readOptions, [
    [
      'a URL',
      'http://x:80/',
      `options: found 'http://x:80/', ${EXPECTED}; did you mean { service: 'http://x' }?`,
    ],
    [
      'a host',
      'backend:8080',
      `options: found 'backend:8080', ${EXPECTED}; did you mean { service: 'http://backend:8080' }?`,
    ],
    ['other text', '?', `options: found '?', ${EXPECTED}`],
    ['null', null, `options: found null, ${EXPECTED}`],
    ['a number', 5, `options: found 5, ${EXPECTED}`],
    ['an array', [{}], `options: found an array, ${EXPECTED}`],
    ['a function', () => ({}), `options: found a function, ${EXPECTED}`],
    ['a promise', Promise.resolve(), `options: found an instance of Promise, ${EXPECTED}`],
    ['a URL object', new URL(service), `options: found an instance of URL, ${EXPECTED}`],
    ['a revoked proxy', revoked(), `options: found an object that cannot be read, ${EXPECTED}`],
    [
      'an object that throws',
      throwing('service'),
      `options: found an object that throws when it is read, ${EXPECTED}`,
    ],
  ]);
});

describe('service', () => {
  testRefusals(readOptions, [
    [
      'a host alone',
      { service: 'simple-backend' },
      `service: found 'simple-backend', ${ORIGIN}; did you mean 'http://simple-backend'?`,
    ],
    [
      'host and port alone',
      { service: 'localhost:8080' },
      `service: found 'localhost:8080', ${ORIGIN}; did you mean 'http://localhost:8080'?`,
    ],
    [
      'a path',
      { service: 'http://x/api' },
      `service: found 'http://x/api', ${ORIGIN}; did you mean 'http://x'?`,
    ],
    [
      'an empty query',
      { service: 'https://x?' },
      `service: found 'https://x?', ${ORIGIN}; did you mean 'https://x'?`,
    ],
    [
      'a fragment',
      { service: 'http://x#y' },
      `service: found 'http://x#y', ${ORIGIN}; did you mean 'http://x'?`,
    ],
    [
      'credentials, which are not repeated',
      { service: 'http://me:secret@x' },
      `service: found 'http://***@x', ${ORIGIN}; did you mean 'http://x'?`,
    ],
    [
      'white space around it',
      { service: ' http://x ' },
      `service: found ' http://x ', ${ORIGIN}; did you mean 'http://x'?`,
    ],
    [
      'a single slash',
      { service: 'http:/x' },
      `service: found 'http:/x', ${ORIGIN}; did you mean 'http://x'?`,
    ],
    ['another scheme', { service: 'ftp://x' }, `service: found 'ftp://x', ${ORIGIN}`],
    ['a socket', { service: 'unix:/run/x' }, `service: found 'unix:/run/x', ${ORIGIN}`],
    ['port 0', { service: 'http://x:0' }, `service: found 'http://x:0', ${ORIGIN}`],
    ['port 65536', { service: 'http://x:65536' }, `service: found 'http://x:65536', ${ORIGIN}`],
    ['nothing in it', { service: '' }, `service: found '', ${ORIGIN}`],
    ['a URL object', { service: new URL(service) }, `service: found an instance of URL, ${ORIGIN}`],
  ]);
});

describe('what stands without the service it needs', () => {
  testRefusals(readOptions, [
    ['endpoints', { endpoints: [] }, "endpoints: of use only together with 'service'"],
    ['a name', { name: 'x' }, "name: of use only together with 'service'"],
    [
      'otherOrigins',
      { otherOrigins: 'default-policy' },
      "otherOrigins: of use only together with 'service' or 'services'",
    ],
    [
      'endpoints beside services',
      { services: {}, endpoints: [] },
      "endpoints: of use only inside each of 'services'",
    ],
    [
      'service beside services',
      { service, services: {} },
      "service: found beside 'services', expected one of them",
    ],
  ]);
});

describe('name', () => {
  const EXPECTED = 'expected a name without white space';
  testRefusals(readOptions, [
    ['nothing in it', { service, name: '' }, `name: found '', ${EXPECTED}`],
    ['a blank', { service, name: 'a b' }, `name: found 'a b', ${EXPECTED}`],
    ['a number', { service, name: 5 }, `name: found 5, ${EXPECTED}`],
  ]);
});

describe('endpoints', () => {
  const LIST = 'expected a list of endpoints, or a discovery';
  testRefusals(
    (endpoints) => readOptions({ service, endpoints }),
    [
      ['text', 'http://x', `endpoints: found 'http://x', ${LIST}`],
      ['one object', { url: 'http://x' }, `endpoints: found an object, ${LIST}`],
      ['null', null, `endpoints: found null, ${LIST}`],
      ['false', false, `endpoints: found false, ${LIST}`],
      [
        'things that are no endpoints',
        [5, null, ['http://x']],
        'endpoints[0]: found 5, expected an endpoint',
        'endpoints[1]: found null, expected an endpoint',
        'endpoints[2]: found an array, expected an endpoint',
      ],
      ['a hole', ['http://x', ,], 'endpoints[1]: found undefined, expected an endpoint'],
      ['no url', [{}], `endpoints[0].url: found nothing, ${ENDPOINT}`],
      ['an undefined url', [{ url: undefined }], `endpoints[0].url: found nothing, ${ENDPOINT}`],
      [
        'a misspelt url, said once',
        [{ ulr: 'http://x' }],
        "unknown option 'endpoints[0].ulr'; did you mean 'url'?",
      ],
      [
        'address and port',
        [{ address: '10.0.0.1', port: 80 }],
        "unknown option 'endpoints[0].address'; here it is 'endpoints[].url'",
        "unknown option 'endpoints[0].port'; known here: 'url', 'weight', 'locality', 'priority', 'labels' and 'health'",
      ],
      [
        'an address without a scheme',
        ['10.0.0.1:8080'],
        `endpoints[0]: found '10.0.0.1:8080', ${ENDPOINT}; did you mean 'http://10.0.0.1:8080'?`,
      ],
      [
        'a path',
        [{ url: 'http://x/health' }],
        `endpoints[0].url: found 'http://x/health', ${ENDPOINT}; did you mean 'http://x'?`,
      ],
      [
        'credentials, which are not repeated',
        ['http://me:secret@x'],
        `endpoints[0]: found 'http://***@x', ${ENDPOINT}; did you mean 'http://x'?`,
      ],
      [
        'sockets in the wrong notation',
        ['/run/a.sock', 'unix:run/b.sock', 'unix://run/c.sock', 'http+unix:/run/d', 'run/e.sock'],
        `endpoints[0]: found '/run/a.sock', ${ENDPOINT}; did you mean 'unix:/run/a.sock'?`,
        `endpoints[1]: found 'unix:run/b.sock', ${ENDPOINT}; did you mean 'unix:/run/b.sock'?`,
        `endpoints[2]: found 'unix://run/c.sock', ${ENDPOINT}; did you mean 'unix:/run/c.sock'?`,
        `endpoints[3]: found 'http+unix:/run/d', ${ENDPOINT}; did you mean 'unix:/run/d'?`,
        `endpoints[4]: found 'run/e.sock', ${ENDPOINT}; did you mean 'unix:/run/e.sock'?`,
      ],
      ['a socket without a path', ['unix:/'], `endpoints[0]: found 'unix:/', ${ENDPOINT}`],
      [
        'doubles, however they are written',
        ['http://a', 'unix:/s', { url: 'HTTP://A:80/' }, 'unix:///s'],
        "endpoints[2]: found 'http://a', expected each endpoint once; endpoints[0] is the same",
        "endpoints[3]: found 'unix:/s', expected each endpoint once; endpoints[1] is the same",
      ],
      [
        'weights',
        [0, 1.5, '2', 4_294_967_296, NaN, -1, null].map((weight, i) => ({
          url: `http://e${i}`,
          weight,
        })),
        `endpoints[0].weight: found 0, ${WEIGHT}`,
        `endpoints[1].weight: found 1.5, ${WEIGHT}`,
        `endpoints[2].weight: found '2', ${WEIGHT}; did you mean 2?`,
        `endpoints[3].weight: found 4294967296, ${WEIGHT}`,
        `endpoints[4].weight: found NaN, ${WEIGHT}`,
        `endpoints[5].weight: found -1, ${WEIGHT}`,
        `endpoints[6].weight: found null, ${WEIGHT}`,
      ],
      [
        'weights that are too much together',
        [{ url: 'http://a', weight: 4_294_967_295 }, 'http://b'],
        'endpoints: found weights of 4294967296 together, expected at most 4294967295 in a locality',
      ],
      [
        'weights that are too much in one locality',
        [
          { url: 'http://a', weight: 4_294_967_295, locality: 'r/z' },
          { url: 'http://b', locality: 'r/z' },
        ],
        "endpoints: found weights of 4294967296 together in 'r/z', expected at most 4294967295 in a locality",
      ],
      [
        'localities',
        ['a/b/c/d', '/b', 'a//c', 'a/', 'a b', 5].map((locality, i) => ({
          url: `http://e${i}`,
          locality,
        })),
        `endpoints[0].locality: found 'a/b/c/d', ${LOCALITY}`,
        `endpoints[1].locality: found '/b', ${LOCALITY}`,
        `endpoints[2].locality: found 'a//c', ${LOCALITY}`,
        `endpoints[3].locality: found 'a/', ${LOCALITY}`,
        `endpoints[4].locality: found 'a b', ${LOCALITY}`,
        `endpoints[5].locality: found 5, ${LOCALITY}`,
      ],
      [
        'labels',
        [
          { url: 'http://a', labels: ['v1'] },
          { url: 'http://b', labels: { version: 2, ' ': 'x' } },
        ],
        "endpoints[0].labels: found an array, expected an object with labels, such as { version: 'v2' }",
        'endpoints[1].labels.version: found 2, expected text',
        "endpoints[1].labels[' ']: found ' ', expected a name without white space",
      ],
      [
        'health',
        [
          { url: 'http://a', health: 'DEGRADED' },
          { url: 'http://b', health: true },
          { url: 'http://c', healthStatus: 'draining' },
          { url: 'http://d', draining: true },
        ],
        "endpoints[0].health: found 'DEGRADED', expected 'healthy', 'degraded', 'unhealthy' or 'draining'; did you mean 'degraded'?",
        "endpoints[1].health: found true, expected 'healthy', 'degraded', 'unhealthy' or 'draining'",
        "unknown option 'endpoints[2].healthStatus'; here it is 'endpoints[].health'",
        "unknown option 'endpoints[3].draining'; here it is 'endpoints[].health'",
      ],
    ],
  );
});

describe('services', () => {
  const OBJECT = 'expected an object with the options of each service by its origin';
  testRefusals(
    (services) => readOptions({ services }),
    [
      ['a list', [service], `services: found an array, ${OBJECT}`],
      ['null', null, `services: found null, ${OBJECT}`],
      ['a Map', new Map(), `services: found an instance of Map, ${OBJECT}`],
      [
        'a key that is no origin',
        { 'simple-backend': {} },
        `services['simple-backend']: found 'simple-backend', ${ORIGIN}; did you mean 'http://simple-backend'?`,
      ],
      [
        'a service that is no object',
        { 'http://a': 'http://10.0.0.1' },
        "services['http://a']: found 'http://10.0.0.1', expected an object with the options of the service",
      ],
      [
        'the same origin twice',
        { 'http://a': {}, 'http://A:80/': {} },
        "services['http://A:80/']: found 'http://a' again, expected each service once; services['http://a'] is the same",
      ],
      [
        'the same name twice',
        { 'http://a': { name: 'x' }, 'http://b': { name: 'x' } },
        "services['http://b'].name: found 'x', expected a name of its own; services['http://a'] has the same",
      ],
      [
        'the name that another one has by default',
        { 'http://a': {}, 'http://b': { name: 'a' } },
        "services['http://b'].name: found 'a', expected a name of its own; services['http://a'] has the same",
      ],
      [
        'options of the whole client',
        { 'http://a': { localReplies: 'throw', service } },
        "unknown option services['http://a'].localReplies; its place is the top level",
        "unknown option services['http://a'].service; its place is the top level",
      ],
      [
        'what is yet to come',
        { 'http://a': { fault: {} } },
        "services['http://a'].fault: not available in this version",
      ],
      [
        'TLS for a service in the clear',
        { 'http://a': { tls: { ca: PEM } } },
        "services['http://a'].tls: of no use, since no endpoint is https",
      ],
      [
        'problems in several of them, all at once',
        { 'http://a': { endpoints: ['x'] }, 'http://b': { loadBalancer: 1, nmae: 'x' } },
        `services['http://a'].endpoints[0]: found 'x', ${ENDPOINT}; did you mean 'http://x'?`,
        "services['http://b'].loadBalancer: found 1, expected 'least-request', 'peak-ewma', 'round-robin', 'random', 'ring-hash' or 'maglev', an object with such a 'policy', or a function",
        "unknown option services['http://b'].nmae; did you mean 'name'?",
      ],
    ],
  );
});

describe('a policy that services take over', () => {
  const wrong = { policy: 'least-request', choiceCount: 1 };
  testRefusals(readOptions, [
    [
      'is refused once',
      {
        loadBalancer: wrong,
        services: { 'http://a': { loadBalancer: { policy: 'least-request' } } },
      },
      'loadBalancer.choiceCount: found 1, expected a whole number from 2 to 100',
    ],
    [
      'meets an object that throws',
      { loadBalancer: 'random', services: { 'http://a': { loadBalancer: throwing('policy') } } },
      "services['http://a'].loadBalancer: found an object that throws when it is read, expected 'least-request', 'peak-ewma', 'round-robin', 'random', 'ring-hash' or 'maglev', an object with such a 'policy', or a function",
    ],
    [
      'as an object meets an object that throws',
      {
        loadBalancer: { policy: 'random' },
        services: { 'http://a': { loadBalancer: throwing('policy') } },
      },
      "services['http://a'].loadBalancer: found an object that throws when it is read, expected 'least-request', 'peak-ewma', 'round-robin', 'random', 'ring-hash' or 'maglev', an object with such a 'policy', or a function",
    ],
  ]);
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwing(key: string): object {
  return Object.defineProperty({}, key, {
    enumerable: true,
    get() {
      throw new Error('read');
    },
  });
}
