/** The `connectionPool` option: what a service may have at once, and how its connections live. */

/** Limits count over all endpoints of the service together, as in Envoy. */
export interface ConnectionPoolOptions {
  /**
   * Connections, those being opened included. A request that finds none free waits; every endpoint may have one
   * connection whatever the limit. A whole number from 1 to 4294967295, which is no limit.
   * @default 1024
   */
  readonly maxConnections?: number | undefined;
  /**
   * Attempts that wait for a connection, those included for which one is being opened. One more fails at once with
   * `OverflowError`. 0: nobody waits for a connection that is busy; who has one opened for him is let through;
   * 4294967295 is no limit.
   * @default 1024
   */
  readonly maxPendingRequests?: number | undefined;
  /**
   * Attempts that have a connection, until their bodies have ended. One more fails at once with `OverflowError`. A
   * whole number from 1 to 4294967295, which is no limit.
   * @default 1024
   */
  readonly maxRequests?: number | undefined;
  /**
   * So many requests are made on one connection, which closes after the last of them; 1 keeps none alive, 0 is no
   * limit.
   * @default 0 (no limit)
   */
  readonly maxRequestsPerConnection?: number | undefined;
  /**
   * Time for a connection: TLS included, and over HTTP/2 the server's settings. When it is over, all who wait at that
   * endpoint fail with `ConnectionError`.
   * @default '10s' (Istio's)
   */
  readonly connectTimeout?: number | string | undefined;
  /**
   * A connection without a request is closed after it; sooner when the server announces that it will close. 0 and
   * false are never.
   * @default '1h' (Envoy's)
   */
  readonly idleTimeout?: number | string | false | undefined;
  /**
   * The age at which a connection serves no further request; one under way is finished. 0 and false are none.
   * @default 0 (none)
   */
  readonly maxConnectionDuration?: number | string | false | undefined;
  /**
   * Whether HTTP/2 is offered to `https` endpoints (by ALPN). A server that does not choose it is spoken to in
   * HTTP/1.1. Then one connection serves many attempts at once: `maxConnections`, `maxRequestsPerConnection`,
   * `idleTimeout` and `maxConnectionDuration` mean connections as ever, and an attempt waits only when none has room.
   * @default false
   */
  readonly http2?: boolean | undefined;
  /**
   * Attempts at once on one connection of HTTP/2; fewer where the server allows fewer. A whole number from 1 to
   * 2147483647.
   * @default 100
   */
  readonly maxConcurrentStreams?: number | undefined;
  /**
   * Silence after which the system begins to ask whether the other side is still there; false: it never does.
   * @default {} (on, after 60 s)
   */
  readonly tcpKeepalive?:
    | false
    | {
        /**
         * Time without traffic before the first question, from '1s' to '9h6m7s', in whole seconds as the system has
         * it. How many questions follow, and how fast, is the system's: Node can set neither.
         * @default '60s'
         */
        readonly time?: number | string | undefined;
      }
    | undefined;
}
