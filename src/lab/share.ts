/** A share of many calls, and the range in which the true one lies. */

export interface Share {
  /** All three in percent. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** 95 % of a normal distribution lie within so many standard deviations. */
const DEVIATIONS = 1.96;

/** With the range in which the true share lies at 95 % (Wilson's score interval). */
export function share(count: number, all: number): Share {
  if (all === 0) return { value: Number.NaN, low: 0, high: 100 };
  const part = count / all;
  const square = DEVIATIONS ** 2 / all;
  const middle = (part + square / 2) / (1 + square);
  const spread = (DEVIATIONS * Math.sqrt((part * (1 - part) + square / 4) / all)) / (1 + square);
  return { value: 100 * part, low: 100 * (middle - spread), high: 100 * (middle + spread) };
}

/** `69.7 % (64.2 to 74.6)` */
export function shareText({ value, low, high }: Share): string {
  return `${value.toFixed(1)} % (${low.toFixed(1)} to ${high.toFixed(1)})`;
}
