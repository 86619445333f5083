/** Tells the cluster how long heads take, where a hedge delay goes by that. */
import type { Cluster } from '../cluster/cluster.js';
import type { AttemptLayer } from '../core/layer.js';

export function headTimes(cluster: Cluster): AttemptLayer {
  return {
    name: 'head times',
    head(attempt) {
      cluster.headTimes?.record(attempt.headAt - attempt.startedAt, attempt.headAt);
    },
  };
}
