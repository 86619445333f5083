import { expect, it } from 'vitest';
import { drawHistogram } from '../../src/lab/histogram.js';
import { wrapped } from '../../src/lab/report.js';
import { drawTable } from '../../src/lab/table.js';

it('draws a table with one rule, words left and numbers right', () => {
  const table = {
    head: ['policy', 'qps'],
    rows: [
      ['random', '23.1'],
      ['limit', '9.0'],
    ],
    labels: 1,
    notes: [],
  };
  expect(drawTable(table)).toEqual([
    '┌────────┬──────┐',
    '│ policy │  qps │',
    '├────────┼──────┤',
    '│ random │ 23.1 │',
    '│ limit  │  9.0 │',
    '└────────┴──────┘',
  ]);
});

it('draws a histogram from the first to the last bucket that holds anything', () => {
  const samples = Float64Array.from([0.15, 0.15, 0.15, ...new Array<number>(4).fill(1), 1.5]);
  const bounds = [0.1, 0.2, 0.5, 0.8, 1, 1.2];
  expect(drawHistogram({ title: 'random', bounds, samples, unit: 's' })).toEqual([
    'random',
    '  0.1 – 0.2 s  ███████████████ 37.5 %',
    '            ⋮',
    '    1 – 1.2 s  ████████████████████ 50.0 %',
    '      ≥ 1.2 s  █████ 12.5 %',
  ]);
});

it('puts a sample on a bound into the bucket above it, and shows even a single one', () => {
  const samples = Float64Array.from([...new Array<number>(999).fill(0.5), 1]);
  expect(drawHistogram({ title: 't', bounds: [1], samples, unit: 's' })).toEqual([
    't',
    `  < 1 s  ${'█'.repeat(40)} 99.9 %`,
    '  ≥ 1 s  ▏ 0.1 %',
  ]);
});

it('draws a histogram of nothing as its title', () => {
  const nothing = { title: 't', bounds: [1], samples: new Float64Array(), unit: 's' };
  expect(drawHistogram(nothing)).toEqual(['t']);
});

it('wraps running text between words', () => {
  const lines = wrapped('word '.repeat(30).trim());
  expect(lines).toHaveLength(2);
  expect(lines[0]).toHaveLength(84);
  expect(lines.join(' ')).toBe('word '.repeat(30).trim());
  expect(wrapped(`a ${'b'.repeat(100)} c`)).toEqual(['a', 'b'.repeat(100), 'c']);
});
