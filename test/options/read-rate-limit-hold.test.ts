/** The option `rateLimitHold`: what it is without being said, what is wrong, and how client and service go together. */
import { describe, expect, test } from 'vitest';
import type { ClientOptions } from '../../src/options/options.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { holdPolicy } from '../support/virtual-cluster.js';
import { testRefusals } from './refusal.js';

describe('what is given', () => {
  test.each([
    [undefined, undefined],
    [false, undefined],
    [{}, holdPolicy()],
    [{ statusCodes: undefined, maxTime: undefined }, holdPolicy()],
    [{ statusCodes: [429] }, holdPolicy({ statusCodes: new Set([429]) })],
    [{ maxTime: '5m' }, holdPolicy({ maxTime: 300_000 })],
    [
      { resetHeaders: [{ name: 'X-Come-Back', format: 'seconds' }] },
      holdPolicy({ resetHeaders: [{ name: 'x-come-back', format: 'seconds' }] }),
    ],
  ] as [ClientOptions['rateLimitHold'], unknown][])('%j', (rateLimitHold, policy) => {
    expect(readOptions({ rateLimitHold }).defaultPolicy.rateLimitHold).toEqual(policy);
  });

  test('of a service merges with that of the client, and false switches it off', () => {
    const { services } = readOptions({
      rateLimitHold: { maxTime: '5s' },
      services: {
        'http://a': {},
        'http://b': { rateLimitHold: { statusCodes: [420] } },
        'http://c': { rateLimitHold: false },
      },
    });
    const holds = [...services.values()].map(({ rateLimitHold }) => rateLimitHold);
    expect(holds).toEqual([
      holdPolicy({ maxTime: 5000 }),
      holdPolicy({ maxTime: 5000, statusCodes: new Set([420]) }),
      undefined,
    ]);
  });

  test('can be switched on, changed and switched off by an update', () => {
    const off = readOptions({ service: 'http://a' });
    const on = readUpdate(off, { rateLimitHold: {} });
    const changed = readUpdate(on, { rateLimitHold: { maxTime: 1 } });
    const again = readUpdate(changed, { rateLimitHold: false });
    expect([off, on, changed, again].map((options) => options.defaultPolicy.rateLimitHold)).toEqual(
      [undefined, holdPolicy(), holdPolicy({ maxTime: 1 }), undefined],
    );
  });
});

describe('what is wrong', () => {
  const OBJECT = 'expected an object of options, which may be empty, or false';
  testRefusals(
    (rateLimitHold) => readOptions({ rateLimitHold }),
    [
      ['true', true, `rateLimitHold: found true, ${OBJECT}; did you mean {}?`],
      ['null', null, `rateLimitHold: found null, ${OBJECT}`],
      ['a time', '30s', `rateLimitHold: found '30s', ${OBJECT}; did you mean { maxTime: '30s' }?`],
      ['0', 0, `rateLimitHold: found 0, ${OBJECT}`],
      ['a path', '/healthz', `rateLimitHold: found '/healthz', ${OBJECT}`],
      ['no time', { maxTime: 0 }, 'rateLimitHold.maxTime: found 0, expected a duration above zero'],
      [
        'no status',
        { statusCodes: [] },
        'rateLimitHold.statusCodes: found an empty array, expected at least one status code; false switches the hold off',
      ],
      [
        'what is no status',
        { statusCodes: [429, 1000] },
        'rateLimitHold.statusCodes[1]: found 1000, expected a whole number from 200 to 599',
      ],
      [
        'a status as text',
        { statusCodes: ['429'] },
        "rateLimitHold.statusCodes[0]: found '429', expected a whole number from 200 to 599; did you mean 429?",
      ],
      [
        'one status',
        { statusCodes: 429 },
        'rateLimitHold.statusCodes: found 429, expected a list of status codes',
      ],
      [
        'a header alone',
        { resetHeaders: ['x-reset'] },
        "rateLimitHold.resetHeaders[0]: found 'x-reset', expected a header: an object with its 'name' and 'format'; did you mean { name: 'x-reset', format: 'seconds' }?",
      ],
      [
        "the back-off's name",
        { maxInterval: '5s' },
        "unknown option 'rateLimitHold.maxInterval'; here it is 'rateLimitHold.maxTime'",
      ],
    ],
  );
});
