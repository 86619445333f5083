/** The JSON that a backend answers: fake-service's fields in its order. */
import type { FakeServiceOptions } from './options.js';
import type { Plan } from './plan.js';
import type { UpstreamCalls } from './upstreams.js';

/** When the request came, when its answer is made, and the milliseconds in between. */
export interface Times {
  readonly start: Date;
  readonly end: Date;
  readonly elapsed: number;
}

/** The body of an answer. One who calls nobody has an empty `upstream_calls`. */
export function answerTo(
  uri: string,
  options: FakeServiceOptions,
  plan: Plan,
  times: Times,
  upstreamCalls: UpstreamCalls = {},
): string {
  const { name, message = `Hello from ${name}` } = options;
  const who = { name, uri, type: 'HTTP', ip_addresses: ['127.0.0.1'] };
  const called = Object.keys(upstreamCalls).length > 0;
  const answer =
    plan.error === undefined
      ? {
          ...who,
          start_time: timestamp(times.start),
          end_time: timestamp(times.end),
          duration: goDuration(times.elapsed),
          body: message,
          upstream_calls: upstreamCalls,
          code: plan.code,
        }
      : {
          ...who,
          ...(called && { upstream_calls: upstreamCalls }),
          code: plan.code,
          error: plan.error,
        };
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
