/** The retries that hold when nothing is said of them. */
import { expect } from 'vitest';
import type { RetryPolicy } from '../../src/core/policy.js';

/** Beside it a policy may remember what it was made of. */
export const DEFAULT_RETRY = expect.objectContaining({
  attempts: 2,
  words: new Set(['connect-failure', 'refused-stream', 'reset', 'retriable-status-codes']),
  statusCodes: new Set([503]),
  headers: [],
  rules: [],
  perTryTimeout: 0,
  perTryIdleTimeout: 0,
  backoff: { baseInterval: 25, maxInterval: 250 },
  rateLimitedBackoff: {
    resetHeaders: [
      { name: 'retry-after', format: 'seconds' },
      { name: 'x-ratelimit-reset', format: 'unix-timestamp' },
    ],
    maxInterval: 300_000,
  },
  methods: new Set(),
  retryUnsafeMethods: false,
  idempotencyKey: false,
  notProcessed: undefined,
  maxBufferedBytes: 1_048_576,
  ignorePreviousHosts: true,
  budget: { percent: 20, minRetryConcurrency: 3, interval: 0 },
  maxRetries: Infinity,
} satisfies RetryPolicy) as RetryPolicy;
