/** The lab's server of names, for as long as a test takes. */
import type { Answer } from 'dns-packet';
import { onTestFinished } from 'vitest';
import { type DnsServer, startDnsServer } from '../../src/lab/dns-server.js';

export { a, srv } from '../../src/lab/dns-server.js';

export async function dnsServer(...records: Answer[]): Promise<DnsServer> {
  const server = await startDnsServer(...records);
  onTestFinished(() => server.stop());
  return server;
}

export function aaaa(name: string, data: string, ttl = 60): Answer {
  return { type: 'AAAA', name, data, ttl };
}
