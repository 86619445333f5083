/** Makes the call of a request: at the cluster that its route leads to, under the policy that holds for it. */
import type { Cluster } from '../cluster/cluster.js';
import { BodySource, type RequestBody } from '../core/body.js';
import { Call, type Overrides, type WireOptions } from '../core/call.js';
import { underDeadline } from '../core/with-deadline.js';
import type { Receiver } from '../core/reply.js';
import { BoundedReceiver } from './bounded-receiver.js';

/** Bytes of a streamed body that are kept where the policy has no word on it: as the default of `maxBufferedBytes`. */
const KEPT_WITHOUT_RETRY = 1024 * 1024;

export function newCall(
  cluster: Cluster,
  receiver: Receiver,
  overrides: Overrides | undefined,
  method: string,
  path: string,
  headers: readonly string[],
  body: RequestBody | null,
  wire: WireOptions | undefined,
): Call {
  const way = cluster.router?.wayOf(method, path, headers);
  const target = way === undefined ? cluster : way.cluster;
  const { usual } = target.chains;
  const policy = way === undefined ? usual.policy : way.policy;
  const own = underDeadline(overrides === undefined ? policy : overrides.apply(policy));
  const chain = own === policy ? (way?.chain ?? usual) : target.chains.for(own);
  const { maxResponseBytes = 0 } = own;
  const bounded =
    maxResponseBytes > 0 ? new BoundedReceiver(receiver, maxResponseBytes) : undefined;
  const call = new Call(
    chain,
    bounded ?? receiver,
    method,
    path,
    headers,
    body,
    wire,
    own,
    way?.route,
  );
  if (bounded !== undefined) bounded.call = call;
  if (body instanceof BodySource) {
    body.keep(own.retry?.maxBufferedBytes ?? KEPT_WITHOUT_RETRY, () => {
      target.counters.retry_or_shadow_abandoned += 1;
    });
  }
  return call;
}
