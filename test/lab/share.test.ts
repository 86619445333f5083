import { expect, it } from 'vitest';
import { share, shareText } from '../../src/lab/share.js';

it('tells the range in which the true share lies', () => {
  // Wilson's interval for 7 of 10, as R's prop.test without continuity correction gives it.
  expect(shareText(share(7, 10))).toBe('70.0 % (39.7 to 89.2)');
  expect(shareText(share(0, 20))).toBe('0.0 % (0.0 to 16.1)');
  expect(shareText(share(280, 400))).toBe('70.0 % (65.3 to 74.3)');
});

it('says nothing of no calls', () => {
  expect(share(0, 0)).toMatchObject({ low: 0, high: 100 });
});
