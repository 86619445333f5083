/** One call of the soak, drawn by chance: what is asked of the server, what is sent, how it is read, when it is given up. */
import { LARGEST } from './filling.mjs';
import { reads } from './reading.mjs';
import { bodies } from './sending.mjs';

const REDIRECTS = [301, 302, 303, 307, 308];
const STATUSES = [204, 304, 404, 429, 500, 503, 599];
const ENCODINGS = ['gzip', 'deflate', 'br'];
const METHODS = ['POST', 'POST', 'PUT', 'PATCH', 'DELETE'];
const PATHS = ['/orders/7', '/reports/9', '/'];
/** Sizes of bodies, most of them small, as in life. */
const SIZES = [0, 1, 200, 200, 200, 1000, 1000, 4000, 20_000, 65_536, 100_000, 300_000];
const LARGE = [1_000_000, LARGEST];

/** @typedef {'before' | 'at once' | 'soon' | 'later' | 'at the head' | 'after the end'} Phase */
/** @type {readonly Phase[]} */
const PHASES = ['before', 'at once', 'soon', 'later', 'later', 'at the head', 'after the end'];

/**
 * @typedef {object} Drawn
 * @property {string} path with what the server should do as its query
 * @property {any} init
 * @property {number} size of the answer's body
 * @property {Phase | undefined} phase in which it is aborted
 * @property {number} later milliseconds until then
 * @property {AbortController} controller
 * @property {boolean} maySettleLate its signal may abort it
 * @property {boolean} isLeft nobody reads the answer to its end
 * @property {(response: Response) => Promise<any>} read
 * @property {readonly string[]} words for all that
 */

/**
 * @param {() => number} random
 * @param {object} options
 * @param {AbortSignal} options.shared
 * @param {string} options.across host and port of another origin that answers in the same way
 * @param {number} options.largest bodies are no larger
 * @param {number} options.pace factor of all waits
 * @returns {Drawn}
 */
export function drawCall(random, { shared, across, largest, pace }) {
  /** @template T @param {readonly T[]} list @returns {T} */
  const oneOf = (list) => /** @type {T} */ (list[Math.floor(random() * list.length)]);
  const isLikely = (/** @type {number} */ share) => random() < share;
  const upTo = (/** @type {number} */ most) => Math.floor(random() * most);
  const drawSize = () => Math.min(isLikely(0.02) ? oneOf(LARGE) : oneOf(SIZES), largest);

  /** @type {string[]} */
  const words = [];
  const size = drawSize();
  const ask = new URLSearchParams({ size: String(size) });
  /** @type {any} */
  const init = {};
  const isLeft = isLikely(0.04);

  function drawRequest() {
    if (isLikely(0.07)) {
      init.method = oneOf(['HEAD', 'HEAD', 'OPTIONS', 'DELETE']);
    } else if (isLikely(0.25)) {
      const [name, { make, stream, wrapped }] = oneOf(Object.entries(bodies));
      words.push(`sent: ${name}`);
      init.method = oneOf(METHODS);
      init.body = make(drawSize());
      if (stream === true) init.duplex = 'half';
      if (wrapped !== true) ask.set('filled', '');
      if (isLikely(0.3)) init.headers = { 'idempotency-key': 'a key of the caller' };
    }
    if (isLikely(0.03)) init.keepalive = true;
  }

  function drawRedirect() {
    const isEndless = isLikely(0.02);
    ask.set('code', String(oneOf(REDIRECTS)));
    ask.set('hops', String(isEndless ? 25 : 1 + upTo(3)));
    // The platform warns of its own listeners when many hops have bodies that it has not read.
    if (!isEndless && isLikely(0.2)) ask.set('hopSize', '100000');
    if (isLikely(0.3)) ask.set('across', across);
    if (isLikely(0.2)) init.redirect = oneOf(['manual', 'error']);
  }

  /** @type {readonly (readonly [share: number, words: string, draw: () => void])[]} */
  const answers = [
    [42, 'plain', () => {}],
    [6, 'json or form', () => ask.set('as', oneOf(['json', 'form']))],
    [10, 'encoded', () => ask.set('encoding', oneOf(ENCODINGS))],
    [10, 'redirected', drawRedirect],
    [6, 'cut', drawCut],
    [
      8,
      'well at the second attempt',
      () => ask.set('first', oneOf(['503', 'reset', 'close', 'slow'])),
    ],
    [6, 'another status', drawStatus],
    [4, 'slow pieces', () => ask.set('pause', String(Math.ceil(random() * 3 * pace)))],
    [4, 'a slow head', () => ask.set('wait', String(100 + upTo(300 * pace)))],
    [4, 'an upload broken off', () => ask.set('upload', oneOf(['reset', 'unread']))],
  ];

  function drawCut() {
    ask.set('cut', String(upTo(size)));
    // Whoever leaves an answer lying would wait for the rest of it for ever.
    ask.set('by', oneOf(isLeft ? ['reset', 'close'] : ['reset', 'close', 'silence']));
  }

  function drawStatus() {
    ask.set('status', String(oneOf(STATUSES)));
    if (isLikely(0.3)) ask.set('fallback', '');
  }

  function drawAnswer() {
    let rest = random() * answers.reduce((sum, [share]) => sum + share, 0);
    const [, name, draw] = answers.find(([share]) => (rest -= share) < 0) ?? oneOf(answers);
    words.push(name);
    draw();
    if (isLikely(0.5)) ask.set('length', '');
    if (isLikely(0.05)) ask.set('close', '');
    if (!ask.has('wait') && isLikely(0.05)) ask.set('wait', String(upTo(60 * pace)));
  }

  function drawLimits() {
    const limit = random();
    if (isLeft) {
      // Nothing but its collection may give its connection back.
      init.resilience = { timeout: false, retry: { perTryIdleTimeout: false } };
    } else if (limit < 0.05) {
      words.push('a deadline');
      init.resilience = { timeout: `${10 + upTo(100)}ms` };
    } else if (limit < 0.1) {
      words.push('hedges');
      init.resilience = { hedge: { delay: '5ms', maxHedges: 2 } };
    } else if (limit < 0.13) {
      init.resilience = { retry: false, hedge: false };
    }
  }

  const controller = new AbortController();
  /** @type {Phase | undefined} */
  const phase = isLikely(0.15) ? oneOf(PHASES) : undefined;

  function drawSignal() {
    const signal = random();
    if (phase !== undefined) {
      words.push(`aborted ${phase}`);
      init.signal = controller.signal;
    } else if (signal < 0.4) {
      words.push('the shared signal');
      init.signal = shared;
    } else if (signal < 0.45 && !isLeft) {
      words.push('a signal with a time');
      init.signal = AbortSignal.timeout(20 + upTo(300 * pace));
    }
  }

  function drawReading() {
    if (isLeft) {
      const [name, leave] = oneOf(Object.entries(reads.left));
      words.push(name);
      return leave;
    }
    const as = ask.get('as');
    if (as !== null && init.method !== 'HEAD') return as === 'json' ? json : partOfForm;
    const [name, read] = oneOf(Object.entries(isLikely(0.8) ? reads.whole : reads.partly));
    words.push(name);
    return as === null ? read : (reads.partly['cancelled at once'] ?? read);
  }

  drawRequest();
  drawAnswer();
  drawLimits();
  drawSignal();
  const read = drawReading();
  return {
    path: `${oneOf(PATHS)}?${ask.toString()}`,
    init,
    size,
    phase,
    later: random() * 20 * pace,
    controller,
    maySettleLate: phase !== undefined || words.includes('a signal with a time'),
    isLeft,
    read,
    words,
  };
}

/** @param {Response} response */
function json(response) {
  return response.json();
}

/** @param {Response} response */
async function partOfForm(response) {
  return (await response.formData()).get('part');
}
