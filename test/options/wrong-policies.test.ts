import { describe } from 'vitest';
import { readOptions } from '../../src/options/validate.js';
import { KEY, PEM, testRefusals } from './refusal.js';

const NAMES = "expected 'least-request', 'peak-ewma', 'round-robin' or 'random'";
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
        'a policy yet to come',
        'ring-hash',
        "loadBalancer: the policy 'ring-hash' is not available in this version",
      ],
      [
        "a policy yet to come, in Istio's spelling",
        { policy: 'MAGLEV' },
        "loadBalancer.policy: the policy 'maglev' is not available in this version",
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
        "unknown option 'loadBalancer.consistentHash'; 'ring-hash' and 'maglev' are not available in this version",
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
      "services['http://a'].endpoints: found 'https://b', expected a list of endpoints",
    ],
    [
      'nor while the endpoints are not',
      { service: 'http://a', endpoints: 'https://b', tls },
      "endpoints: found 'https://b', expected a list of endpoints",
    ],
  ]);
});
