/** What cannot stand beside a fetch or a dispatcher of the user's, since it is said of connections of our own. */
import type { NormalizedCluster, NormalizedPolicy, NormalizedService } from './normalized.js';
import type { Place } from './place.js';
import type { Transport } from './transport.js';

type Checked = NormalizedPolicy & Partial<Pick<NormalizedCluster, 'endpoints'>>;

export function checkTransport(
  transport: Transport,
  policy: NormalizedPolicy,
  services: ReadonlyMap<string, NormalizedService>,
  isSingle: boolean,
  at: Place,
): void {
  const { kind } = transport;
  const ofClient = refuseBeside(kind, policy, at, new Set());
  for (const [origin, service] of services) {
    const place = isSingle ? at : at.key('services').key(origin);
    const said = refuseBeside(kind, service, place, ofClient);
    for (const [name, subset] of service.subsets) {
      refuseBeside(kind, { ...subset, endpoints: [] }, place.key('subsets').key(name), said);
    }
  }
}

/** A check by a mere connection would go past the proxy, and say nothing of the way that calls go. */
export function checkProxies(
  services: ReadonlyMap<string, NormalizedService>,
  isSingle: boolean,
  at: Place,
): void {
  for (const [origin, { proxy, healthCheck }] of services) {
    if (proxy === undefined || healthCheck?.probe.kind !== 'tcp') continue;
    const place = isSingle ? at : at.key('services').key(origin);
    place
      .key('healthCheck')
      .key('tcp')
      .say(
        "a TCP check beside 'proxy'",
        'a check by HTTP',
        "cannot go through a proxy; give a 'path'",
      );
  }
}

/** Gives back what has been said. */
function refuseBeside(
  kind: Transport['kind'],
  { tls, proxy, connectionPool, healthCheck, endpoints = [] }: Checked,
  at: Place,
  said: ReadonlySet<string>,
): ReadonlySet<string> {
  const now = new Set(said);
  const refuse = (what: string, place: Place, found: string, why: string): void => {
    if (now.has(what)) return;
    now.add(what);
    place.say(`${found} beside '${kind}'`, 'none', `${why} behind '${kind}'`);
  };
  if (Object.keys(tls).length > 0) {
    refuse('tls', at.key('tls'), 'TLS options', 'do not reach the connections');
  }
  if (proxy !== undefined) {
    refuse('proxy', at.key('proxy'), 'a proxy', 'has no part in the connections');
  }
  if (connectionPool.http2) {
    const place = at.key('connectionPool').key('http2');
    refuse('http2', place, 'HTTP/2', 'cannot be chosen for the connections');
  }
  if (healthCheck?.probe.kind === 'tcp') {
    const place = at.key('healthCheck').key('tcp');
    refuse('tcp', place, 'a TCP check', "needs connections of the client's own, there are others");
  }
  if (kind === 'fetch' && healthCheck?.probe.kind === 'http' && healthCheck.probe.host) {
    const place = at.key('healthCheck').key('host');
    refuse('host', place, 'a host', 'is not sent by what is');
  }
  endpoints.forEach(({ url }, index) => {
    if (!url.startsWith('unix:')) return;
    const place = at.key('endpoints').item(index);
    place.say(
      `a socket in the file system beside '${kind}'`,
      'http or https',
      `cannot be reached by what is behind '${kind}'`,
    );
  });
  return now;
}
