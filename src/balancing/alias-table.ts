/** Draws entries at random in proportion to fixed weights, in constant time. */

/**
 * Walker's alias method, built as Vose did (IEEE Transactions on Software Engineering 17 (9), 1991): the weights
 * are cut into as many columns of equal size as there are entries, each holding parts of at most two of them.
 */
export class AliasTable {
  private readonly size: number;
  /** How much of each column belongs to its own entry. */
  private readonly own: Float64Array;
  /** Which entry has the rest of each column. */
  private readonly rest: Uint32Array;

  /** @param weights at least one, each above 0 */
  constructor(weights: readonly number[]) {
    this.size = weights.length;
    this.own = new Float64Array(weights.length);
    this.rest = new Uint32Array(weights.length);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
    const parts = weights.map((weight) => weight / mean);
    const light: number[] = [];
    const heavy: number[] = [];
    parts.forEach((part, entry) => (part < 1 ? light : heavy).push(entry));
    for (;;) {
      const low = light.pop();
      const high = heavy.pop();
      if (low === undefined || high === undefined) {
        // What rounding leaves over has a column to itself.
        for (const entry of [low, high, ...light, ...heavy]) {
          if (entry !== undefined) this.fill(entry, 1, entry);
        }
        return;
      }
      const part = parts[low] as number;
      this.fill(low, part, high);
      const left = (parts[high] as number) - (1 - part);
      parts[high] = left;
      (left < 1 ? light : heavy).push(high);
    }
  }

  /** @param chance a number from 0 (included) to 1 (excluded) */
  draw(chance: number): number {
    const place = chance * this.size;
    const column = Math.floor(place);
    return place - column < (this.own[column] as number) ? column : (this.rest[column] as number);
  }

  private fill(column: number, own: number, rest: number): void {
    this.own[column] = own;
    this.rest[column] = rest;
  }
}
