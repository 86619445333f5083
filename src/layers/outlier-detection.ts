/** Tells outlier detection how each attempt went, as Envoy's router does (`updateOutlierDetection`). */
import type { Endpoint } from '../cluster/endpoint.js';
import type { OutlierDetection } from '../cluster/outlier-detection.js';
import type { Attempt } from '../core/attempt.js';
import type { AttemptLayer } from '../core/layer.js';
import { grpcStatus } from './grpc-status.js';

/** A failure on the way counts as one of these, unless such failures are kept apart. */
const UNAVAILABLE = 503;
const TOO_LATE = 504;

export function outlierDetection(outliers: OutlierDetection): AttemptLayer {
  return {
    name: 'outlier detection',
    connected(attempt) {
      outliers.connected(endpointOf(attempt));
    },
    head(attempt) {
      outliers.answered(endpointOf(attempt), grpcStatus(attempt) ?? attempt.status);
    },
    overdue(attempt) {
      // One that was let go on has been told of.
      if (!attempt.overdue) outliers.failed(endpointOf(attempt), TOO_LATE);
    },
    end(attempt) {
      if (attempt.failure === undefined) return;
      const status = statusOf(attempt);
      if (status !== undefined) outliers.failed(endpointOf(attempt), status);
    },
  };
}

/** What the end of an attempt counts as; undefined where it is not the endpoint's fault, or was told of before. */
function statusOf(attempt: Attempt): number | undefined {
  const { failure } = attempt;
  switch (failure?.kind) {
    case 'connect-failure':
    case 'reset':
    case 'refused-stream':
    case 'protocol-error':
      return UNAVAILABLE;
    case 'body-cut':
      // The rest of a dropped answer is of no use to anybody: Envoy does not wait for it.
      return attempt.call.answer === attempt ? UNAVAILABLE : undefined;
    case 'timeout':
      return isSilent(attempt) ? TOO_LATE : undefined;
    // A try's timeout has been told of when it was over.
    default:
      return undefined;
  }
}

/** It was on the endpoint to say something: its head, or the next piece of its body within the try's idle timeout. */
function isSilent({ connectedAt, headAt, overdue, failure }: Attempt): boolean {
  if (headAt !== -1) return failure?.limit?.option === 'retry.perTryIdleTimeout';
  return connectedAt !== -1 && !overdue;
}

function endpointOf({ endpoint }: Attempt): Endpoint {
  return endpoint as Endpoint;
}
