import { describe } from 'vitest';
import { readOptions } from '../../src/options/validate.js';
import { KEY, PEM, testRefusals } from './refusal.js';

const NAMES =
  "expected 'least-request', 'peak-ewma', 'round-robin', 'random', 'ring-hash' or 'maglev'";
const POLICY = `${NAMES}, an object with such a 'policy', or a function`;
const DURATION =
  "expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'";

describe('loadBalancer', () => {
  testRefusals(
    (loadBalancer) => readOptions({ loadBalancer }),
    [
      ['a number', 5, `loadBalancer: found 5, ${POLICY}`],
      ['null', null, `loadBalancer: found null, ${POLICY}`],
      ['false', false, `loadBalancer: found false, ${POLICY}`],
      ['an array', ['random'], `loadBalancer: found an array, ${POLICY}`],
      ['an instance', new Date(0), `loadBalancer: found an instance of Date, ${POLICY}`],
      ['another word', 'fastest', `loadBalancer: found 'fastest', ${NAMES}`],
      [
        "Istio's spelling",
        'ROUND_ROBIN',
        `loadBalancer: found 'ROUND_ROBIN', ${NAMES}; did you mean 'round-robin'?`,
      ],
      [
        "Istio's older name",
        'LEAST_CONN',
        `loadBalancer: found 'LEAST_CONN', ${NAMES}; did you mean 'least-request'?`,
      ],
      [
        'a misspelt name',
        'peek-ewma',
        `loadBalancer: found 'peek-ewma', ${NAMES}; did you mean 'peak-ewma'?`,
      ],
      [
        'a sticky policy by its name alone',
        'ring-hash',
        "loadBalancer: found 'ring-hash' without 'hashOn', expected an object such as { policy: 'ring-hash', hashOn: { header: 'x-user-id' } }",
      ],
      [
        'another sticky policy by its name alone',
        'maglev',
        "loadBalancer: found 'maglev' without 'hashOn', expected an object such as { policy: 'maglev', hashOn: { header: 'x-user-id' } }",
      ],
      [
        "a sticky policy in Envoy's spelling",
        { policy: 'RING_HASH', hashOn: { header: 'x' } },
        `loadBalancer.policy: found 'RING_HASH', ${NAMES}; did you mean 'ring-hash'?`,
      ],
      [
        "a sticky policy by Istio's word",
        'consistentHash',
        `loadBalancer: found 'consistentHash', ${NAMES}; did you mean 'ring-hash'?`,
      ],
      ['no policy', {}, `loadBalancer.policy: found nothing, ${NAMES}`],
      [
        'options without a policy',
        { choiceCount: 3 },
        `loadBalancer.policy: found nothing, ${NAMES}`,
      ],
      ['a policy that is no text', { policy: 1 }, `loadBalancer.policy: found 1, ${NAMES}`],
      [
        "Istio's object",
        { simple: 'LEAST_REQUEST' },
        "unknown option 'loadBalancer.simple'; here it is 'loadBalancer.policy'",
      ],
      [
        "Istio's hashing",
        { policy: 'random', consistentHash: { useSourceIp: true } },
        "unknown option 'loadBalancer.consistentHash'; here it is { policy: 'ring-hash', hashOn: … }, or 'maglev', with their options beside it",
        "unknown option 'loadBalancer.consistentHash.useSourceIp'; inside a process there is no caller's address: hash on a header that has it, such as hashOn: { header: 'x-forwarded-for' }",
      ],
      [
        "Envoy's spelling of an option",
        { policy: 'least-request', choice_count: 3 },
        "unknown option 'loadBalancer.choice_count'; did you mean 'choiceCount'?",
      ],
      [
        'an option of another policy',
        { policy: 'random', choiceCount: 2, decayTime: '1s' },
        "loadBalancer.choiceCount: an option of 'least-request', but the policy is 'random'",
        "loadBalancer.decayTime: an option of 'peak-ewma', but the policy is 'random'",
      ],
      [
        'a wrong option of another policy, said once',
        { policy: 'random', choiceCount: 'two' },
        "loadBalancer.choiceCount: an option of 'least-request', but the policy is 'random'",
      ],
      [
        'a warm-up of a policy that has none',
        { policy: 'random', warmup: { duration: '30s' } },
        "loadBalancer.warmup: an option of 'least-request', 'peak-ewma' or 'round-robin', but the policy is 'random'",
      ],
      [
        'a warm-up without its time',
        { policy: 'round-robin', warmup: { aggression: 2 } },
        'loadBalancer.warmup.duration: found nothing, expected the time that an endpoint warms up',
      ],
      [
        'a warm-up that is a time',
        { policy: 'round-robin', warmup: '30s' },
        "loadBalancer.warmup: found '30s', expected an object of warm-up options, or false; did you mean { duration: '30s' }?",
      ],
      [
        'a warm-up that is switched on',
        { policy: 'round-robin', warmup: true },
        "loadBalancer.warmup: found true, expected an object of warm-up options, or false; did you mean { duration: '30s' }?",
      ],
      [
        'figures of a warm-up out of range',
        { policy: 'peak-ewma', warmup: { duration: 0, minimumPercent: 101, aggression: 0 } },
        'loadBalancer.warmup.duration: found 0, expected a duration above zero',
        'loadBalancer.warmup.minimumPercent: found 101, expected a number from 1 to 100, or 0',
        'loadBalancer.warmup.aggression: found 0, expected a number from 0.01 to 100',
      ],
      [
        "Istio's older name of a warm-up",
        { policy: 'round-robin', warmupDurationSecs: '30s' },
        "unknown option 'loadBalancer.warmupDurationSecs'; here it is 'loadBalancer.warmup.duration'",
      ],
      [
        "Envoy's names of a warm-up",
        { policy: 'least-request', slow_start_config: {}, slowStartWindow: 1, minWeightPercent: 2 },
        "unknown option 'loadBalancer.slow_start_config'; here it is 'loadBalancer.warmup'",
        "unknown option 'loadBalancer.slowStartWindow'; here it is 'loadBalancer.warmup.duration'",
        "unknown option 'loadBalancer.minWeightPercent'; here it is 'loadBalancer.warmup.minimumPercent'",
      ],
      [
        'values out of range',
        { policy: 'least-request', choiceCount: 1, activeRequestBias: -1, fullScan: 'yes' },
        'loadBalancer.choiceCount: found 1, expected a whole number from 2 to 100',
        'loadBalancer.activeRequestBias: found -1, expected a number from 0 to 10',
        "loadBalancer.fullScan: found 'yes', expected true or false",
      ],
      [
        'values beyond the range',
        { policy: 'least-request', choiceCount: 101, activeRequestBias: Infinity, fullScan: 0 },
        'loadBalancer.choiceCount: found 101, expected a whole number from 2 to 100',
        'loadBalancer.activeRequestBias: found Infinity, expected a number from 0 to 10',
        'loadBalancer.fullScan: found 0, expected true or false',
      ],
      [
        'a duration without a unit',
        { policy: 'peak-ewma', decayTime: '5' },
        `loadBalancer.decayTime: found '5', ${DURATION}; did you mean 5 or '5s'?`,
      ],
      [
        'a duration of zero',
        { policy: 'peak-ewma', decayTime: '0s' },
        "loadBalancer.decayTime: found '0s', expected a duration above zero",
      ],
      [
        'an object that throws',
        Object.defineProperty({}, 'policy', {
          enumerable: true,
          get() {
            throw new Error('read');
          },
        }),
        `loadBalancer: found an object that throws when it is read, ${POLICY}`,
      ],
    ],
  );
});

const HASH_ON =
  "expected { header: 'x-user-id' }, { cookie: 'sid' }, { query: 'user' }, a function (request) => text, or a list of them";

describe('a sticky policy', () => {
  const hashOn = { header: 'x-user-id' };
  const FACTOR = 'expected 0, or a whole number of percent from 100 to 1000000';
  testRefusals(
    (loadBalancer) => readOptions({ loadBalancer }),
    [
      [
        'without what it hashes',
        { policy: 'maglev', tableSize: 7 },
        `loadBalancer.hashOn: found nothing, ${HASH_ON}`,
      ],
      [
        'that hashes a mere name',
        { policy: 'maglev', hashOn: 'x-user-id' },
        `loadBalancer.hashOn: found 'x-user-id', ${HASH_ON}; did you mean { header: 'x-user-id' }?`,
      ],
      [
        'that hashes nothing',
        { policy: 'maglev', hashOn: null },
        `loadBalancer.hashOn: found null, ${HASH_ON}`,
      ],
      [
        'that hashes an empty list',
        { policy: 'maglev', hashOn: [] },
        `loadBalancer.hashOn: found an empty array, ${HASH_ON}`,
      ],
      [
        'that hashes an empty object',
        { policy: 'maglev', hashOn: { terminal: true } },
        `loadBalancer.hashOn: found nothing to hash, ${HASH_ON}`,
      ],
      [
        'that hashes two things at once',
        { policy: 'maglev', hashOn: [hashOn, { header: 'a', cookie: 'b' }] },
        "loadBalancer.hashOn[1]: found 'header' and 'cookie', expected one of them; did you mean [{ header: 'a' }, { cookie: 'b' }]?",
      ],
      [
        'with wrong names',
        {
          policy: 'ring-hash',
          hashOn: [{ header: 'a b' }, { cookie: 'a=b' }, { query: 5 }, { header: ':path' }],
        },
        "loadBalancer.hashOn[0].header: found 'a b', expected the name of a header, such as 'retry-after'",
        "loadBalancer.hashOn[1].cookie: found 'a=b', expected the name of a cookie, such as 'sid'",
        "loadBalancer.hashOn[2].query: found 5, expected the name of a query parameter, such as 'user', as it is written in the URL",
        "loadBalancer.hashOn[3].header: found ':path', expected the name of a header, such as 'retry-after'",
      ],
      [
        "with Istio's names",
        { policy: 'ring-hash', hashOn, consistentHash: { httpHeaderName: 'x', httpCookie: {} } },
        "unknown option 'loadBalancer.consistentHash'; here it is { policy: 'ring-hash', hashOn: … }, or 'maglev', with their options beside it",
        "unknown option 'loadBalancer.consistentHash.httpHeaderName'; here it is hashOn: { header: 'x-user-id' }",
        "unknown option 'loadBalancer.consistentHash.httpCookie'; here it is hashOn: { cookie: 'sid' }, and the application issues it",
      ],
      [
        "with Istio's name of a parameter, and its ring",
        {
          policy: 'ring-hash',
          hashOn,
          httpQueryParameterName: 'x',
          ringHash: { minimumRingSize: 0 },
        },
        "unknown option 'loadBalancer.httpQueryParameterName'; here it is hashOn: { query: 'user' }",
        "unknown option 'loadBalancer.ringHash'; here it is { policy: 'ring-hash', hashOn: … }, or 'maglev', with their options beside it",
        'loadBalancer.ringHash.minimumRingSize: found 0, expected a whole number from 1 to 8388608',
      ],
      [
        "with Envoy's names",
        {
          policy: 'maglev',
          hashOn,
          maglev_lb_config: { table_size: 7 },
          hash_policy: [],
          hash_balance_factor: 5,
        },
        "unknown option 'loadBalancer.maglev_lb_config'; here it is { policy: 'ring-hash', hashOn: … }, or 'maglev', with their options beside it",
        "unknown option 'loadBalancer.maglev_lb_config.table_size'; did you mean 'tableSize'?",
        "unknown option 'loadBalancer.hash_policy'; here it is 'loadBalancer.hashOn'",
        "unknown option 'loadBalancer.hash_balance_factor'; did you mean 'hashBalanceFactor'?",
      ],
      [
        'whose cookie is to be issued',
        { policy: 'maglev', hashOn: { cookie: 'sid', ttl: '1h' } },
        "unknown option 'loadBalancer.hashOn.ttl'; a cookie is issued by your application: its name is all that is said here",
      ],
      [
        'on the address of the caller',
        { policy: 'maglev', hashOn: { sourceIp: true } },
        "unknown option 'loadBalancer.hashOn.sourceIp'; inside a process there is no caller's address: hash on a header that has it, such as hashOn: { header: 'x-forwarded-for' }",
      ],
      [
        'with options of the other',
        { policy: 'ring-hash', hashOn, tableSize: 7 },
        "loadBalancer.tableSize: an option of 'maglev', but the policy is 'ring-hash'",
      ],
      [
        'whose options are given to another policy',
        { policy: 'random', hashOn, hashBalanceFactor: 100 },
        "loadBalancer.hashOn: an option of 'ring-hash' or 'maglev', but the policy is 'random'",
        "loadBalancer.hashBalanceFactor: an option of 'ring-hash' or 'maglev', but the policy is 'random'",
      ],
      [
        'with a warm-up',
        { policy: 'maglev', hashOn, warmup: { duration: '30s' } },
        "loadBalancer.warmup: an option of 'least-request', 'peak-ewma' or 'round-robin', but the policy is 'maglev'",
      ],
      [
        'with a table whose size is no prime',
        { policy: 'maglev', hashOn, tableSize: 65_536 },
        'loadBalancer.tableSize: found 65536, expected a prime below 5000011; did you mean 65537?',
      ],
      [
        'with a table that is too large',
        { policy: 'maglev', hashOn, tableSize: 5_000_011 },
        'loadBalancer.tableSize: found 5000011, expected a whole number from 2 to 5000010',
      ],
      [
        'with the greatest number that is none',
        { policy: 'maglev', hashOn, tableSize: 5_000_010 },
        'loadBalancer.tableSize: found 5000010, expected a prime below 5000011',
      ],
      [
        'with a ring of less than nothing',
        { policy: 'ring-hash', hashOn, minimumRingSize: 0, maximumRingSize: 8_388_609 },
        'loadBalancer.minimumRingSize: found 0, expected a whole number from 1 to 8388608',
        'loadBalancer.maximumRingSize: found 8388609, expected a whole number from 1 to 8388608',
      ],
      [
        'with a ring whose sizes exclude each other',
        { policy: 'ring-hash', hashOn, minimumRingSize: 200, maximumRingSize: 100 },
        "loadBalancer.minimumRingSize: found 200, expected at most 100, which is 'maximumRingSize'",
      ],
      [
        'with a ring smaller than its default',
        { policy: 'ring-hash', hashOn, maximumRingSize: 100 },
        "loadBalancer.maximumRingSize: found 100, expected at least 1024, which 'minimumRingSize' is unless it is given",
      ],
      [
        'bounded below the mean',
        { policy: 'maglev', hashOn, hashBalanceFactor: 99 },
        `loadBalancer.hashBalanceFactor: found 99, ${FACTOR}`,
      ],
      [
        'bounded by a ratio',
        { policy: 'maglev', hashOn, hashBalanceFactor: 1.25 },
        `loadBalancer.hashBalanceFactor: found 1.25, ${FACTOR}; did you mean 125?`,
      ],
      [
        'bounded by false',
        { policy: 'maglev', hashOn, hashBalanceFactor: false },
        `loadBalancer.hashBalanceFactor: found false, ${FACTOR}`,
      ],
    ],
  );
});

describe('tls', () => {
  const EXPECTED_PEM = "expected PEM text ('-----BEGIN …') or its bytes";
  const VERSION = "expected 'TLSv1', 'TLSv1.1', 'TLSv1.2' or 'TLSv1.3'";
  const TLS = 'expected an object of TLS options, or false';
  testRefusals(
    (tls) => readOptions({ tls }),
    [
      ['true', true, `tls: found true, ${TLS}`],
      ['an instance', new Map(), `tls: found an instance of Map, ${TLS}`],
      ['a key in its place, which is not repeated', PEM, `tls: found '-----BEGIN …', ${TLS}`],
      [
        'a path in place of PEM',
        { ca: './ca.pem' },
        `tls.ca: found other text of 8 characters, ${EXPECTED_PEM}; a path must be read first`,
      ],
      ['no PEM', { ca: [] }, 'tls.ca: found an empty array, expected at least one PEM'],
      ['no bytes', { ca: new Uint8Array() }, `tls.ca: found no bytes, ${EXPECTED_PEM}`],
      ['something else among PEM', { ca: [PEM, 5] }, `tls.ca[1]: found 5, ${EXPECTED_PEM}`],
      [
        'a certificate without its key',
        { cert: PEM },
        "tls.key: found nothing beside 'cert', expected the certificate's private key",
      ],
      [
        'a key without its certificate',
        { key: KEY },
        "tls.cert: found nothing beside 'key', expected the certificate of the private key",
      ],
      [
        'a passphrase without a key',
        { passphrase: 'secret' },
        "tls.passphrase: of use only together with 'key'",
      ],
      [
        'secrets of the wrong kind, which are not repeated',
        { cert: PEM, key: 'secret', passphrase: 12345 },
        `tls.key: found other text of 6 characters, ${EXPECTED_PEM}; a path must be read first`,
        'tls.passphrase: found a value that is not text, expected text',
      ],
      [
        'HTTP/2',
        { alpn: ['h2', 'http/1.1'] },
        "tls.alpn[0]: found 'h2', expected 'http/1.1'; HTTP/2 is 'connectionPool.http2: true'",
      ],
      [
        'HTTP/2 as text',
        { alpn: 'h2' },
        "tls.alpn: found 'h2', expected the list ['http/1.1']; HTTP/2 is 'connectionPool.http2: true'",
      ],
      ['HTTP/3', { alpn: ['h3'] }, "tls.alpn[0]: found 'h3', expected 'http/1.1'"],
      [
        'no protocol',
        { alpn: [] },
        "tls.alpn: found an empty array, expected the list ['http/1.1']",
      ],
      [
        'a protocol that is no list',
        { alpn: 'http/1.1' },
        "tls.alpn: found 'http/1.1', expected the list ['http/1.1']",
      ],
      [
        'a bare version',
        { minVersion: '1.2' },
        `tls.minVersion: found '1.2', ${VERSION}; did you mean 'TLSv1.2'?`,
      ],
      [
        'the oldest, as a number',
        { minVersion: '1.0' },
        `tls.minVersion: found '1.0', ${VERSION}; did you mean 'TLSv1'?`,
      ],
      [
        'a number',
        { maxVersion: 1.3 },
        `tls.maxVersion: found 1.3, ${VERSION}; did you mean 'TLSv1.3'?`,
      ],
      [
        'a version there is none of',
        { maxVersion: '1.4' },
        `tls.maxVersion: found '1.4', ${VERSION}`,
      ],
      [
        'a version in capitals',
        { maxVersion: 'TLSV1_3' },
        `tls.maxVersion: found 'TLSV1_3', ${VERSION}; did you mean 'TLSv1.3'?`,
      ],
      [
        'versions that exclude each other',
        { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
        "tls.maxVersion: found 'TLSv1.2', expected 'TLSv1.3', which is 'minVersion', or newer",
      ],
      [
        'a URL for a name',
        { servername: 'https://x' },
        "tls.servername: found 'https://x', expected a host's name, without scheme or port",
      ],
      [
        'no ciphers',
        { ciphers: '' },
        "tls.ciphers: found '', expected ciphers in OpenSSL's notation, separated by ':'",
      ],
      [
        'a number for a boolean',
        { rejectUnauthorized: 0 },
        'tls.rejectUnauthorized: found 0, expected true or false',
      ],
      [
        'British spelling',
        { rejectUnauthorised: false },
        "unknown option 'tls.rejectUnauthorised'; did you mean 'rejectUnauthorized'?",
      ],
      [
        "Istio's name",
        { caCertificates: 'x' },
        "unknown option 'tls.caCertificates'; here it is 'tls.ca'",
      ],
    ],
  );
});

describe('tls that nothing uses', () => {
  const tls = { ca: PEM };
  const UNUSED = 'tls: of no use, since no endpoint is https';
  testRefusals(readOptions, [
    ['a service in the clear', { service: 'http://a', tls }, UNUSED],
    [
      'an https service whose endpoints are in the clear',
      { service: 'https://a', endpoints: ['http://b'], tls },
      UNUSED,
    ],
    ['a socket in the clear', { service: 'http://a', endpoints: ['unix:/s'], tls }, UNUSED],
    ['services in the clear', { services: { 'http://a': {} }, tls }, UNUSED],
    [
      'nothing more is said while the service is not known for sure',
      { service: '?', tls },
      "service: found '?', expected an http or https origin such as 'http://simple-backend', without path, query or credentials",
    ],
    [
      'nor while the endpoints of one of several are not',
      { services: { 'http://a': { endpoints: 'https://b', tls } } },
      "services['http://a'].endpoints: found 'https://b', expected a list of endpoints, or a discovery",
    ],
    [
      'nor while the endpoints are not',
      { service: 'http://a', endpoints: 'https://b', tls },
      "endpoints: found 'https://b', expected a list of endpoints, or a discovery",
    ],
  ]);
});
