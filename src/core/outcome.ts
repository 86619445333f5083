/** An attempt as the user's own rules see it. */
import type { Attempt } from './attempt.js';
import type { AttemptOutcome } from './policy.js';
import { headersOf } from './raw-headers.js';

export function attemptOutcome(attempt: Attempt): AttemptOutcome {
  const { call, status, failure, rawHeaders } = attempt;
  let headers: Headers | undefined;
  return {
    method: call.method,
    path: call.path,
    attempt: attempt.number,
    status: status === 0 ? undefined : status,
    // Most rules look at the status alone.
    get headers() {
      return (headers ??= headersOf(rawHeaders));
    },
    failure: failure?.kind,
    cause: failure?.cause,
  };
}
