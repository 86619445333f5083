/**
 * A backend that behaves like the chapter's `fake-service` (nicholasjackson/fake-service) without upstreams: it takes
 * the time it is told to take, fails as often as it is told to fail, and answers JSON that says who it is.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { seededRandom } from '../testing/index.js';

/** The environment variables of fake-service; times in milliseconds. */
export interface FakeServiceOptions {
  /** NAME */
  readonly name: string;
  /** MESSAGE; default `Hello from NAME`. */
  readonly message?: string;
  /** TIMING_50_PERCENTILE: what nine of ten answers take; default 0. */
  readonly timing50Percentile?: number;
  /** TIMING_90_PERCENTILE: what nine of a hundred take; default as the one above. */
  readonly timing90Percentile?: number;
  /** TIMING_99_PERCENTILE: what one of a hundred takes; default as the one above. */
  readonly timing99Percentile?: number;
  /** TIMING_VARIANCE: up to so many per cent are added to each answer's time; default 0. */
  readonly timingVariance?: number;
  /** ERROR_RATE: the share of requests that fail, 0 to 1; default 0. */
  readonly errorRate?: number;
  /** ERROR_TYPE: fail at once, or after `errorDelay`; default `http_error`. */
  readonly errorType?: 'http_error' | 'delay';
  /** ERROR_CODE; default 500. */
  readonly errorCode?: number;
  /** ERROR_DELAY, for the type `delay`; default 0. */
  readonly errorDelay?: number;
  /** Seed of the chance behind variance, percentiles and errors; default 1. */
  readonly seed?: number;
}

/** What will be done with one request. */
export interface Plan {
  /** Milliseconds from the request's arrival to its answer. */
  readonly delay: number;
  readonly code: number;
  readonly error?: string;
}

/**
 * Decides what is done with the next request. As in fake-service, an error is decided on first and then takes no time
 * but its own delay; otherwise the variance is drawn and then the percentile.
 */
export function planAnswer(options: FakeServiceOptions, random: () => number): Plan {
  const errorRate = options.errorRate ?? 0;
  if (errorRate > 0 && random() < errorRate) {
    const code = options.errorCode ?? 500;
    return options.errorType === 'delay'
      ? { delay: options.errorDelay ?? 0, code, error: 'Service delay automatically injected' }
      : { delay: 0, code, error: 'Service error automatically injected' };
  }
  const variance = options.timingVariance ?? 0;
  const added = variance > 0 ? random() * variance : 0;
  return { delay: drawTime(options, random) * (1 + added / 100), code: 200 };
}

function drawTime(options: FakeServiceOptions, random: () => number): number {
  const half = options.timing50Percentile ?? 0;
  const most = options.timing90Percentile ?? half;
  const nearlyAll = options.timing99Percentile ?? most;
  if (half === most && most === nearlyAll) return half;
  const drawn = random() * 100;
  if (drawn < 90) return half;
  return drawn < 99 ? most : nearlyAll;
}

/** The answer's JSON: fake-service's fields in its order. A leaf has called nobody, so `upstream_calls` is empty. */
export function answerTo(
  uri: string,
  options: FakeServiceOptions,
  plan: Plan,
  times: { readonly start: Date; readonly end: Date; readonly elapsed: number },
): string {
  const { name, message = `Hello from ${name}` } = options;
  const who = { name, uri, type: 'HTTP', ip_addresses: ['127.0.0.1'] };
  const answer =
    plan.error === undefined
      ? {
          ...who,
          start_time: timestamp(times.start),
          end_time: timestamp(times.end),
          duration: goDuration(times.elapsed),
          body: message,
          upstream_calls: {},
          code: plan.code,
        }
      : { ...who, code: plan.code, error: plan.error };
  return `${JSON.stringify(answer, undefined, 2)}\n`;
}

/** `2006-01-02T15:04:05.000000`, in UTC. */
function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000`;
}

/** Milliseconds as Go prints a duration below a minute: `1.000213s`, `150.5ms`, `87µs`. */
export function goDuration(ms: number): string {
  const trim = (value: number, places: number) => String(Number(value.toFixed(places)));
  if (ms >= 1000) return `${trim(ms / 1000, 6)}s`;
  if (ms >= 1) return `${trim(ms, 3)}ms`;
  return ms > 0 ? `${trim(ms * 1000, 0)}µs` : '0s';
}

export interface FakeService {
  readonly name: string;
  readonly port: number;
  /** How many requests have arrived. */
  readonly received: number;
  /** Cuts every connection. */
  stop(): Promise<void>;
}

/**
 * Starts one on a free port of the loopback interface.
 * @throws whatever the system says when it cannot listen.
 */
export async function startFakeService(options: FakeServiceOptions): Promise<FakeService> {
  const random = seededRandom(options.seed ?? 1);
  let received = 0;
  const server = createServer((request, response) => {
    received += 1;
    serve(options, planAnswer(options, random), request, response);
  });
  // A connection that idles between two calls must not be closed under the client.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    name: options.name,
    port: (server.address() as AddressInfo).port,
    get received() {
      return received;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serve(
  options: FakeServiceOptions,
  plan: Plan,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const start = new Date();
  const arrived = performance.now();
  const uri = request.url ?? '/';
  request.resume();
  let timer: NodeJS.Timeout | undefined;
  response.once('close', () => clearTimeout(timer));

  const answer = (): void => {
    const elapsed = performance.now() - arrived;
    if (elapsed < plan.delay) {
      // Node's timers may fire up to a millisecond early; an answer never comes early here.
      timer = setTimeout(answer, Math.ceil(plan.delay - elapsed));
      return;
    }
    response.writeHead(plan.code, { 'content-type': 'application/json' });
    response.end(answerTo(uri, options, plan, { start, end: new Date(), elapsed }));
  };
  answer();
}
