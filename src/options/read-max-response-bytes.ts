/** The option `maxResponseBytes`. */
import type { Reader } from './place.js';

const EXPECTED = `a whole number of bytes from 1 to ${Number.MAX_SAFE_INTEGER}, or 0 or false for no limit`;

/** 0: no limit. */
export const readMaxResponseBytes: Reader<number> = (value, at) => {
  if (value === false) return 0;
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : at.refuse(value, EXPECTED);
};
