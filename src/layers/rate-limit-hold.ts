/** An endpoint that says when to come back is left alone until then by all calls, as long as there are others. */
import type { Cluster } from '../cluster/cluster.js';
import type { Endpoint } from '../cluster/endpoint.js';
import type { AttemptLayer } from '../core/layer.js';
import type { RateLimitHoldPolicy } from '../core/policy.js';
import { requestedBackoff } from './backoff.js';

/**
 * The time is what a retry of the call would wait: as long as was asked and up to half as much again, since the clients
 * that were refused together are not to come back together.
 */
export function rateLimitHold(cluster: Cluster, policy: RateLimitHoldPolicy): AttemptLayer {
  const { statusCodes, resetHeaders, maxTime } = policy;
  const asked = { resetHeaders, maxInterval: Number.POSITIVE_INFINITY };

  return {
    name: 'rate-limit hold',
    head({ status, rawHeaders, headAt, endpoint }) {
      if (!statusCodes.has(status)) return;
      const time = requestedBackoff(asked, rawHeaders, cluster.runtime);
      if (typeof time !== 'number') return;
      cluster.hold(endpoint as Endpoint, headAt + Math.min(time, maxTime));
    },
  };
}
