/**
 * Lists of headers that come again: a caller mostly sends the same ones, and what is known of a list that nobody can
 * change holds for each request that has it.
 */

/** Different ones that are remembered, the latest. */
const REMEMBERED = 4;

interface Known {
  readonly headers: readonly string[];
  isShared: boolean;
}

export class SharedHeaders {
  readonly #known: Known[] = [];
  /** Whose turn it is to be forgotten. */
  #oldest = 0;

  /** The same headers, for all requests that have them; shared from the second time on. */
  of(headers: readonly string[]): readonly string[] {
    for (const known of this.#known) {
      if (!isSame(known.headers, headers)) continue;
      if (!known.isShared) {
        known.isShared = true;
        Object.freeze(known.headers);
      }
      return known.headers;
    }
    this.#known[this.#oldest] = { headers, isShared: false };
    this.#oldest = (this.#oldest + 1) % REMEMBERED;
    return headers;
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}
