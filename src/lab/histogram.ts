/** A histogram drawn with blocks: one line for each bucket that holds anything. */
import type { Histogram } from './experiment.js';

const WIDTH = 40;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

interface Bucket {
  readonly label: string;
  readonly count: number;
}

/** Lines without an end of line; the longest bar possible means all samples. Empty buckets in between become `⋮`. */
export function drawHistogram(histogram: Histogram): string[] {
  const { title, samples } = histogram;
  const buckets = fill(histogram);
  const first = buckets.findIndex(({ count }) => count > 0);
  const last = buckets.findLastIndex(({ count }) => count > 0);
  const labelWidth = Math.max(...buckets.map(({ label }) => label.length));
  const lines = [title];
  for (const { label, count } of first < 0 ? [] : buckets.slice(first, last + 1)) {
    const share = count / samples.length;
    const line = `  ${label.padStart(labelWidth)}  ${bar(share)} ${(share * 100).toFixed(1)} %`;
    const gap = `  ${'⋮'.padStart(labelWidth)}`;
    if (count > 0) lines.push(line);
    else if (lines.at(-1) !== gap) lines.push(gap);
  }
  return lines;
}

/** A bucket holds what is at least its lower bound and less than its upper one. */
function fill({ bounds, samples, unit }: Histogram): Bucket[] {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let bucket = 0;
  for (const sample of samples) {
    while (sample >= (bounds[bucket] ?? Infinity)) bucket += 1;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts.map((count, i) => {
    const from = bounds[i - 1];
    const to = bounds[i];
    if (from === undefined) return { label: `< ${to} ${unit}`, count };
    return { label: to === undefined ? `≥ ${from} ${unit}` : `${from} – ${to} ${unit}`, count };
  });
}

/** Never nothing for a share above zero. */
function bar(share: number): string {
  const eighths = Math.max(share > 0 ? 1 : 0, Math.round(share * WIDTH * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}
