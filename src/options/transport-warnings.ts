/** Options of connections that say nothing where the connections are somebody else's. */
import { isDeepStrictEqual } from 'node:util';
import type { PoolPolicy } from '../cluster/limits.js';
import { defaultConnectionPool } from './read-connection-pool.js';
import type { Transport } from './transport.js';

export type TransportWarningCode =
  /** An option speaks of connections that are not the client's own. */
  'OUTRIGGER_POOL_OPTION_HAS_NO_EFFECT';

/** Whose the connections are. */
export type Carrier = Transport['kind'] | 'proxy';

export interface TransportWarning {
  readonly option: string;
  /** It follows the option. */
  readonly sentence: string;
}

/** A proxy's agents know no more of these. */
const OF_OUR_CONNECTIONS = [
  'maxRequestsPerConnection',
  'maxConnectionDuration',
  'tcpKeepalive',
] as const;

const ALSO_OF_THOSE_TO_A_PROXY = ['connectTimeout', 'idleTimeout', 'maxConcurrentStreams'] as const;

export function transportWarnings(pool: PoolPolicy, carrier: Carrier): TransportWarning[] {
  const usual = defaultConnectionPool();
  const without =
    carrier === 'proxy' ? OF_OUR_CONNECTIONS : [...OF_OUR_CONNECTIONS, ...ALSO_OF_THOSE_TO_A_PROXY];
  const what =
    carrier === 'proxy' ? 'what goes through the proxy' : `the connections behind '${carrier}'`;
  return without
    .filter((key) => !isDeepStrictEqual(pool[key], usual[key]))
    .map((key) => ({ option: `connectionPool.${key}`, sentence: `has no effect on ${what}` }));
}
