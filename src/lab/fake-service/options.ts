/** What a backend of the lab is told: the environment variables of the chapter's `fake-service`. */
import type { ClientOptions } from '../../index.js';

/** What it does with a request; it can be changed while the backend runs. Times in milliseconds. */
export interface Behaviour {
  /** MESSAGE; default `Hello from NAME`. */
  readonly message?: string;
  /** TIMING_50_PERCENTILE: what nine of ten answers take; default 0. */
  readonly timing50Percentile?: number;
  /** TIMING_90_PERCENTILE: what nine of a hundred take; default as the one above. */
  readonly timing90Percentile?: number;
  /** TIMING_99_PERCENTILE: what one of a hundred takes; default as the one above. */
  readonly timing99Percentile?: number;
  /** TIMING_VARIANCE: up to so many per cent are added to each answer's time; default 0. */
  readonly timingVariance?: number;
  /** ERROR_RATE: the share of requests that fail, 0 to 1; default 0. */
  readonly errorRate?: number;
  /**
   * ERROR_TYPE: an error's answer at once; or after `errorDelay`; or, which fake-service has not, no answer: the
   * connection is reset once the whole request has been received, and counted. Default `http_error`.
   */
  readonly errorType?: 'http_error' | 'delay' | 'reset';
  /** ERROR_CODE; default 500. */
  readonly errorCode?: number;
  /** ERROR_DELAY, for the types `delay` and `reset`; default 0. */
  readonly errorDelay?: number;
}

/** What the calls of a backend to its upstreams are held to: options of the client, as far as they are plain data. */
export type UpstreamOptions = Pick<ClientOptions, 'timeout' | 'retry' | 'hedge'>;

export interface FakeServiceOptions extends Behaviour {
  /** NAME */
  readonly name: string;
  /** UPSTREAM_URIS: what it calls, one after the other, for each request that does not fail of itself; default none. */
  readonly upstreamUris?: readonly string[];
  /** Default: those of the client. */
  readonly upstreamOptions?: UpstreamOptions;
  /** Seed of the chance behind variance, percentiles, errors and back-off; default 1. */
  readonly seed?: number;
}
