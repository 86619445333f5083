/** The second argument of `client.fetch`. */
import type { RequestOverrides } from '../options/options.js';
import type { BodyFunction } from './body-init.js';

/** `init` of `client.fetch`: the platform's, and what holds for this call alone. */
export interface ResilientRequestInit extends Omit<RequestInit, 'body'> {
  /**
   * As fetch's own; or a function that makes it, which is called for each attempt, so that a stream can be sent again
   * however long it is. Each result brings its content type, where no header gives one.
   */
  readonly body?: RequestInit['body'] | BodyFunction;
  /** Options of this call, in place of those of its service. */
  readonly resilience?: RequestOverrides;
}
