/** The counters of a cluster, by Envoy's names: plain number fields, read out by `client.stats()`. */
export class Counters {
  upstream_cx_total = 0;
  upstream_cx_active = 0;
  upstream_cx_http1_total = 0;
  upstream_cx_http2_total = 0;
  upstream_cx_close_notify = 0;
  upstream_cx_connect_fail = 0;
  upstream_cx_connect_timeout = 0;
  upstream_cx_destroy = 0;
  upstream_cx_none_healthy = 0;
  lb_healthy_panic = 0;
  lb_recalculate_zone_structures = 0;
  lb_local_cluster_not_ok = 0;
  lb_zone_cluster_too_small = 0;
  lb_zone_routing_all_directly = 0;
  lb_zone_routing_sampled = 0;
  lb_zone_routing_cross_zone = 0;
  lb_zone_no_capacity_left = 0;
  upstream_cx_overflow = 0;
  upstream_cx_idle_timeout = 0;
  upstream_cx_max_duration_reached = 0;
  upstream_cx_max_requests = 0;
  upstream_rq_pending_total = 0;
  upstream_rq_pending_active = 0;
  upstream_rq_pending_overflow = 0;
  upstream_rq_pending_failure_eject = 0;
  upstream_rq_active_overflow = 0;
  upstream_rq_cancelled = 0;
  upstream_rq_rx_reset = 0;
  upstream_rq_total = 0;
  upstream_rq_active = 0;
  upstream_rq_completed = 0;
  upstream_rq_timeout = 0;
  upstream_rq_per_try_timeout = 0;
  upstream_rq_per_try_idle_timeout = 0;
  upstream_rq_retry = 0;
  upstream_rq_retry_success = 0;
  upstream_rq_retry_limit_exceeded = 0;
  upstream_rq_retry_overflow = 0;
  upstream_rq_retry_backoff_exponential = 0;
  upstream_rq_retry_backoff_ratelimited = 0;
  retry_or_shadow_abandoned = 0;
  /** Answers that were larger than `maxResponseBytes`; Envoy has no such thing. */
  response_too_large = 0;
  /** Attempts that a hedge delay added; Envoy has no such thing. */
  upstream_rq_hedge = 0;
  /** Answers of the user's `fallback`; Envoy has no such thing. */
  upstream_rq_fallback = 0;
  membership_change = 0;
  update_attempt = 0;
  update_success = 0;
  update_failure = 0;
  update_empty = 0;
  update_no_rebuild = 0;
  /** Times that an endpoint was put on hold for what it has asked for; Envoy has no such thing. */
  endpoint_held_total = 0;
  /** Final answers by status, the client's own included. */
  readonly #codes = new Map<number, number>();
  /** Answers that were retried, by status. */
  readonly #retriedCodes = new Map<number, number>();
  /** Further attempts that were wanted and not made, by reason. */
  readonly #notMade = new Map<string, number>();

  completed(status: number): void {
    this.upstream_rq_completed += 1;
    count(this.#codes, status);
  }

  retried(status: number): void {
    count(this.#retriedCodes, status);
  }

  retryNotMade(reason: string): void {
    count(this.#notMade, reason);
  }

  /**
   * Every counter, with `upstream_rq_<code>` and `upstream_rq_<N>xx` for each status that occurred, the same under
   * `retry.` for answers that were retried, and `retry_not_made.<reason>`.
   */
  read(): Record<string, number> {
    const all: Record<string, number> = { ...(this as object) };
    addCodes(all, this.#codes, '');
    addCodes(all, this.#retriedCodes, 'retry.');
    for (const [reason, times] of this.#notMade) all[`retry_not_made.${reason}`] = times;
    return all;
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function addCodes(
  all: Record<string, number>,
  codes: ReadonlyMap<number, number>,
  prefix: string,
): void {
  for (const [status, times] of codes) {
    all[`${prefix}upstream_rq_${status}`] = times;
    const group = `${prefix}upstream_rq_${Math.floor(status / 100)}xx`;
    all[group] = (all[group] ?? 0) + times;
  }
}
