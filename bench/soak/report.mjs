/** The soak in a table, and what it was made of. */
import { slopeOf } from './verdict.mjs';

/** @type {readonly (readonly [title: string, width: number])[]} */
const COLUMNS = [
  ['minutes', 7],
  ['calls', 7],
  ['heap MB', 8],
  ['external', 9],
  ['buffers', 8],
  ['RSS MB', 8],
  ['active', 7],
  ['open', 6],
  ['idle', 6],
  ['sockets', 8],
  ['listeners', 10],
  ['uncollected', 12],
];

/** @param {readonly (string | number)[]} cells */
const row = (cells) =>
  cells.map((cell, index) => String(cell).padStart(COLUMNS[index]?.[1] ?? 0)).join('');

export const heading = () => row(COLUMNS.map(([title]) => title));

/** @param {import('./state.mjs').State & { minute: number, calls: number }} sample */
export function line(sample) {
  const { minute, calls, heap, external, arrayBuffers, rss } = sample;
  const { active, open, idle, sockets, listeners, uncollected } = sample;
  const memory = [heap, external, arrayBuffers].map((value) => value.toFixed(2));
  return row([
    ...[minute.toFixed(1), calls, ...memory, rss.toFixed(0)],
    ...[active, open, idle, sockets, listeners, uncollected],
  ]);
}

/**
 * @param {import('./traffic.mjs').Traffic} traffic
 * @param {Record<string, number>} stats
 * @param {readonly (import('./state.mjs').State & { minute: number })[]} samples
 */
export function summary({ calls, bytes, endings, drawn }, stats, samples) {
  const words = (/** @type {Map<string, number>} */ counts) =>
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const sum = (/** @type {string} */ name) =>
    Object.entries(stats)
      .filter(([key]) => key.endsWith(`.${name}`))
      .reduce((total, [, value]) => total + value, 0);
  const counters = ['retry', 'hedge', 'timeout', 'per_try_timeout', 'fallback'].map(
    (name) => `${name} ${sum(`upstream_rq_${name}`)}`,
  );
  const minutes = samples.map(({ minute }) => minute);
  const slopes = /** @type {const} */ (['heap', 'external', 'arrayBuffers', 'rss']).map((name) => {
    const values = samples.map((sample) => sample[name]);
    return `${name} ${slopeOf(minutes, values).toFixed(3)}`;
  });
  return [
    `\n${calls} calls, ${(bytes / 2 ** 20).toFixed(0)} MB read in full and compared`,
    `endings: ${words(endings)}`,
    `drawn: ${words(drawn)}`,
    `counters: ${counters.join(', ')}`,
    `MB a minute after the warm-up: ${slopes.join(', ')}`,
  ].join('\n');
}
