/** Lists of endpoints that nobody connects to, for measuring what lists cost. */

/** Weights repeat 1 to 5 where they are to differ. */
export const weightAt = (/** @type {number} */ i) => 1 + (i % 5);

/**
 * @param {number} count
 * @param {{ unequal?: boolean, from?: number }} [options] `from` shifts the addresses, for lists that differ
 */
export function endpointList(count, { unequal = false, from = 0 } = {}) {
  return Array.from({ length: count }, (_, at) => {
    const i = at + from;
    const url = `http://10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}:8080`;
    return { url, weight: unequal ? weightAt(i) : 1 };
  });
}
