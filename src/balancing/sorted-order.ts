/** The order of many 64-bit numbers that are kept in halves. */

/** Where they stand, the smallest first; equal ones as they came. Sorts by one byte after the other, the lowest first. */
export function sortedOrder(high: Uint32Array, low: Uint32Array): Uint32Array {
  let order = Uint32Array.from(high, (_, index) => index);
  let next = new Uint32Array(order.length);
  for (const half of [low, high]) {
    for (let shift = 0; shift < 32; shift += 8) {
      const ends = new Uint32Array(257);
      for (const number of half) {
        const after = ((number >>> shift) & 255) + 1;
        ends[after] = (ends[after] as number) + 1;
      }
      for (let byte = 1; byte < 257; byte++) {
        ends[byte] = (ends[byte] as number) + (ends[byte - 1] as number);
      }
      for (const index of order) {
        const byte = ((half[index] as number) >>> shift) & 255;
        const place = ends[byte] as number;
        next[place] = index;
        ends[byte] = place + 1;
      }
      [order, next] = [next, order];
    }
  }
  return order;
}
