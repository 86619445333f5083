/** Where the calls of a cluster go by where its endpoints are, in words. */
import type { Cluster } from '../cluster/cluster.js';

type Locality = NonNullable<Cluster['locality']>;
type OfKind<K extends Locality['kind']> = Extract<Locality, { readonly kind: K }>;

export function localityFigures(policy: Locality): string {
  switch (policy.kind) {
    case 'distribute':
      return [...policy.to].map(([pattern, percent]) => `${percent} % to ${pattern}`).join(', ');
    case 'nearest':
      return nearestFigures(policy);
    case 'labels': {
      const labels = policy.matches.map(({ label, value }) => `${label}=${value}`).join(', ');
      const first = `first by ${labels}`;
      return policy.nearest === undefined ? first : `${first}; ${nearestFigures(policy.nearest)}`;
    }
    case 'zone-aware':
      return zoneFigures(policy);
  }
}

function nearestFigures({ local, failover }: OfKind<'nearest'>): string {
  const rules = failover.map(({ from, to }) => `${from} fails over to ${to}`);
  return [`nearest to ${local} first`, ...rules].join('; ');
}

function zoneFigures(policy: OfKind<'zone-aware'>): string {
  const { local, callers, minClusterSize, routingEnabled, forceLocalZone } = policy;
  const counts = [...callers].map(([locality, count]) => `${count} in ${locality}`);
  return [
    `zone-aware in ${local}`,
    `callers ${counts.join(', ')}`,
    `from ${minClusterSize} healthy endpoints on`,
    ...(routingEnabled < 100 ? [`${routingEnabled} % of the calls`] : []),
    ...(forceLocalZone === undefined ? [] : [`all stay here while ${forceLocalZone} can serve`]),
  ].join('; ');
}
