/** Values under prefixes: which of them a text begins with takes as long as the longest such prefix, however many there are. */

export class PrefixTree<V> {
  readonly #root: Node<V> = { text: '', values: [], branches: new Map() };

  add(prefix: string, value: V): void {
    let node = this.#root;
    let rest = prefix;
    while (rest !== '') {
      const next = node.branches.get(rest.charCodeAt(0));
      if (next === undefined) {
        const leaf: Node<V> = { text: rest, values: [], branches: new Map() };
        node.branches.set(rest.charCodeAt(0), leaf);
        node = leaf;
        break;
      }
      const common = commonLength(next.text, rest);
      node = common === next.text.length ? next : split(node, next, common);
      rest = rest.slice(common);
    }
    node.values.push(value);
  }

  /**
   * What the step makes of the values of each prefix of the text that has any, the shortest first; a prefix has its values in
   * the order in which they were added.
   */
  fold<C, R>(
    text: string,
    step: (values: readonly V[], context: C, result: R) => R,
    context: C,
    start: R,
  ): R {
    let result = start;
    let node = this.#root;
    for (let at = 0; ; at += node.text.length) {
      if (node.values.length > 0) result = step(node.values, context, result);
      const next = node.branches.get(text.charCodeAt(at));
      if (next === undefined || !text.startsWith(next.text, at)) return result;
      node = next;
    }
  }
}

interface Node<V> {
  /** What leads to it from the one above. */
  readonly text: string;
  readonly values: V[];
  /** By the first character of their texts. */
  readonly branches: Map<number, Node<V>>;
}

/** Puts a node in between, where the branch has the first so many characters. */
function split<V>(above: Node<V>, branch: Node<V>, length: number): Node<V> {
  const rest = branch.text.slice(length);
  const lower: Node<V> = { ...branch, text: rest };
  const between: Node<V> = {
    text: branch.text.slice(0, length),
    values: [],
    branches: new Map([[rest.charCodeAt(0), lower]]),
  };
  above.branches.set(branch.text.charCodeAt(0), between);
  return between;
}

function commonLength(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}
