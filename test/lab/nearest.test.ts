import { expect, it } from 'vitest';
import { nearestName } from '../../src/lab/nearest.js';

const names = ['load-balancing', 'timeouts', 'retries'];

it.each([
  ['load-balncing', 'load-balancing'],
  ['LOAD-BALANCING', 'load-balancing'],
  ['balancing', 'load-balancing'],
  ['timeout', 'timeouts'],
  ['retires', 'retries'],
  ['hedging', undefined],
  ['x', undefined],
])('takes %s for %s', (written, meant) => {
  expect(nearestName(written, names)).toBe(meant);
});
