import { expect, it } from 'vitest';
import {
  above,
  atLeast,
  atMost,
  below,
  exactly,
  none,
  some,
  within,
} from '../../src/lab/checks.js';
import { conclude, paintWith, tell } from '../../src/lab/report.js';

const qps = (value: number) => ({ value, unit: 'qps' }) as const;

it('knows limits that are allowed, ranges and counts', () => {
  const at = (value: number) => atMost('qps', qps(value), 32).passed;
  expect([31.9, 32, 32.1, NaN].map(at)).toEqual([true, true, false, false]);
  const inside = (value: number) => within('qps', qps(value), 28, 32).passed;
  expect([27.9, 28, 32, 32.1, NaN].map(inside)).toEqual([false, true, true, false, false]);
  expect([some('calls', 0).passed, some('calls', 1).passed]).toEqual([false, true]);
  expect([exactly('calls', 3, 4).passed, exactly('calls', 4, 4).passed]).toEqual([false, true]);
  expect(within('qps', qps(30), 28, 32)).toMatchObject({ expected: '28 to 32 qps' });
});

it('passes or fails on either side of a limit', () => {
  const passed = [above, atLeast, below].map((check) =>
    [31.9, 32, 32.1].map((value) => check('qps', qps(value), 32).passed),
  );
  expect(passed).toEqual([
    [false, false, true],
    [false, true, true],
    [true, false, false],
  ]);
  expect([none('failed', 0).passed, none('failed', 1).passed]).toEqual([true, false]);
});

it('fails for a figure that is no number', () => {
  const results = [above, atLeast, below].map((check) => check('qps', qps(NaN), 32).passed);
  expect(results).toEqual([false, false, false]);
});

it('says what was expected and what was seen', () => {
  const checks = [
    atLeast('least-request qps', qps(22.71), 32),
    below('p75', { value: 0.1561, unit: 's' }, 0.2),
    none('failed calls', 2),
  ];
  const findings = { results: [], tables: [], histograms: [], words: 'Words.', checks };
  expect(tell(findings, paintWith(false))).toBe(
    [
      '',
      'Words.',
      '',
      '✗ least-request qps: expected at least 32 qps, seen 22.7 qps',
      '✓ p75: 0.156 s (below 0.2 s)',
      '✗ failed calls: expected none, seen 2',
      '',
      '',
    ].join('\n'),
  );
  expect(conclude(checks, paintWith(false))).toBe('2 of 3 checks failed.\n');
  expect(conclude(checks.slice(1, 2), paintWith(false))).toBe('The check passed.\n');
});

it('colours only where colours are wanted', () => {
  expect(conclude([none('failed', 1)], paintWith(true))).toBe(
    '\u001b[31m1 of 1 checks failed.\u001b[39m\n',
  );
});
