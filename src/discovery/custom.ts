/** Endpoint lists out of an async iterable, or out of a function that makes one, which can be begun again. */
import type {
  Discovery,
  DiscoveryHost,
  EndpointList,
  RunningDiscovery,
} from '../options/discovery.js';
import { BackOff } from './back-off.js';

/** Milliseconds before a function that has failed is called again: at first, and at the most. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** After so many lists everybody else has a turn: a source may have the next one at once, again and again. */
const IN_A_ROW = 100;

/** Where the lists of `custom()` come from. The signal is aborted when nobody wants any more. */
export type EndpointSource =
  | AsyncIterable<EndpointList>
  | ((
      signal: AbortSignal,
    ) => AsyncIterable<EndpointList> | PromiseLike<AsyncIterable<EndpointList>>);

export class CustomDiscovery implements Discovery {
  readonly name: string;
  readonly #source: EndpointSource;

  constructor(source: EndpointSource, name: string) {
    this.#source = source;
    this.name = name;
  }

  start(host: DiscoveryHost): RunningDiscovery {
    const following = new Following(this.#source, host);
    following.begin();
    return following;
  }
}

class Following implements RunningDiscovery {
  readonly #source: EndpointSource;
  readonly #host: DiscoveryHost;
  readonly #backOff: BackOff;
  readonly #controller = new AbortController();
  #isStopped = false;
  #iterator: AsyncIterator<EndpointList> | undefined = undefined;
  #lists = 0;
  #timer: unknown = undefined;

  constructor(source: EndpointSource, host: DiscoveryHost) {
    this.#source = source;
    this.#host = host;
    this.#backOff = new BackOff(host.runtime, FIRST_WAIT, LONGEST_WAIT);
  }

  begin(): void {
    void this.#follow();
  }

  stop(): void {
    this.#host.runtime.clearTimer(this.#timer);
    this.#isStopped = true;
    this.#controller.abort();
    this.#giveBack();
  }

  #giveBack(): void {
    const iterator = this.#iterator;
    // It may wait for ever for what comes next, and then nobody needs to know.
    void (async () => iterator?.return?.())().catch(() => undefined);
  }

  async #follow(): Promise<void> {
    // Not before the client is there, which the source may want to use.
    await Promise.resolve();
    if (this.#isOver()) return;
    try {
      const source = this.#source;
      const lists = typeof source === 'function' ? await source(this.#controller.signal) : source;
      const iterator = iteratorOf(lists);
      this.#iterator = iterator;
      if (this.#isOver()) {
        this.#giveBack();
        return;
      }
      for (;;) {
        const next = resultOf(await iterator.next());
        if (this.#isOver()) return;
        if (next.done === true) break;
        this.#backOff.reset();
        this.#host.update(next.value);
        this.#lists += 1;
        if (this.#lists % IN_A_ROW === 0) await this.#oneTurn();
      }
      if (this.#lists === 0) this.#host.failed(new Error('it has ended without a list'));
    } catch (error) {
      if (this.#isOver()) return;
      this.#host.failed(error);
      // An iterable that has thrown has nothing more to give.
      if (typeof this.#source !== 'function') return;
      const { runtime } = this.#host;
      this.#timer = runtime.setTimer(() => this.begin(), this.#backOff.next(), true);
    }
  }

  async #oneTurn(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#timer = this.#host.runtime.setTimer(resolve, 1, true);
    });
  }

  /** A function, because it changes while something is waited for. */
  #isOver(): boolean {
    return this.#isStopped;
  }
}

function iteratorOf(lists: unknown): AsyncIterator<EndpointList> {
  const make = (lists as Partial<AsyncIterable<EndpointList>> | undefined)?.[Symbol.asyncIterator];
  if (typeof make !== 'function') {
    throw new TypeError(
      'the function of custom() must return an async iterable of lists, as an async function* does',
    );
  }
  return make.call(lists);
}

function resultOf(given: unknown): IteratorResult<EndpointList, unknown> {
  if (typeof given === 'object' && given !== null) return given as IteratorResult<EndpointList>;
  throw new TypeError('next() of the source of custom() must give { value, done }');
}
