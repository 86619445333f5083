import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { expect, it, onTestFinished } from 'vitest';
import { a, type DnsServer, srv, startDnsServer } from '../../src/lab/dns-server.js';

const target = 'one.shop.lab';

async function started(): Promise<{ server: DnsServer; resolver: Resolver }> {
  const server = await startDnsServer(srv('shop.lab', target, 8081), a(target, '127.0.0.1', 7));
  onTestFinished(() => server.stop());
  const resolver = new Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([server.address]);
  return { server, resolver };
}

it('answers what its records say now, and tells what it was asked', async () => {
  const { server, resolver } = await started();
  const record = { name: target, port: 8081, priority: 0, weight: 0 };
  // Some versions of Node add the type.
  expect(await resolver.resolveSrv('shop.lab')).toMatchObject([record]);
  expect(await resolver.resolve4(target, { ttl: true })).toEqual([
    { address: '127.0.0.1', ttl: 7 },
  ]);
  expect(server.questions).toEqual(['SRV shop.lab', `A ${target}`]);
  server.records = [a(target, '127.0.0.2')];
  expect(await resolver.resolve4(target)).toEqual(['127.0.0.2']);
});

it('knows no other names, and no records of another type', async () => {
  const { resolver } = await started();
  await expect(resolver.resolve4('two.shop.lab')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(resolver.resolve6(target)).rejects.toMatchObject({ code: 'ENODATA' });
});

it('fails, or is silent, as it is told', async () => {
  const { server, resolver } = await started();
  server.trouble = 'SERVFAIL';
  await expect(resolver.resolve4(target)).rejects.toMatchObject({ code: 'ESERVFAIL' });
  server.trouble = 'silence';
  await expect(resolver.resolve4(target)).rejects.toMatchObject({ code: 'ETIMEOUT' });
  server.trouble = undefined;
  expect(await resolver.resolve4(target)).toEqual(['127.0.0.1']);
});

it('lives on after what is no question', async () => {
  const { server, resolver } = await started();
  const socket = createSocket('udp4');
  const port = Number(server.address.split(':')[1]);
  for (const bytes of ['', 'x', 'no question at all']) {
    await new Promise((sent) => socket.send(bytes, port, '127.0.0.1', sent));
  }
  socket.close();
  expect(await resolver.resolve4(target)).toEqual(['127.0.0.1']);
});
