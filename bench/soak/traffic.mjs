/** Makes the calls of the soak one by one, looks at what they bring, and keeps count. */
import { setTimeout as sleep } from 'node:timers/promises';
import { drawCall } from './draw.mjs';
import { filling, LARGEST } from './filling.mjs';

/** A call that has not come to its end after so many milliseconds never will. */
const HUNG = 60_000;
/**
 * An abort while the platform of Node 20 and 22 decodes a body that has arrived leaves its reader waiting for ever, with
 * its own fetch as with ours.
 */
const LOST = 3000;

/** Milliseconds for which a caller that was refused waits. */
const REFUSED = 20;
const REFUSALS = new Set(['CircuitOpenError', 'NoHealthyEndpointError', 'OverflowError']);

/**
 * @typedef {object} TrafficOptions
 * @property {import('../../dist/index.js').ResilientClient['fetch']} fetch
 * @property {(index: number) => () => number} randomOf chance for the call of that number
 * @property {string} across host and port of another origin that answers in the same way
 * @property {number} [largest] the largest body
 * @property {number} [pace] factor of all waits; with 1 they are 400 ms at most
 */

export class Traffic {
  calls = 0;
  /** Bytes of bodies that arrived in full and right. */
  bytes = 0;
  /** Calls by how they ended: 'read', 'partly read', 'left', or the name of the error. @type {Map<string, number>} */
  endings = new Map();
  /** How often each thing was drawn. @type {Map<string, number>} */
  drawn = new Map();
  /** Answers that were left lying and are not collected yet, in words. @type {Map<number, string>} */
  uncollected = new Map();
  /** What must not be. @type {string[]} */
  wrong = [];
  /** Never aborted, and given to many calls. */
  shared = new AbortController();

  #fetch;
  #randomOf;
  #draws;
  #collected = new FinalizationRegistry((/** @type {number} */ index) => {
    this.uncollected.delete(index);
  });

  /** @param {TrafficOptions} options */
  constructor({ fetch, randomOf, across, largest = LARGEST, pace = 1 }) {
    this.#fetch = fetch;
    this.#randomOf = randomOf;
    this.#draws = { shared: this.shared.signal, across, largest, pace };
  }

  /** One call from its beginning to its end. Does not reject. */
  async call() {
    const index = this.calls++;
    const drawn = drawCall(this.#randomOf(index), this.#draws);
    const { words, path, maySettleLate } = drawn;
    for (const word of words) count(this.drawn, word);
    const [time, name] =
      maySettleLate && words.includes('encoded') ? [LOST, 'lost by the platform'] : [HUNG, 'hung'];
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, time, name);
    });
    const running = this.#run(drawn, index).catch((/** @type {Error} */ error) => error.name);
    const ending = await Promise.race([running, patience]);
    clearTimeout(timer);
    count(this.endings, ending);
    // Refusals cost no time, and callers that ask again at once would do nothing else.
    if (REFUSALS.has(ending)) await sleep(REFUSED);
    if (ending === 'hung') this.wrong.push(`hung: ${words.join(', ')}, ${path}`);
  }

  /**
   * @param {import('./draw.mjs').Drawn} drawn
   * @param {number} index
   */
  async #run({ path, init, size, phase, later, controller, isLeft, read, words }, index) {
    const abort = () => controller.abort(new Error(`aborted ${String(phase)}`));
    if (phase === 'before') abort();
    const answering = this.#fetch(path, init);
    if (phase === 'at once') abort();
    else if (phase === 'soon') setImmediate(abort);
    else if (phase === 'later') setTimeout(abort, later).unref();
    const response = await answering;
    if (phase === 'at the head') abort();
    if (isLeft) {
      this.#collected.register(response, index);
      this.uncollected.set(index, [...words, path].join(', '));
    }
    const body = await read(response);
    if (phase === 'after the end') abort();
    if (response.headers.get('x-received-right') === 'false') {
      this.wrong.push(`what was sent did not arrive: ${words.join(', ')}, ${path}`);
    }
    if (body === undefined) return isLeft ? 'left' : 'partly read';
    if (response.status === 200 && init.method !== 'HEAD') this.#compare(body, size, words);
    return 'read';
  }

  /**
   * @param {Uint8Array | ArrayBuffer | string} body
   * @param {number} size
   * @param {readonly string[]} words
   */
  #compare(body, size, words) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(new Uint8Array(body));
    if (bytes.toString('latin1', 0, 12) === 'in its place') return;
    if (bytes.equals(filling(size))) this.bytes += bytes.length;
    else this.wrong.push(`read ${bytes.length} bytes in place of ${size}: ${words.join(', ')}`);
  }
}

/**
 * @param {Map<string, number>} counts
 * @param {string} word
 */
function count(counts, word) {
  counts.set(word, (counts.get(word) ?? 0) + 1);
}
