/** Which proxy an endpoint is reached through, if any. */
import { BlockList, isIP } from 'node:net';
import type { ProxyException, ProxyPolicy } from '../options/proxy.js';

const USUAL_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

const ranges = new WeakMap<ProxyException, BlockList>();

export function proxyFor(policy: ProxyPolicy, url: string): string | undefined {
  if (url.startsWith('unix:')) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const number = port === '' ? USUAL_PORTS[protocol] : Number(port);
  const isExcepted = policy.except.some(
    (exception) =>
      (exception.port === 0 || exception.port === number) && covers(exception, hostname),
  );
  if (isExcepted) return undefined;
  return protocol === 'https:' ? policy.https : policy.http;
}

function covers(exception: ProxyException, hostname: string): boolean {
  const { host } = exception;
  if (host === '*' || host === hostname || hostname.endsWith(`.${host}`)) return true;
  return host.includes('/') && isWithin(rangeOf(exception), hostname);
}

function isWithin(range: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  const version = isIP(address);
  return version !== 0 && range.check(address, `ipv${version as 4 | 6}`);
}

/** What is no range has nothing in it. */
function rangeOf(exception: ProxyException): BlockList {
  let range = ranges.get(exception);
  if (range !== undefined) return range;
  range = new BlockList();
  ranges.set(exception, range);
  const [, net = '', bits = ''] = /^\[?(.+)\/(\d+)\]?$/.exec(exception.host) ?? [];
  const version = isIP(net);
  if (version === 0 || Number(bits) > (version === 4 ? 32 : 128)) return range;
  range.addSubnet(net, Number(bits), `ipv${version as 4 | 6}`);
  return range;
}
