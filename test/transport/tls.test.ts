/** TLS with real certificates: the name that is checked is the service's, the address is the endpoint's. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TlsOptions } from '../../src/index.js';
import { certificateAuthority, type Certificate } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf } from '../support/fleet.js';

const textLike = (pattern: RegExp): unknown => expect.stringMatching(pattern);

/** A server with TLS on a unix socket, and the names that clients have asked it for. */
async function serveOnUnixSocket(tls: Certificate) {
  const path = join(tmpdir(), `outrigger-${randomUUID().slice(0, 13)}.sock`);
  const names: unknown[] = [];
  const server = createServer(tls, (request, response) => {
    names.push((request.socket as { servername?: unknown }).servername);
    response.end('local');
  });
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `unix:${path}`, names };
}

/** Takes connections, and says nothing. */
async function silentPort() {
  const open = new Set<Socket>();
  const server = createTcpServer((socket) => {
    open.add(socket);
    socket.resume().on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, open };
}

async function secure(
  names: readonly [string, ...string[]],
  service: string,
  tls: TlsOptions = {},
  server: object = {},
) {
  const ca = await certificateAuthority();
  const fleet = await fleetOf({ endpoints: 2, tls: { ...(await ca.issue({ names })), ...server } });
  const client = clientFor({
    service,
    endpoints: fleet.endpoints,
    loadBalancer: 'round-robin',
    retry: false,
    tls: { ca: ca.cert, ...tls },
  });
  return { ca, fleet, client };
}

test('the certificate is checked against the service’s name, at every endpoint', async () => {
  const { fleet, client } = await secure(['shop.test'], 'https://shop.test');
  for (let call = 0; call < 4; call++) expect((await client.fetch('/')).status).toBe(200);
  for (const { requests } of fleet.servers) {
    expect(requests[0]?.tls?.servername).toBe('shop.test');
    expect(requests[0]?.headers.host).toBe('shop.test');
  }
});

test('a certificate for another name is refused, before anything is sent', async () => {
  const { fleet, client } = await secure(['other.test'], 'https://shop.test');
  await expect(client.fetch('/')).rejects.toMatchObject({
    flag: 'UF',
    cause: {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      host: 'shop.test',
      message: textLike(/shop\.test.* is not in .*other\.test/),
    },
    attempts: [{ outcome: 'connect-failure' }],
  });
  expect(fleet.servers.flatMap(({ requests }) => requests)).toHaveLength(0);
  expect(client.endpoints().map(({ active }) => active)).toEqual([0, 0]);
});

test('the address of the endpoint does not count, nor does its certificate for it', async () => {
  const { client } = await secure(['127.0.0.1'], 'https://shop.test');
  await expect(client.fetch('/')).rejects.toMatchObject({
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  });
});

test('a service that is an address is checked as one', async () => {
  const { client } = await secure(['10.1.2.3'], 'https://10.1.2.3');
  expect((await client.fetch('/')).status).toBe(200);
  const wrong = await secure(['127.0.0.1'], 'https://10.1.2.3');
  await expect(wrong.client.fetch('/')).rejects.toMatchObject({
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  });
});

test('an address of version 6, and a name with the dot of DNS at its end', async () => {
  const address = await secure(['::1'], 'https://[::1]');
  expect((await address.client.fetch('/')).status).toBe(200);
  const wrong = await secure(['::2'], 'https://[::1]');
  await expect(wrong.client.fetch('/')).rejects.toMatchObject({
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  });
  const absolute = await secure(['shop.test'], 'https://shop.test.');
  expect((await absolute.client.fetch('/')).status).toBe(200);
  const { tls, headers } = await absolute.fleet.requestReceived();
  expect([tls?.servername, headers.host]).toEqual(['shop.test', 'shop.test.']);
});

test('servername replaces the service’s name', async () => {
  const { fleet, client } = await secure(['inner.test'], 'https://shop.test', {
    servername: 'inner.test',
  });
  expect((await client.fetch('/')).status).toBe(200);
  expect((await fleet.requestReceived()).tls?.servername).toBe('inner.test');
});

test('an authority that is not trusted, and rejectUnauthorized: false', async () => {
  const { fleet, client } = await secure(['shop.test'], 'https://shop.test');
  const stranger = clientFor({ service: 'https://shop.test', endpoints: fleet.endpoints });
  await expect(stranger.fetch('/')).rejects.toMatchObject({ flag: 'UF' });
  const careless = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints,
    tls: { rejectUnauthorized: false },
  });
  expect((await careless.fetch('/')).status).toBe(200);
  expect((await client.fetch('/')).status).toBe(200);
});

test('several authorities, as a list or in one text', async () => {
  const [one, other] = [await certificateAuthority('one'), await certificateAuthority('other')];
  const fleet = await fleetOf({
    endpoints: [
      { tls: await one.issue({ names: ['shop.test'] }) },
      { tls: await (await other.subordinate('below')).issue({ names: ['shop.test'] }) },
    ],
  });
  const below = await other.subordinate('below the other');
  const chained = await below.issue({ names: ['shop.test'] });
  const further = await fleetOf({
    endpoints: 1,
    tls: { key: chained.key, cert: `${chained.cert}\n${below.cert}` },
  });
  const endpoints = [...fleet.endpoints.slice(0, 1), ...further.endpoints];
  for (const ca of [[one.cert, Buffer.from(other.cert)], `${one.cert}\n${other.cert}\n`]) {
    const client = clientFor({
      service: 'https://shop.test',
      endpoints,
      tls: { ca },
      retry: false,
    });
    for (let call = 0; call < 4; call++) expect((await client.fetch('/')).status).toBe(200);
  }
  // A server that does not send the certificates between its own and the authority's.
  const unlinked = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints.slice(1),
    tls: { ca: other.cert },
    retry: false,
  });
  await expect(unlinked.fetch('/')).rejects.toMatchObject({
    cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  });
});

test('a certificate that has run out', async () => {
  const ca = await certificateAuthority();
  const until = new Date(Date.now() - 60_000);
  const fleet = await fleetOf({
    endpoints: 1,
    tls: await ca.issue({ names: ['shop.test'], until }),
  });
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints,
    tls: { ca: ca.cert },
    retry: false,
  });
  await expect(client.fetch('/')).rejects.toMatchObject({
    flag: 'UF',
    cause: { code: 'CERT_HAS_EXPIRED' },
  });
});

test('a POST whose handshake failed is sent to another endpoint', async () => {
  const ca = await certificateAuthority();
  const fleet = await fleetOf({
    endpoints: [
      { tls: await ca.issue({ names: ['other.test'] }) },
      { tls: await ca.issue({ names: ['shop.test'] }) },
    ],
  });
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints,
    loadBalancer: 'round-robin',
    tls: { ca: ca.cert },
  });
  for (let call = 0; call < 2; call++) {
    const response = await client.fetch('/', { method: 'POST', body: 'order' });
    expect(response.status).toBe(200);
  }
  const failed = client.endpoints().map(({ error }) => error);
  expect(failed[0]).toBeGreaterThanOrEqual(1);
  expect(failed[1]).toBe(0);
  expect(fleet.server(1).requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
  expect(client.stats()['cluster.shop.test:443.upstream_cx_connect_fail']).toBe(failed[0]);
});

test('a handshake that hangs ends with connectTimeout, and the POST is sent to another endpoint', async () => {
  const ca = await certificateAuthority();
  const silent = await silentPort();
  const fleet = await fleetOf({ endpoints: 1, tls: await ca.issue({ names: ['shop.test'] }) });
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: [silent.url, ...fleet.endpoints],
    loadBalancer: 'round-robin',
    connectionPool: { connectTimeout: '50ms' },
    tls: { ca: ca.cert },
  });
  const responses = await Promise.all(
    [1, 2].map(() => client.fetch('/', { method: 'POST', body: 'order' })),
  );
  expect(responses.map(({ status }) => status)).toEqual([200, 200]);
  const outcomes = responses.flatMap((response) =>
    client.explain(response)?.attempts.map(({ outcome }) => outcome),
  );
  expect(outcomes.sort()).toEqual(['answered', 'answered', 'connect-failure']);
  expect(client.stats()['cluster.shop.test:443.upstream_cx_connect_timeout']).toBe(1);
  await expect.poll(() => silent.open.size).toBe(0);
});

test('a server without TLS behind an https URL', async () => {
  const fleet = await fleetOf({ endpoints: 1 });
  const { port } = new URL(fleet.endpoints[0]?.url ?? '');
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: [`https://127.0.0.1:${port}`],
    retry: false,
  });
  await expect(client.fetch('/')).rejects.toMatchObject({
    flag: 'UF',
    cause: {
      message: `127.0.0.1:${port} does not speak TLS; is it an http endpoint?`,
      code: 'ERR_SSL_WRONG_VERSION_NUMBER',
      cause: { reason: 'wrong version number' },
    },
  });
  expect(fleet.server(0).requests).toHaveLength(0);
});

test('versions and ciphers', async () => {
  const { client } = await secure(
    ['shop.test'],
    'https://shop.test',
    { minVersion: 'TLSv1.3' },
    { maxVersion: 'TLSv1.2' },
  );
  await expect(client.fetch('/')).rejects.toMatchObject({
    flag: 'UF',
    cause: { code: textLike(/PROTOCOL/) },
  });
  const { client: other } = await secure(
    ['shop.test'],
    'https://shop.test',
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
  );
  await expect(other.fetch('/')).rejects.toMatchObject({
    flag: 'UF',
    cause: { code: textLike(/HANDSHAKE_FAILURE$/) },
  });
});

describe('endpoints of all kinds in one service', () => {
  test.each(['https://shop.test', 'http://shop.test'])('%s', async (service) => {
    const ca = await certificateAuthority();
    const tls = await ca.issue({ names: ['shop.test'] });
    const fleet = await fleetOf({ endpoints: [{ tls }, {}, { unix: true }] });
    const socket = await serveOnUnixSocket(tls);
    const isSecure = service.startsWith('https');
    const client = clientFor({
      service,
      // A unix socket is secured if the service is.
      endpoints: [
        ...fleet.endpoints.slice(0, 2),
        isSecure ? { url: socket.url } : { url: fleet.endpoints[2]?.url ?? '' },
      ],
      loadBalancer: 'round-robin',
      retry: false,
      tls: { ca: ca.cert },
    });
    for (let call = 0; call < 6; call++) {
      const response = await client.fetch('/');
      expect(response.status).toBe(200);
      await response.text();
    }
    const [secured, plain, local] = fleet.servers.map(({ requests }) =>
      requests.map(({ headers, tls: seen }) => [headers.host, seen?.servername]),
    );
    expect(secured).toEqual([
      ['shop.test', 'shop.test'],
      ['shop.test', 'shop.test'],
    ]);
    expect(plain).toEqual([
      ['shop.test', undefined],
      ['shop.test', undefined],
    ]);
    expect(isSecure ? socket.names : local?.map(([host]) => host)).toEqual([
      'shop.test',
      'shop.test',
    ]);
  });
});

// A connector per connection would lose it: 0 of 5 then.
test('sessions are resumed on later connections to the same endpoint', async () => {
  const ca = await certificateAuthority();
  const fleet = await fleetOf({
    endpoints: 1,
    tls: await ca.issue({ names: ['shop.test'] }),
    plan: { headers: { connection: 'close' }, body: 'x' },
  });
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints,
    tls: { ca: ca.cert },
  });
  for (let call = 0; call < 5; call++) {
    await (await client.fetch('/')).text();
    await afterThisTurn();
  }
  const resumed = fleet.servers[0]?.requests.filter(({ tls }) => tls?.resumed);
  expect(resumed?.length).toBeGreaterThanOrEqual(3);
});
