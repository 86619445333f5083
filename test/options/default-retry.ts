/** The retries that hold when nothing is said of them. */
import { expect } from 'vitest';
import type { RetryPolicy } from '../../src/core/policy.js';
import { retryPolicy } from '../core/scripted-upstream.js';

/** Beside it a policy may remember what it was made of. */
export const DEFAULT_RETRY = expect.objectContaining(
  retryPolicy({
    words: new Set(['connect-failure', 'refused-stream', 'reset', 'retriable-status-codes']),
  }),
) as RetryPolicy;
