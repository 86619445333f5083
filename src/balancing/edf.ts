/** Earliest deadline first: hands out entries in proportion to weights that may change at any time. */

/** Envoy takes pre-picks modulo this number; positions in a schedule wrap at it. */
export const PRE_PICK_LIMIT = 429_496_729;

/** Numbers per node of the heap: deadline, order, entry. Side by side, so that a node is one place in memory. */
const STRIDE = 3;

/** The schedule that another one goes on from. */
export interface Predecessor {
  readonly schedule: EdfScheduler;
  /** Which entry of that schedule an entry is; undefined for one that is new. */
  readonly entryOf: (entry: number) => number | undefined;
  /** How much of its first turn a new one has to wait: from 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/**
 * The scheduler of Envoy's weighted policies (`source/common/upstream/edf_scheduler.h`): an entry of weight `w` is
 * due again `1 / w` after it was picked, the entry that is due first is picked, and entries that are due together
 * are picked first in, first out. Time is counted in rounds, not in seconds: in one unit of it every entry is picked
 * as often as its weight says.
 */
export class EdfScheduler {
  /** A binary heap; the time is the deadline of the entry that was picked last. */
  private readonly heap: Float64Array;
  /** By entry, from its last pick to its deadline: what its weight was then. */
  private readonly turns: Float64Array;
  private order = 0;

  /**
   * @param size how many entries there are, at least 1; they are known by the numbers from 0
   * @param weightOf the weight that an entry has now, above 0; asked again whenever the entry is picked
   * @param start starts as if so many picks had been made and thrown away, in a time that depends on `size` alone; or
   *   where another schedule stands
   */
  constructor(
    private readonly size: number,
    private readonly weightOf: (entry: number) => number,
    start: number | Predecessor = 0,
  ) {
    this.heap = new Float64Array(size * STRIDE);
    this.turns = new Float64Array(size);
    const left =
      typeof start === 'number' ? this.share(start % PRE_PICK_LIMIT) : this.follow(start);
    for (let node = (size >> 1) - 1; node >= 0; node--) this.settle(node * STRIDE);
    for (let i = 0; i < left; i++) this.pick();
  }

  /** The entry that is due; it is put back with the weight it has at this moment. */
  pick(): number {
    const { heap } = this;
    const entry = heap[2] as number;
    const turn = 1 / this.weightOf(entry);
    this.turns[entry] = turn;
    heap[0] = (heap[0] as number) + turn;
    heap[1] = this.order++;
    this.settle(0);
    return entry;
  }

  /** Gives every entry its whole share of the picks, and the deadline it has after them; returns the picks left over. */
  private share(picks: number): number {
    const { size } = this;
    const weights = Array.from({ length: size }, (_, entry) => this.weightOf(entry));
    const weight = (entry: number) => weights[entry] as number;
    const sum = weights.reduce((total, one) => total + one, 0);
    // Of entries that are due together the lighter one has waited longer.
    const byWeight = [...weights.keys()].sort((a, b) => weight(a) - weight(b));
    let left = picks;
    byWeight.forEach((entry, rank) => {
      // A remainder is exact where a quotient is rounded, so that a whole share stays whole.
      const product = weight(entry) * picks;
      const picked = Math.round((product - (product % sum)) / sum);
      left -= picked;
      this.turns[entry] = 1 / weight(entry);
      this.put(entry * STRIDE, (picked + 1) / weight(entry), rank - size, entry);
    });
    return left;
  }

  /**
   * Every entry has as much of its turn behind it as before, with the weight it has now. A new one begins anywhere in
   * its turn: such that go and come back again and again would otherwise always be first, or always be last.
   */
  private follow({ schedule, entryOf, random }: Predecessor): number {
    const before = schedule.heap;
    const now = before[0] as number;
    const nodes = new Uint32Array(schedule.size);
    for (let node = 0; node < before.length; node += STRIDE) {
      nodes[before[node + 2] as number] = node;
    }
    this.order = schedule.order;
    for (let entry = 0; entry < this.size; entry++) {
      const turn = 1 / this.weightOf(entry);
      this.turns[entry] = turn;
      const known = entryOf(entry);
      if (known === undefined) {
        this.put(entry * STRIDE, now + random() * turn, this.order++, entry);
        continue;
      }
      const node = nodes[known] as number;
      const deadline = before[node] as number;
      const scale = turn / (schedule.turns[known] as number);
      // With the same weight exactly the same deadline: those that are due together stay so.
      const next = scale === 1 ? deadline : now + (deadline - now) * scale;
      this.put(entry * STRIDE, next, before[node + 1] as number, entry);
    }
    return 0;
  }

  /**
   * Puts the node of a place where it belongs below that place. It first goes all the way down and then climbs: one
   * that was just picked belongs far down, so this saves a comparison per level.
   */
  private settle(top: number): void {
    const { heap } = this;
    const end = heap.length;
    const deadline = heap[top] as number;
    const order = heap[top + 1] as number;
    const entry = heap[top + 2] as number;
    let at = top;
    for (let child = at * 2 + STRIDE; child < end; child = at * 2 + STRIDE) {
      const right = child + STRIDE;
      if (right < end) child += STRIDE * this.isFirst(right, child);
      this.move(child, at);
      at = child;
    }
    this.put(at, deadline, order, entry);
    while (at > top) {
      const parent = ((at / STRIDE - 1) >> 1) * STRIDE;
      if (this.isFirst(parent, at) === 1) return;
      this.move(parent, at);
      this.put(parent, deadline, order, entry);
      at = parent;
    }
  }

  /** 1 when node `a` is due before node `b`, else 0: a number, since no processor can guess the way a branch would go. */
  private isFirst(a: number, b: number): number {
    const { heap } = this;
    const one = heap[a] as number;
    const other = heap[b] as number;
    const older = Number((heap[a + 1] as number) < (heap[b + 1] as number));
    return Number(one < other) | (Number(one === other) & older);
  }

  private move(from: number, to: number): void {
    const { heap } = this;
    this.put(to, heap[from] as number, heap[from + 1] as number, heap[from + 2] as number);
  }

  private put(at: number, deadline: number, order: number, entry: number): void {
    const { heap } = this;
    heap[at] = deadline;
    heap[at + 1] = order;
    heap[at + 2] = entry;
  }
}
