/** Hashes of 64 bits, in halves. */

/** Either half may have either sign: `>>> 0` makes it what it stands for. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

const TWO_32 = 2 ** 32;

/** The whole number modulo a divisor from 1 to 2 ** 26, for which every step is exact. */
export function modulo(high: number, low: number, divisor: number): number {
  return rest(rest(high >>> 0, divisor) * rest(TWO_32, divisor) + (low >>> 0), divisor);
}

/** `dividend % divisor`, several times as fast for numbers beyond 32 bits. */
function rest(dividend: number, divisor: number): number {
  const left = dividend - Math.floor(dividend / divisor) * divisor;
  if (left < 0) return left + divisor;
  return left < divisor ? left : left - divisor;
}
