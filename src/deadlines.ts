/** Deadlines around the application's own work: all calls made meanwhile share the time that is left for it. */
import { OptionsError } from './core/errors.js';
import { systemRuntime, type Runtime } from './core/runtime.js';
import { runUnder } from './core/with-deadline.js';
import { LONGEST, parseDuration, readDuration, readTimeout } from './options/duration.js';
import { Place } from './options/place.js';
import { readRuntime } from './options/read-extensions.js';
import { readHeaderName } from './options/read-tokens.js';
import { list, object } from './options/readers.js';

export interface DeadlineOptions {
  /**
   * Whose clock counts: for tests, that of the clients.
   * @default the process's own
   */
  readonly runtime?: Runtime | undefined;
}

/**
 * Runs a function, and gives back what it returns. Every call of any client that is made in it, also after an `await` or
 * in a timer that was started there, has no more time than is left of the duration then: its `timeout.total` is cut
 * down to that. A call that is made when nothing is left fails at once with `TimeoutError` (`limit: 'deadline'`), without
 * an attempt; with 0 that holds for all. Within another deadline the sooner one holds. What else the function does is
 * not interrupted.
 * @param duration milliseconds, or text such as `'2s'`
 * @throws OptionsError when it is no duration
 */
export function withDeadline<T>(
  duration: number | string,
  fn: () => T,
  options: DeadlineOptions = {},
): T {
  const { runtime = systemRuntime } = options;
  return runUnder(runtime.now() + parseDuration(duration, 'duration'), runtime, fn);
}

/** How `incomingDeadline` finds the time of a request. */
export interface IncomingDeadlineOptions extends DeadlineOptions {
  /**
   * Headers that tell how many milliseconds the caller waits for the answer, a whole number from 1. Of several that are
   * there the least counts. A value that is none is ignored.
   * @default ['x-envoy-expected-rq-timeout-ms']
   */
  readonly headers?: readonly string[] | undefined;
  /**
   * Time for a request that brings none. Milliseconds, or text such as `'10s'`; 0 and false are none.
   * @default 0 (none)
   */
  readonly default?: number | string | false | undefined;
  /**
   * No request has more time than this, also one that brings none and has no `default`. Milliseconds, or text; 0 and
   * false are no limit.
   * @default 0 (no limit)
   */
  readonly max?: number | string | false | undefined;
  /**
   * Taken off the time of each request, for what is done after the last call: a caller that waits 500 ms has gone when
   * the answer leaves after 500 ms. Milliseconds, or text.
   * @default 0
   */
  readonly reserve?: number | string | undefined;
}

/** What is needed of a request; that of `node:http`, Express and Fastify has it. */
export interface IncomingRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Serves a request under its deadline: `next` is called at once. */
export type IncomingDeadline = (
  request: IncomingRequest,
  response: unknown,
  next: () => void,
) => void;

const fields = {
  headers: list(readHeaderName, "a list of header names, such as ['x-request-timeout-ms']"),
  default: readTimeout,
  max: readTimeout,
  reserve: readDuration,
  runtime: readRuntime,
};

const readOptions = object(fields, 'an object with options of the deadline');

/**
 * For servers: every call made while a request is served shares the time that its caller will wait. What comes back fits
 * Express and Connect (`app.use(incomingDeadline())`), the hooks of Fastify (`app.addHook('onRequest', incomingDeadline())`)
 * and plain `node:http` (`deadline(request, response, () => …)`). The time runs from when it first sees the request; it
 * may be registered again behind something that loses the async context, such as a parser of bodies.
 * @throws OptionsError naming every problem of the options
 */
export function incomingDeadline(options: IncomingDeadlineOptions = {}): IncomingDeadline {
  const at = new Place('', []);
  const read = readOptions(options, at);
  if (read === null || at.problems.length > 0) throw new OptionsError(at.problems);
  const { headers = ['x-envoy-expected-rq-timeout-ms'], runtime = systemRuntime } = read;
  const usual = orForEver(read.default);
  const max = orForEver(read.max);
  const reserve = read.reserve ?? 0;
  /** By the runtime's clock. */
  const deadlines = new WeakMap<IncomingRequest, number>();

  function deadlineOf(request: IncomingRequest): number {
    const time = Math.min(givenTime(request, headers) ?? usual, max);
    const deadline = runtime.now() + Math.max(time - reserve, 0);
    deadlines.set(request, deadline);
    return deadline;
  }

  return (request, _response, next) => {
    const deadline = deadlines.get(request) ?? deadlineOf(request);
    if (deadline === Number.POSITIVE_INFINITY) next();
    else runUnder(deadline, runtime, next);
  };
}

function orForEver(time = 0): number {
  return time === 0 ? Number.POSITIVE_INFINITY : time;
}

function givenTime(request: IncomingRequest, names: readonly string[]): number | undefined {
  let least: number | undefined;
  for (const name of names) {
    const value = request.headers[name];
    const time = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : 0;
    // Nobody who waits at all writes 0; with Envoy it stands for no limit.
    if (time > 0 && (least === undefined || time < least)) least = Math.min(time, LONGEST);
  }
  return least;
}
