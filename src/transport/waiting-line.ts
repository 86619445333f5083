/** Attempts that wait for a connection of their endpoint, first come, first served: p-queue over a list of ours. */
import PQueue, { type Queue, type QueueAddOptions } from 'p-queue';
import type { Attempt, Exchange } from '../core/attempt.js';
import * as drive from '../core/drive.js';
import { thrown } from '../core/settle.js';
import type { PooledConnection } from './pooled-connection.js';

type Run = () => Promise<unknown>;

interface Place extends QueueAddOptions {
  readonly waiter: Waiter;
  /** It has had its turn before. */
  readonly atFront: boolean;
}

/** One attempt in the line, which its call may take out again at any moment. */
class Waiter implements Exchange {
  /** Set when its turn has come; without it, it has left. */
  connection: PooledConnection | undefined = undefined;
  run: Run | undefined = undefined;
  before: Waiter | undefined = undefined;
  after: Waiter | undefined = undefined;

  constructor(
    readonly attempt: Attempt,
    private readonly line: WaitingLine,
  ) {}

  cancel(): void {
    this.line.leave(this);
  }

  // There is nothing to pause yet.
  pause(): void {}

  resume(): void {}
}

/** A linked list, so that leaving costs the same wherever one stands. */
class WaiterList implements Queue<Run, Place> {
  size = 0;
  first: Waiter | undefined = undefined;
  #last: Waiter | undefined = undefined;

  enqueue(run: Run, place?: Partial<Place>): void {
    const { waiter, atFront } = place as Place;
    waiter.run = run;
    this.#link(waiter, atFront ? undefined : this.#last, atFront ? this.first : undefined);
    this.size += 1;
  }

  unlink(waiter: Waiter): void {
    const { before, after } = waiter;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    waiter.before = waiter.after = undefined;
    this.size -= 1;
  }

  #link(waiter: Waiter, before: Waiter | undefined, after: Waiter | undefined): void {
    waiter.before = before;
    waiter.after = after;
    if (before === undefined) this.first = waiter;
    else before.after = waiter;
    if (after === undefined) this.#last = waiter;
    else after.before = waiter;
  }

  // The queue is paused for good: it is asked for none of these.
  dequeue(): undefined {}
  filter(): Run[] {
    return [];
  }
  setPriority(): void {}
}

export class WaitingLine {
  readonly #list = new WaiterList();
  readonly #queue: PQueue<WaiterList, Place>;
  readonly #left: () => void;

  /** `left` is called when somebody has gone away by himself. */
  constructor(left: () => void) {
    this.#left = left;
    const list = this.#list;
    // It starts nobody by itself: whose turn it is depends on what was freed.
    this.#queue = new PQueue({
      autoStart: false,
      queueClass: function () {
        return list;
      } as unknown as new () => WaiterList,
    });
  }

  get length(): number {
    return this.#list.size;
  }

  add(attempt: Attempt, atFront: boolean): void {
    const waiter = new Waiter(attempt, this);
    attempt.exchange = waiter;
    this.#queue
      .add(() => waiter.connection?.send(attempt), { waiter, atFront })
      .catch((error: unknown) => drive.fail(attempt, thrown(error, attempt)));
  }

  /** The attempt whose turn is next; it stays where it is. */
  get first(): Attempt | undefined {
    return this.#list.first?.attempt;
  }

  /** Its turn has come. */
  serveFirst(connection: PooledConnection): void {
    this.#take(connection);
  }

  /** Taken out by the pool. */
  dropFirst(): void {
    this.#take(undefined);
  }

  leave(waiter: Waiter): void {
    if (waiter.run === undefined) return;
    this.#list.unlink(waiter);
    this.#settle(waiter);
    this.#left();
  }

  #take(connection: PooledConnection | undefined): void {
    const waiter = this.#list.first;
    if (waiter === undefined) return;
    this.#list.unlink(waiter);
    waiter.connection = connection;
    this.#settle(waiter);
  }

  /** The queue runs what it was given, at once, and is done with it. */
  #settle(waiter: Waiter): void {
    const { run } = waiter;
    waiter.run = undefined;
    void run?.();
  }
}
