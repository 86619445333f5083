/** The circuit breaker of a service: a call that it refuses ends before its first attempt. */
import type { CircuitBreaker } from '../cluster/circuit-breaker.js';
import { circuitOpen } from '../core/failure.js';
import type { CallLayer } from '../core/layer.js';

/** Outside retries and hedges: a call counts once, however many attempts it makes. */
export function circuitBreaker(breaker: CircuitBreaker): CallLayer {
  return {
    name: 'circuit breaker',
    start(call) {
      const retryAfterMs = breaker.admit(call);
      return retryAfterMs === 0 ? undefined : circuitOpen(retryAfterMs);
    },
    end(call) {
      breaker.ended(call);
    },
  };
}
