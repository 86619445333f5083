import { describe, expect, test } from 'vitest';
import { readOverrides } from '../../src/options/overrides.js';
import { testRefusals } from './refusal.js';

describe('init.resilience', () => {
  test.each([[{}], [{ timeout: undefined }], [Object.create(null)]])(
    '%j says nothing',
    (overrides) => expect(readOverrides(overrides)).toEqual({}),
  );

  test.each([
    ['500ms', 500],
    [0, 0],
    [false, 0],
  ])('timeout: %s', (timeout, milliseconds) =>
    expect(readOverrides({ timeout })).toEqual({ timeout: milliseconds }),
  );

  testRefusals(readOverrides, [
    ['text', '500ms', "resilience: found '500ms', expected an object with options of the call"],
    ['null', null, 'resilience: found null, expected an object with options of the call'],
    [
      'options of later versions',
      { hedge: {}, retry: false },
      'resilience.hedge: not available in this version',
      'resilience.retry: not available in this version',
    ],
    [
      'an option of the client',
      { loadBalancer: 'random' },
      "unknown option 'resilience.loadBalancer'; its place is the top level",
    ],
    [
      "Istio's name",
      { perTryTimeout: 1 },
      "unknown option 'resilience.perTryTimeout'; here it is 'retry.perTryTimeout' (not available in this version)",
    ],
    ['an unknown word', { foo: 1 }, "unknown option 'resilience.foo'; known here: 'timeout'"],
  ]);
});
