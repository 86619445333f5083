/** What is answered to names from elsewhere, by the place they stand in. */
import { expect, test } from 'vitest';
import { readOptions } from '../../src/options/validate.js';

const rows: readonly [options: object, hint: string][] = [
  [{ retry: { attempt: 3 } }, "did you mean 'attempts'?"],
  [{ retry: { delay: '1s' } }, "here it is 'backoff.baseInterval'"],
  [{ retry: { interval: '1s' } }, "here it is 'backoff.baseInterval'"],
  [{ retry: { timeout: '1s' } }, "here it is 'perTryTimeout'"],
  [{ retry: { key: true } }, "here it is 'idempotencyKey'"],
  [{ retry: { backoff: { initialInterval: '1s' } } }, "here it is 'baseInterval'"],
  [{ retry: { backoff: { min: '1s' } } }, "here it is 'baseInterval'"],
  [{ retry: { backoff: { max: '1s' } } }, "here it is 'maxInterval'"],
  [{ hedge: { attempts: 2 } }, "here it is 'maxHedges'"],
  [{ hedge: { timeout: '1s' } }, "here it is 'delay'"],
  [{ hedge: { percentile: 95 } }, "here it is 'delay'"],
  [{ timeout: { call: '1s' } }, "here it is 'total'"],
  [{ timeout: { headers: '1s' } }, "here it is 'response'"],
  [{ timeout: { body: '1s' } }, "here it is 'idle'"],
];

test.each(rows)('%j', (options, hint) => {
  expect(() => readOptions(options)).toThrow(`; ${hint}`);
});
