/** What the active health checks of a cluster do, and what a single check finds. */

/** After validation: times in milliseconds. */
export interface HealthCheckPolicy {
  readonly probe: ProbePolicy;
  /** A check that has no result by then has failed. */
  readonly timeout: number;
  readonly interval: number;
  /** Added to a wait: up to so many milliseconds, and up to so many percent of it. */
  readonly intervalJitter: number;
  readonly intervalJitterPercent: number;
  /** The first check is made after up to so long. */
  readonly initialJitter: number;
  /** Failures in a row that make an endpoint unhealthy, and successes in a row that make it healthy. */
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  /** While the cluster has never been used: after a check in general, and after one that leaves an endpoint healthy. */
  readonly noTrafficInterval: number;
  readonly noTrafficHealthyInterval: number;
  /** After a failure: of an endpoint that is unhealthy, and of one that is about to be. */
  readonly unhealthyInterval: number;
  readonly unhealthyEdgeInterval: number;
  /** After a success of an endpoint that is about to be healthy. */
  readonly healthyEdgeInterval: number;
}

/** How an endpoint is asked. */
export type ProbePolicy = HttpProbePolicy | TcpProbePolicy;

export interface HttpProbePolicy {
  readonly kind: 'http';
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  /** Of the `Host` header; undefined for the service's own. */
  readonly host: string | undefined;
  /** Further headers, by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly expectedStatuses: readonly StatusRange[];
  /** Failures that count toward the threshold, where any other answer makes unhealthy at once. */
  readonly retriableStatuses: readonly StatusRange[];
}

/** A connection is enough, with TLS where the endpoint has it. */
export interface TcpProbePolicy {
  readonly kind: 'tcp';
}

/** Both ends belong to it. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** What came of asking an endpoint. */
export type ProbeResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** It says `x-envoy-degraded`, with whatever value. */
      readonly isDegraded: boolean;
    }
  | { readonly kind: 'connected' }
  /** No connection, or no whole answer. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Asks an endpoint; calls back once, later, unless it is cancelled before by calling what it gives back. */
export type Prober = (
  url: string,
  probe: ProbePolicy,
  done: (result: ProbeResult) => void,
) => () => void;

/** What a check means for its endpoint. */
export interface Finding {
  readonly kind: 'passed' | 'failed' | 'network-failure';
  /** A failure that takes the endpoint out at once, whatever the threshold. */
  readonly isFatal: boolean;
  /** A success of an endpoint that would rather not have calls. */
  readonly isDegraded: boolean;
  /** In words: `200`, `200, degraded`, `503`, `connected`, `connection refused`, `timeout`. */
  readonly reason: string;
}

/** The time of the check was over. */
export const TIMED_OUT: Finding = failure('network-failure', 'timeout');

export function findingOf(probe: ProbePolicy, result: ProbeResult): Finding {
  switch (result.kind) {
    case 'connected':
      return success('connected', false);
    case 'failed':
      return failure('network-failure', result.reason);
    case 'answered':
      return judged(probe, result.status, result.isDegraded);
  }
}

/** An expected status is one even where it is retriable, too. */
function judged(probe: ProbePolicy, status: number, isDegraded: boolean): Finding {
  const reason = `${status}`;
  const isAmong = (ranges: readonly StatusRange[]): boolean =>
    ranges.some(({ from, to }) => from <= status && status <= to);
  if (probe.kind === 'tcp' || isAmong(probe.expectedStatuses)) {
    return success(isDegraded ? `${reason}, degraded` : reason, isDegraded);
  }
  return failure('failed', reason, !isAmong(probe.retriableStatuses));
}

function success(reason: string, isDegraded: boolean): Finding {
  return { kind: 'passed', isFatal: false, isDegraded, reason };
}

function failure(kind: 'failed' | 'network-failure', reason: string, isFatal = false): Finding {
  return { kind, isFatal, isDegraded: false, reason };
}
