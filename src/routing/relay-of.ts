/** The relay of a client whose options say that the connections are somebody else's. */
import type { Transport } from '../options/transport.js';
import { DispatcherRelay } from '../transport/dispatcher-relay.js';
import { FetchRelay } from '../transport/fetch-relay.js';
import type { Relay } from '../transport/relay.js';

export function relayOf(transport: Transport | undefined): Relay | undefined {
  if (transport === undefined) return undefined;
  return transport.kind === 'fetch'
    ? new FetchRelay(transport.fetch)
    : new DispatcherRelay(transport.dispatcher);
}
