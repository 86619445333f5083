/** Which proxy an endpoint is reached through, if any. */
import type { ProxyPolicy } from '../options/proxy.js';

const USUAL_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

export function proxyFor(policy: ProxyPolicy, url: string): string | undefined {
  if (url.startsWith('unix:')) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const number = port === '' ? USUAL_PORTS[protocol] : Number(port);
  const isExcepted = policy.except.some(
    ({ host, port: only }) =>
      (only === 0 || only === number) &&
      (host === '*' || host === hostname || hostname.endsWith(`.${host}`)),
  );
  if (isExcepted) return undefined;
  return protocol === 'https:' ? policy.https : policy.http;
}
