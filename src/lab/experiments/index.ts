/** The experiments, in the chapter's order. A new one is a file of its own and a line here. */
import type { Experiment } from '../experiment.js';
import { allEjected } from './all-ejected.js';
import { connectionLimits } from './connection-limits.js';
import { defaultRetries } from './default-retries.js';
import { dnsChange } from './dns-change.js';
import { ejectionReturn } from './ejection-return.js';
import { hedging } from './hedging.js';
import { isolation } from './isolation.js';
import { loadBalancing } from './load-balancing.js';
import { locality } from './locality.js';
import { outlierDetection } from './outlier-detection.js';
import { perTryTimeout } from './per-try-timeout.js';
import { retriableStatusCodes } from './retriable-status-codes.js';
import { retryOn } from './retry-on.js';
import { retryStorm } from './retry-storm.js';
import { rollingDeployment } from './rolling-deployment.js';
import { timeout } from './timeout.js';
import { unsafeMethods } from './unsafe-methods.js';

export const experiments: readonly Experiment[] = [
  loadBalancing,
  timeout,
  defaultRetries,
  retryOn,
  retriableStatusCodes,
  unsafeMethods,
  perTryTimeout,
  hedging,
  retryStorm,
  connectionLimits,
  isolation,
  outlierDetection,
  ejectionReturn,
  allEjected,
  locality,
  rollingDeployment,
  dnsChange,
];
