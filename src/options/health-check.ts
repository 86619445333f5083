/** The `healthCheck` option: endpoints are asked from time to time whether they are well, whoever calls them. */

/** A status code, or text with both ends of a range: `'200-299'`. */
export type StatusCodes = number | string;

/**
 * Active health checks, as in Envoy. `path` asks by HTTP, `tcp: true` by a mere connection; one of them must be given.
 * The defaults of `interval`, `timeout` and the thresholds are those of a Kubernetes probe, since Envoy has none; the
 * others are Envoy's.
 */
export interface HealthCheckOptions {
  /** What is requested of each endpoint, by HTTP/1.1: `/healthz`. It may have a query. Not together with `tcp`. */
  readonly path?: string | undefined;
  /**
   * True: an endpoint that takes a connection, and for `https` a TLS handshake, is well. Not together with the options
   * of HTTP.
   * @default false
   */
  readonly tcp?: boolean | undefined;
  /**
   * The `Host` header.
   * @default the service's host, with its port unless that is the scheme's own
   */
  readonly host?: string | undefined;
  /**
   * The method of the request: `'GET'` or `'HEAD'`.
   * @default 'GET'
   */
  readonly method?: 'GET' | 'HEAD' | undefined;
  /**
   * Further headers of the request. False leaves out one that the client's options have.
   * @default {}
   */
  readonly headers?: Readonly<Record<string, string | false>> | undefined;
  /**
   * Answers that pass: status codes from 200 to 599, and ranges of them.
   * @default [200]
   */
  readonly expectedStatuses?: readonly StatusCodes[] | undefined;
  /**
   * Answers that fail as a timeout does, and count toward `unhealthyThreshold`. Any other answer makes an endpoint
   * unhealthy at once. A status that is expected, too, passes.
   * @default []
   */
  readonly retriableStatuses?: readonly StatusCodes[] | undefined;
  /**
   * Time for one check, from its connection to the end of the answer. Milliseconds, or text such as `'1s'`; above 0.
   * @default '1s'
   */
  readonly timeout?: number | string | undefined;
  /**
   * The wait after a check before the next one. Milliseconds, or text; above 0.
   * @default '10s'
   */
  readonly interval?: number | string | undefined;
  /**
   * Each wait is longer by a random time up to this one. Milliseconds, or text.
   * @default 0
   */
  readonly intervalJitter?: number | string | undefined;
  /**
   * Each wait is also longer by a random part of itself, up to so many percent: 0, or from 1 to 100.
   * @default 0
   */
  readonly intervalJitterPercent?: number | undefined;
  /**
   * The first check of an endpoint is made after a random time up to this one. Milliseconds, or text.
   * @default 0
   */
  readonly initialJitter?: number | string | undefined;
  /**
   * Checks in a row that must time out, find no connection or meet `retriableStatuses` before an endpoint is
   * unhealthy. A whole number from 1. The first check of an endpoint decides alone.
   * @default 3
   */
  readonly unhealthyThreshold?: number | undefined;
  /**
   * Checks in a row that must pass before an unhealthy endpoint is healthy again. A whole number from 1. The first check
   * of an endpoint decides alone.
   * @default 1
   */
  readonly healthyThreshold?: number | undefined;
  /**
   * The wait while no call has ever been made to the service.
   * @default '60s'
   */
  readonly noTrafficInterval?: number | string | undefined;
  /**
   * The same for endpoints that are healthy.
   * @default `noTrafficInterval`
   */
  readonly noTrafficHealthyInterval?: number | string | undefined;
  /**
   * The wait after a failed check of an endpoint that is unhealthy.
   * @default `interval`
   */
  readonly unhealthyInterval?: number | string | undefined;
  /**
   * The wait after a failed check that has not yet made its endpoint unhealthy.
   * @default `unhealthyInterval`
   */
  readonly unhealthyEdgeInterval?: number | string | undefined;
  /**
   * The wait after a check that has passed and not yet made its endpoint healthy.
   * @default `interval`
   */
  readonly healthyEdgeInterval?: number | string | undefined;
}
