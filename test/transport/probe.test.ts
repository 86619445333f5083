/** Probes on real sockets: what each kind of answer counts as, what is sent, and that no socket is left. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  HttpProbePolicy,
  ProbePolicy,
  ProbeResult,
} from '../../src/cluster/health-check-policy.js';
import type { TlsOptions } from '../../src/index.js';
import type { HeaderFields, Step } from '../../src/testing/index.js';
import { proberFor } from '../../src/transport/probe.js';
import { certificateAuthority } from '../support/certificates.js';
import { fleetOf } from '../support/fleet.js';

const HTTP: HttpProbePolicy = {
  kind: 'http',
  method: 'GET',
  path: '/healthz?deep=1',
  host: undefined,
  headers: new Map(),
  expectedStatuses: [],
  retriableStatuses: [],
};
const TCP: ProbePolicy = { kind: 'tcp' };

interface Asked {
  readonly probe?: ProbePolicy;
  readonly service?: string;
  readonly tls?: TlsOptions;
}

function ask(url: string, { probe = HTTP, service = 'http://shop', tls = {} }: Asked = {}) {
  const prober = proberFor({ service: new URL(service), tls: () => tls, http2: () => false });
  return new Promise<ProbeResult>((resolve) => prober(url, probe, resolve));
}

async function answerOf(plan: Step, probe: ProbePolicy = HTTP): Promise<ProbeResult> {
  const fleet = await fleetOf({ endpoints: [{ plan }] });
  const result = await ask(fleet.server(0).url, { probe });
  await fleet.server(0).connectionsAre(0);
  return result;
}

describe('by HTTP', () => {
  test.each<[string, Step, number]>([
    ['200', 200, 200],
    ['204, which has no body', 204, 204],
    ['503', 503, 503],
    ['a redirect, which is not followed', { status: 302, headers: { location: '/' } }, 302],
    ['an answer that ends with its connection', { body: 'x', framing: 'until-close' }, 200],
    ['information before the answer', { status: 200, information: [{ status: 103 }] }, 200],
    ['a body in pieces', { body: { pieces: ['a', 'b', 'c'] } }, 200],
    ['a body that has no end', { body: { size: 1e13 } }, 200],
  ])('%s', async (_what, plan, status) => {
    expect(await answerOf(plan)).toEqual({ kind: 'answered', status, isDegraded: false });
  });

  test.each<[string, HeaderFields]>([
    ['as it stands', { 'x-envoy-degraded': 'true' }],
    ['whatever its value', { 'X-Envoy-Degraded': '' }],
  ])('200 that says degraded, %s', async (_what, headers) => {
    const answered = { kind: 'answered', isDegraded: true };
    expect(await answerOf({ status: 200, headers })).toEqual({ ...answered, status: 200 });
    expect(await answerOf({ status: 503, headers })).toEqual({ ...answered, status: 503 });
  });

  test.each<[string, Step, string]>([
    ['a reset', 'reset', 'connection reset'],
    ['a close in place of an answer', 'close', 'connection reset'],
    ['garbage', 'garbage', 'unreadable answer'],
    [
      'half an answer',
      { body: 'xxxxxxxx', framing: 'content-length', cut: { at: 4, by: 'close' } },
      'connection reset',
    ],
    [
      'half an answer in chunks',
      { body: 'xxxxxxxx', framing: 'chunked', cut: { at: 4, by: 'reset' } },
      'connection reset',
    ],
    [
      'a head without end',
      { raw: `HTTP/1.1 200 OK\r\n${'x-long: 1234567890\r\n'.repeat(5000)}` },
      'unreadable answer',
    ],
  ])('%s is no answer', async (_what, plan, reason) => {
    expect(await answerOf(plan)).toEqual({ kind: 'failed', reason });
  });

  test('nobody listens', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    await fleet.server(0).refuse();
    expect(await ask(fleet.server(0).url)).toEqual({
      kind: 'failed',
      reason: 'connection refused',
    });
  });

  test('a name that is none', async () => {
    const result = await ask('http://nowhere.invalid');
    expect(result).toMatchObject({ kind: 'failed' });
  });

  test('says what it is, and asks for the service by its name, on a connection of its own', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    await ask(fleet.server(0).url, { service: 'http://shop:8080' });
    await ask(fleet.server(0).url);
    expect(fleet.server(0).requestsPerConnection).toEqual([1, 1]);
    const [first, second] = fleet.server(0).requests;
    expect(first).toMatchObject({ method: 'GET', path: '/healthz?deep=1', httpVersion: '1.1' });
    expect(first?.headers).toEqual({
      host: 'shop:8080',
      'user-agent': 'outrigger-health-check',
      accept: '*/*',
      connection: 'close',
    });
    expect(second?.headers.host).toBe('shop');
  });

  test('as the options say', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const headers = new Map([
      ['user-agent', 'mine'],
      ['x-probe', 'yes'],
    ]);
    const probe: ProbePolicy = { ...HTTP, method: 'HEAD', host: 'other', headers };
    expect(await ask(fleet.server(0).url, { probe })).toEqual({
      kind: 'answered',
      status: 200,
      isDegraded: false,
    });
    expect(fleet.server(0).requests[0]).toMatchObject({
      method: 'HEAD',
      headers: { host: 'other', 'user-agent': 'mine', 'x-probe': 'yes' },
    });
  });

  test('through a unix socket', async () => {
    const fleet = await fleetOf({ endpoints: [{ unix: true }] });
    expect(await ask(fleet.server(0).url)).toEqual({
      kind: 'answered',
      status: 200,
      isDegraded: false,
    });
    expect(fleet.server(0).requests[0]?.headers.host).toBe('shop');
    await fleet.server(0).refuse();
    expect(await ask(fleet.server(0).url)).toEqual({ kind: 'failed', reason: 'ENOENT' });
  });
});

describe('by TCP', () => {
  test('a connection is enough, and nothing is sent', async () => {
    const heard: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on('data', (chunk) => heard.push(chunk)).on('error', () => {});
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const gone = once(server, 'connection').then(([socket]) => once(socket as never, 'close'));
    expect(await ask(`http://127.0.0.1:${port}`, { probe: TCP })).toEqual({ kind: 'connected' });
    await gone;
    expect(heard).toEqual([]);
  });

  test('nobody listens', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    await fleet.server(0).refuse();
    const result = await ask(fleet.server(0).url, { probe: TCP });
    expect(result).toEqual({ kind: 'failed', reason: 'connection refused' });
  });
});

describe('with TLS', () => {
  async function secure(names: readonly [string, ...string[]]) {
    const ca = await certificateAuthority();
    const tls = await ca.issue({ names });
    const fleet = await fleetOf({ endpoints: [{ tls }] });
    return { ca, fleet, url: fleet.server(0).url };
  }
  const service = 'https://shop.test';

  test('the service’s name is asked for and checked, whatever the address', async () => {
    const { ca, fleet, url } = await secure(['shop.test']);
    const tls = { ca: ca.cert };
    expect(await ask(url, { service, tls })).toEqual({
      kind: 'answered',
      status: 200,
      isDegraded: false,
    });
    expect(fleet.server(0).requests[0]?.tls).toMatchObject({
      servername: 'shop.test',
      alpn: 'http/1.1',
    });
    expect(await ask(url, { service, tls, probe: TCP })).toEqual({ kind: 'connected' });
    await fleet.server(0).connectionsAre(0);
  });

  test('through a unix socket, where the service is https', async () => {
    const ca = await certificateAuthority();
    const folder = await mkdtemp(join(tmpdir(), 'probe-'));
    const path = join(folder, 's');
    const server = createHttpsServer(await ca.issue({ names: ['shop.test'] }), (_, response) => {
      response.end();
    }).listen(path);
    onTestFinished(async () => {
      server.close();
      await rm(folder, { recursive: true });
    });
    await once(server, 'listening');
    const tls = { ca: ca.cert };
    const url = `unix:${path}`;
    expect(await ask(url, { service, tls })).toEqual({
      kind: 'answered',
      status: 200,
      isDegraded: false,
    });
    expect(await ask(url, { service, tls, probe: TCP })).toEqual({ kind: 'connected' });
    expect(await ask(url, { service: 'https://other.test', tls })).toMatchObject({
      kind: 'failed',
    });
  });

  test.each<[string, ProbePolicy]>([
    ['HTTP', HTTP],
    ['TCP', TCP],
  ])('a certificate that is wrong fails by %s', async (_what, probe) => {
    const { ca, fleet, url } = await secure(['other.test']);
    expect(await ask(url, { service, probe, tls: { ca: ca.cert } })).toEqual({
      kind: 'failed',
      reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(await ask(url, { service, probe })).toMatchObject({ kind: 'failed' });
    const tls = { ca: ca.cert, servername: 'other.test' };
    expect(await ask(url, { service, probe, tls })).not.toMatchObject({ kind: 'failed' });
    expect(
      await ask(url, { service, probe, tls: { rejectUnauthorized: false } }),
    ).not.toMatchObject({ kind: 'failed' });
    await fleet.server(0).connectionsAre(0);
  });

  test('other TLS options hold for the next probe', async () => {
    const { ca, url } = await secure(['shop.test']);
    let tls: TlsOptions = {};
    const prober = proberFor({ service: new URL(service), tls: () => tls, http2: () => false });
    const next = () => new Promise<ProbeResult>((resolve) => prober(url, HTTP, resolve));
    expect(await next()).toMatchObject({ kind: 'failed' });
    tls = { ca: ca.cert };
    expect(await next()).toMatchObject({ kind: 'answered' });
  });

  test('a key that cannot be read fails the probe and nothing else', async () => {
    const { url } = await secure(['shop.test']);
    const broken = '-----BEGIN CERTIFICATE-----\nMIIB';
    expect(await ask(url, { service, tls: { cert: broken, key: broken } })).toMatchObject({
      kind: 'failed',
    });
  });
});

describe('given up', () => {
  test.each<[string, Step]>([
    ['while there is no answer', 'silence'],
    ['in the middle of an answer', { body: { pieces: ['a', 'b'], pause: 1_000_000 } }],
  ])('%s: the socket goes, and nobody is called back', async (_what, plan) => {
    const fleet = await fleetOf({ endpoints: [{ plan }] });
    const prober = proberFor({
      service: new URL('http://shop'),
      tls: () => ({}),
      http2: () => false,
    });
    const results: ProbeResult[] = [];
    const cancel = prober(fleet.server(0).url, HTTP, (result) => results.push(result));
    await fleet.requestReceived();
    cancel();
    cancel();
    await fleet.server(0).connectionsAre(0);
    expect(results).toEqual([]);
  });

  test('before there is a connection', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const prober = proberFor({
      service: new URL('http://shop'),
      tls: () => ({}),
      http2: () => false,
    });
    const results: ProbeResult[] = [];
    for (const probe of [HTTP, TCP]) {
      prober(fleet.server(0).url, probe, (result) => results.push(result))();
    }
    expect(await ask(fleet.server(0).url)).toEqual({
      kind: 'answered',
      status: 200,
      isDegraded: false,
    });
    expect(fleet.server(0).requests).toHaveLength(1);
    expect(results).toEqual([]);
  });

  test('after its result: nothing', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const prober = proberFor({
      service: new URL('http://shop'),
      tls: () => ({}),
      http2: () => false,
    });
    const results: ProbeResult[] = [];
    const cancel = await new Promise<() => void>((resolve) => {
      const given = prober(fleet.server(0).url, HTTP, (result) => {
        results.push(result);
        resolve(given);
      });
    });
    cancel();
    expect(results).toHaveLength(1);
  });
});

describe('over HTTP/2', () => {
  async function http2Server(answer: (path: string) => number, allowHTTP1: boolean) {
    const authority = await certificateAuthority();
    const certificate = await authority.issue({ names: ['shop'] });
    const seen: string[] = [];
    const server = createSecureServer({ ...certificate, allowHTTP1 }, (request, response) => {
      seen.push(
        `${request.httpVersion} ${request.method} ${request.url} ${request.headers[':authority'] as string}`,
      );
      response.statusCode = answer(request.url);
      if (request.url === '/degraded') response.setHeader('x-envoy-degraded', 'yes');
      response.end('well');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const prober = proberFor({
      service: new URL('https://shop'),
      tls: () => ({ ca: authority.cert }),
      http2: () => true,
    });
    const check = (probe: Parameters<typeof prober>[1]): Promise<ProbeResult> =>
      new Promise((resolve) => prober(`https://127.0.0.1:${port}`, probe, resolve));
    return { check, seen };
  }

  test('a server that speaks nothing else is asked in it', async () => {
    const { check, seen } = await http2Server((path) => (path === '/ill' ? 503 : 200), false);
    const probe = (path: string) => ({ ...HTTP, path });
    expect(await check(probe('/well'))).toEqual({
      kind: 'answered',
      status: 200,
      isDegraded: false,
    });
    expect(await check(probe('/ill'))).toEqual({
      kind: 'answered',
      status: 503,
      isDegraded: false,
    });
    expect(seen).toEqual(['2.0 GET /well shop', '2.0 GET /ill shop']);
    expect(await check(probe('/degraded'))).toMatchObject({ status: 200, isDegraded: true });
    expect(await check(TCP)).toEqual({ kind: 'connected' });
  });
});
