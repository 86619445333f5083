/** The counters of a cluster, by Envoy's names: plain number fields, read out by `client.stats()`. */
export class Counters {
  upstream_cx_total = 0;
  upstream_cx_active = 0;
  upstream_cx_http1_total = 0;
  upstream_cx_connect_fail = 0;
  upstream_cx_connect_timeout = 0;
  upstream_cx_destroy = 0;
  upstream_cx_none_healthy = 0;
  upstream_rq_total = 0;
  upstream_rq_active = 0;
  upstream_rq_completed = 0;
  upstream_rq_timeout = 0;
  membership_change = 0;
  /** Final answers by status, the client's own included. */
  readonly #codes = new Map<number, number>();

  completed(status: number): void {
    this.upstream_rq_completed += 1;
    this.#codes.set(status, (this.#codes.get(status) ?? 0) + 1);
  }

  /** Every counter, with `upstream_rq_<code>` and `upstream_rq_<N>xx` for each status that occurred. */
  read(): Record<string, number> {
    const all: Record<string, number> = { ...(this as object) };
    for (const [status, count] of this.#codes) {
      all[`upstream_rq_${status}`] = count;
      const group = `upstream_rq_${Math.floor(status / 100)}xx`;
      all[group] = (all[group] ?? 0) + count;
    }
    return all;
  }
}
