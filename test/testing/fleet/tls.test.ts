/** Servers that speak TLS, and the certificates of the tests. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Plan } from '../../../src/testing/index.js';
import {
  certificateAuthority,
  type Certificate,
  type CertificateAuthority,
} from '../../support/certificates.js';
import { addressOf, ask, dial as dialPlainly, fleetOf, get, hear } from './plain-client.js';

let ca: CertificateAuthority;
let tls: Certificate;
beforeAll(async () => {
  ca = await certificateAuthority();
  tls = await ca.issue({ names: ['shop.test', '127.0.0.1'] });
});

const serverOf = async (plan: Plan, options: object = {}) =>
  (await fleetOf({ endpoints: 1, plan, tls: { ...tls, ...options } })).server(0);

async function dial(url: string): Promise<TLSSocket> {
  const socket = connect({ ...addressOf(url), ca: ca.cert, servername: 'shop.test' });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

test('an answer over TLS, and what is known of the client', async () => {
  const server = await serverOf([200, { body: { size: 1_000_000 } }], {
    ALPNProtocols: ['http/1.1'],
  });
  expect(server.url).toMatch(/^https:\/\/127.0.0.1:/);
  expect(await ask(server.url, { ca: ca.cert, servername: 'shop.test' })).toMatchObject({
    status: 200,
    body: 'server-1',
  });
  expect(server.requests[0]?.tls).toEqual({
    servername: 'shop.test',
    alpn: undefined,
    clientName: undefined,
    resumed: false,
  });
  expect((await ask(server.url, { ca: ca.cert })).body).toHaveLength(1_000_000);
  await server.connectionsAre(0);
});

test('the client’s certificate', async () => {
  const server = await serverOf(200, { requestCert: true, ca: ca.cert });
  const client = await ca.issue({ names: ['web.test'] });
  expect((await ask(server.url, { ca: ca.cert, ...client })).status).toBe(200);
  expect(server.requests[0]?.tls?.clientName).toBe('web.test');
  expect((await ask(server.url, { ca: ca.cert })).status).toBeUndefined();
});

test.each(['reset', 'close'] as const)('faults reach below TLS: %s', async (fault) => {
  const server = await serverOf([fault, { body: 'hello, world', cut: { at: 5, by: fault } }]);
  for (const expected of ['', 'hello']) {
    const socket = await dial(server.url);
    const heard = hear(socket);
    socket.write(get('/'));
    const { text, end } = await heard;
    expect(end).toBe(fault);
    expect(text.endsWith(expected)).toBe(true);
    expect(text === '').toBe(expected === '');
  }
  await server.connectionsAre(0);
});

test('an idle connection is dropped', async () => {
  const server = await serverOf(200);
  const socket = await dial(server.url);
  const heard = hear(socket);
  socket.write(get('/'));
  await (
    await server.requestReceived()
  ).answered;
  server.dropConnections('reset', 'idle');
  expect((await heard).end).toBe('reset');
  await server.connectionsAre(0);
});

test('a handshake that was never begun ends with the fleet', async () => {
  const fleet = await fleetOf({ endpoints: 1, tls });
  const socket = await dialPlainly(fleet.server(0).url);
  await fleet.connectionsAre(1);
  const heard = hear(socket);
  await fleet.close();
  expect((await heard).text).toBe('');
});

test('a client that does not trust the authority stays out', async () => {
  const server = await serverOf(200);
  expect((await ask(server.url)).error).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  const other = await certificateAuthority();
  expect((await ask(server.url, { ca: other.cert })).status).toBeUndefined();
  await server.connectionsAre(0);
  expect(server.requests).toHaveLength(0);
});

test('the certificates of the tests: names, authority, end, an encrypted key', async () => {
  const certificate = new X509Certificate(tls.cert);
  expect(certificate.checkHost('shop.test')).toBe('shop.test');
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(certificate.checkHost('other.test')).toBeUndefined();
  expect(certificate.verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
  const until = new Date(Date.now() - 60_000);
  const over = await ca.issue({ names: ['127.0.0.1'], until, passphrase: 'secret' });
  expect(over.key).toContain('ENCRYPTED');
  const server = await serverOf(200, { ...over, passphrase: 'secret' });
  expect((await ask(server.url, { ca: ca.cert })).error).toBe('CERT_HAS_EXPIRED');
});
