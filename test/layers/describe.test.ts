/** The chain in words: what is on, in the order a request travels, and what it is set to. */
import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/index.js';
import { clientFor } from '../support/client.js';

/** The lines of the call and of the attempt. */
function linesOf(options: ClientOptions): string[] {
  const client = clientFor({ service: 'http://shop', ...options });
  return client
    .describe()
    .split('\n')
    .filter((line) => /^ {2}(?:call|attempt):/.test(line))
    .map((line) => line.replace(/^ {2}\w+: +/, ''));
}

describe('the layers that are on', () => {
  test('by default', () => {
    expect(linesOf({})).toEqual([
      'observe → retry (2 on connect-failure, refused-stream, reset, 503; budget 20 %, at least 3)',
      'observe → envoy headers',
    ]);
  });

  test('none that is off', () => {
    expect(linesOf({ retry: false, envoyHeaders: false })).toEqual(['observe', 'observe']);
  });

  test('all of them', () => {
    const layer = { name: 'mine', end() {} };
    const lines = linesOf({
      timeout: { total: '10s', response: '2s', idle: '1s' },
      hedge: { onPerTryTimeout: true, delay: 'p99.5', maxHedges: 2 },
      retry: {
        attempts: 3,
        retryOn: ['5xx', 'unavailable', 409, () => false],
        perTryTimeout: '300ms',
        perTryIdleTimeout: '200ms',
        budget: false,
        maxRetries: 7,
      },
      layers: { call: [layer], attempt: [layer] },
    });
    expect(lines).toEqual([
      'observe → deadline (10000 ms, response 2000 ms, idle 1000 ms) → mine → hedge (on per-try timeout, after p99.5, at most 2) → retry (3 on 5xx, unavailable, 409, 1 of your own; at most 7 at once)',
      'observe → envoy headers → head times → mine → try timeout (300 ms, idle 200 ms)',
    ]);
  });

  test('retries that only hedges make, without any limit', () => {
    const [call] = linesOf({
      hedge: { onPerTryTimeout: true },
      retry: { retryOn: [], perTryTimeout: 100, budget: false },
    });
    expect(call).toBe('observe → hedge (on per-try timeout) → retry (2)');
  });
});

describe('the balancer', () => {
  const lineOf = (loadBalancer: ClientOptions['loadBalancer']) =>
    clientFor({ service: 'http://shop', loadBalancer })
      .describe()
      .split('\n')
      .find((line) => line.startsWith('  balancer:'));

  test('that is sticky says what it hashes', () => {
    expect(lineOf({ policy: 'maglev', hashOn: { header: 'X-User-Id' } })).toBe(
      '  balancer: maglev over 1 endpoint, by header x-user-id',
    );
  });

  test('that is sticky by several says all of them, and the bound', () => {
    const hashOn = [{ cookie: 'sid', terminal: true }, { query: 'user' }, () => 'x'];
    expect(lineOf({ policy: 'ring-hash', hashOn, hashBalanceFactor: 150 })).toBe(
      '  balancer: ring-hash over 1 endpoint, by cookie sid (terminal), query user, a function; at most 150 % of the mean load',
    );
  });
});
