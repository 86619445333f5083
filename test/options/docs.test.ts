import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { systemRuntime } from '../../src/core/runtime.js';
import { defaults } from '../../src/options/defaults.js';
import { readOptions } from '../../src/options/validate.js';
import { PEM, refusalOf } from './refusal.js';

const page = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8');

/** The rows of the table: each option by its path, with its default as it is written there. */
const documented = new Map(
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', '')))
    .map(([, path = '', , written = '']) => [path, written]),
);

/** One right value for each option of the table. */
const samples: Readonly<Record<keyof typeof defaults, object>> = {
  service: { service: 'http://a' },
  name: { service: 'http://a', name: 'x' },
  endpoints: { service: 'http://a', endpoints: ['http://b'] },
  'endpoints[].url': { service: 'http://a', endpoints: [{ url: 'http://b' }] },
  'endpoints[].weight': { service: 'http://a', endpoints: [{ url: 'http://b', weight: 2 }] },
  'endpoints[].locality': { service: 'http://a', endpoints: [{ url: 'http://b', locality: 'r' }] },
  loadBalancer: { loadBalancer: 'random' },
  'loadBalancer.policy': { loadBalancer: { policy: 'random' } },
  'loadBalancer.choiceCount': { loadBalancer: { policy: 'least-request', choiceCount: 3 } },
  'loadBalancer.activeRequestBias': {
    loadBalancer: { policy: 'least-request', activeRequestBias: 2 },
  },
  'loadBalancer.fullScan': { loadBalancer: { policy: 'least-request', fullScan: true } },
  'loadBalancer.decayTime': { loadBalancer: { policy: 'peak-ewma', decayTime: '1s' } },
  timeout: { timeout: '2s' },
  tls: { tls: {} },
  'tls.ca': { tls: { ca: PEM } },
  'tls.cert': { tls: { cert: PEM, key: PEM } },
  'tls.key': { tls: { cert: PEM, key: PEM } },
  'tls.passphrase': { tls: { cert: PEM, key: PEM, passphrase: 'x' } },
  'tls.servername': { tls: { servername: 'x' } },
  'tls.alpn': { tls: { alpn: ['http/1.1'] } },
  'tls.rejectUnauthorized': { tls: { rejectUnauthorized: false } },
  'tls.minVersion': { tls: { minVersion: 'TLSv1.3' } },
  'tls.maxVersion': { tls: { maxVersion: 'TLSv1.2' } },
  'tls.ciphers': { tls: { ciphers: 'HIGH' } },
  services: { services: {} },
  otherOrigins: { service: 'http://a', otherOrigins: 'default-policy' },
  localReplies: { localReplies: 'respond' },
  middleware: { middleware: [() => undefined] },
  layers: { layers: {} },
  'layers.call': { layers: { call: [{ name: 'x', end() {} }] } },
  'layers.attempt': { layers: { attempt: [{ name: 'x', end() {} }] } },
  around: { around: () => undefined },
  runtime: { runtime: systemRuntime },
};

function written(value: unknown): string {
  if (value === undefined) return '–';
  if (value === systemRuntime) return "the process's own";
  return JSON.stringify(value).replaceAll('"', "'");
}

describe('the table of options', () => {
  test('has the options of the table of defaults, in its order', () => {
    expect([...documented.keys()]).toEqual(Object.keys(defaults));
  });

  test.each(Object.entries(defaults))('%s has the default that the page says', (path, value) => {
    expect(documented.get(path)).toBe(written(value));
  });

  test.each(Object.entries(samples))('%s is an option', (_path, options) => {
    expect(() => readOptions(options)).not.toThrow();
  });

  test('has every option that is known at the top', () => {
    const known = /known here: (.*)/.exec(refusalOf(() => readOptions({ '?': 1 })))?.[1] ?? '';
    const top = Object.keys(defaults).filter((path) => !path.includes('.'));
    expect(known.match(/\w+(?=')/g)?.sort()).toEqual(top.sort());
  });
});

test('the right options of the page are right', () => {
  const examples = [...page.matchAll(/```js\nimport .*\n([^]*?)\n```/g)];
  expect(examples).toHaveLength(2);
  for (const [, code = ''] of examples) expect(refusalOf(() => run(code))).toBe('');
});

test('the wrong options of the page are answered as it says', () => {
  const example = /```js\n(createResilientClient\([^]*?\);)\n```[^]*?```text\n([^]*?)\n```/.exec(
    page,
  );
  const [, code = '', message] = example ?? [];
  expect(`OptionsError: ${refusalOf(() => run(code))}`).toBe(message);
});

/** Runs code of the page, with nothing behind `createResilientClient` but the reading of its options. */
function run(code: string): void {
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
  new Function('createResilientClient', code)(readOptions);
}
