/** Certificates that are replaced by an update while calls are under way. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { TlsOptions } from '../../src/index.js';
import { hold, type LoopbackFleet, type Plan } from '../../src/testing/index.js';
import { certificateAuthority, type CertificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf } from '../support/fleet.js';

let ca: CertificateAuthority;
beforeAll(async () => {
  ca = await certificateAuthority();
});

const clientCertificate = (name: string): Promise<TlsOptions> => ca.issue({ names: [name] });

/** Servers that let nobody in without a certificate, and a client that shows one. */
async function mutual(plan: Plan = 200, endpoints = 1) {
  const tls = {
    ...(await ca.issue({ names: ['shop.test', 'new.test'] })),
    ca: ca.cert,
    requestCert: true,
  };
  const fleet = await fleetOf({ endpoints, tls, plan });
  return { fleet, client: await clientOf(fleet.endpoints) };
}

async function clientOf(endpoints: LoopbackFleet['endpoints']) {
  return clientFor({
    service: 'https://shop.test',
    endpoints,
    loadBalancer: 'round-robin',
    retry: false,
    tls: { ca: ca.cert, ...(await clientCertificate('web-0')) },
  });
}

const clientsAt = ({ servers }: LoopbackFleet): (string | undefined)[] =>
  servers.flatMap(({ requests }) => requests.map(({ tls }) => tls?.clientName));

test('several hundred calls during several reloads: none fails, each shows the certificate of its time', async () => {
  const { fleet, client } = await mutual({ delay: 3, body: 'x'.repeat(2000) }, 2);
  let begun = 0;
  let generation = 0;
  /** By call: the generation when it began, and when it ended. */
  const times = new Map<string, readonly [number, number]>();
  const caller = async (): Promise<void> => {
    while (begun < 400 || generation < certificates.length) {
      begun += 1;
      const [path, first] = [`/${begun}`, generation];
      const response = await client.fetch(path, { method: 'POST', body: 'order' });
      expect([response.status, (await response.text()).length]).toEqual([200, 2000]);
      times.set(path, [first, generation]);
    }
  };
  const certificates = await Promise.all(
    [1, 2, 3, 4, 5].map((number) => clientCertificate(`web-${number}`)),
  );
  const reload = async (): Promise<void> => {
    for (const tls of certificates) {
      const due = begun + 60;
      await expect.poll(() => begun, { interval: 1, timeout: 10_000 }).toBeGreaterThan(due);
      client.update({ tls });
      generation += 1;
    }
  };
  await Promise.all([reload(), ...Array.from({ length: 24 }, caller)]);

  const requests = fleet.servers.flatMap((server) => server.requests);
  expect(requests).toHaveLength(begun);
  for (const { path, tls } of requests) {
    const [first, last] = times.get(path) ?? [Number.NaN, Number.NaN];
    // One that waits for its connection while the certificate changes shows the new one.
    expect(Number(tls?.clientName?.slice('web-'.length))).toBeGreaterThanOrEqual(first);
    expect(Number(tls?.clientName?.slice('web-'.length))).toBeLessThanOrEqual(last);
  }
  expect(new Set([...times.values()].map(([first]) => first)).size).toBe(6);
  // Every connection is idle by now, so that one more reload leaves none.
  await afterThisTurn();
  expect(fleet.openConnections).toBeGreaterThan(0);
  client.update({ tls: await clientCertificate('web-6') });
  await fleet.connectionsAre(0);
  for (const { active, connections } of client.endpoints()) {
    expect([active, connections.open]).toEqual([0, 0]);
  }
});

test('a call in flight ends on its old connection, which then closes', async () => {
  const gate = hold();
  const { fleet, client } = await mutual((index) =>
    index === 0 ? { bodyDelay: gate.released, body: 'long' } : 200,
  );
  const early = await client.fetch('/early');
  client.update({ tls: await clientCertificate('web-1') });
  await (await client.fetch('/late')).text();
  expect(clientsAt(fleet)).toEqual(['web-0', 'web-1']);
  expect(fleet.openConnections).toBe(2);
  gate.release();
  expect(await early.text()).toBe('long');
  await fleet.connectionsAre(1);
  await (await client.fetch('/later')).text();
  expect(clientsAt(fleet)).toEqual(['web-0', 'web-1', 'web-1']);
});

test('a call begun after the update does not get a connection that was being made before', async () => {
  const { fleet } = await mutual();
  const gate = hold();
  const proxied = await behind(fleet.endpoints[0]?.url ?? '', gate.released);
  const client = await clientOf([{ url: proxied }]);
  const early = client.fetch('/early');
  client.update({ tls: await clientCertificate('web-1') });
  const late = client.fetch('/late');
  gate.release();
  for (const call of [early, late]) {
    const response = await call;
    expect([response.status, await response.text()]).toEqual([200, 'server-1']);
  }
  const shown = new Map(fleet.server(0).requests.map(({ path, tls }) => [path, tls?.clientName]));
  expect(shown.get('/late')).toBe('web-1');
  await afterThisTurn();
  client.update({ tls: await clientCertificate('web-2') });
  await fleet.connectionsAre(0);
});

test('an idle connection closes at once', async () => {
  const { fleet, client } = await mutual();
  await (await client.fetch('/')).text();
  await afterThisTurn();
  client.update({ tls: await clientCertificate('web-1') });
  await fleet.connectionsAre(0);
});

// The server would go on taking the client for the old one.
test('the session of an old certificate is not resumed with a new one', async () => {
  const { fleet, client } = await mutual({ headers: { connection: 'close' }, body: 'x' });
  for (let call = 0; call < 3; call++) {
    await (await client.fetch('/')).text();
    await afterThisTurn();
  }
  client.update({ tls: await clientCertificate('web-1') });
  await (await client.fetch('/')).text();
  expect(fleet.server(0).requests.map(({ tls }) => tls?.resumed)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test('the same certificate again closes nothing', async () => {
  const tls = await clientCertificate('web-1');
  const { fleet, client } = await mutual();
  client.update({ tls });
  await (await client.fetch('/')).text();
  await afterThisTurn();
  client.update({ tls: { cert: tls.cert, key: tls.key } });
  await (await client.fetch('/')).text();
  expect(fleet.server(0).requestsPerConnection).toEqual([2]);
});

test('an update with half a pair is refused, and the old certificate holds', async () => {
  const { fleet, client } = await mutual();
  await (await client.fetch('/')).text();
  await afterThisTurn();
  const { cert } = await clientCertificate('web-1');
  expect(() => client.update({ tls: { cert } })).toThrow('tls.key: found a key of something else');
  expect(() => client.update({ tls: { ca: cert, cert: '' } })).toThrow('tls.cert: found');
  await (await client.fetch('/')).text();
  expect(fleet.server(0).requestsPerConnection).toEqual([2]);
  expect(clientsAt(fleet)).toEqual(['web-0', 'web-0']);
});

test('authorities change hands: both are trusted for a while', async () => {
  const next = await certificateAuthority('next');
  const oldFleet = await fleetOf({
    endpoints: 1,
    tls: await ca.issue({ names: ['shop.test'] }),
  });
  const newFleet = await fleetOf({
    endpoints: 1,
    tls: await next.issue({ names: ['shop.test'] }),
  });
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: [...oldFleet.endpoints, ...newFleet.endpoints],
    loadBalancer: 'round-robin',
    retry: false,
    tls: { ca: ca.cert },
  });
  const statuses = async (): Promise<(number | string)[]> =>
    Promise.all(
      [1, 2].map(async () =>
        client.fetch('/').then(
          ({ status }) => status,
          (error: { flag: string }) => error.flag,
        ),
      ),
    );
  expect((await statuses()).sort()).toEqual([200, 'UF']);
  client.update({ tls: { ca: [ca.cert, next.cert] } });
  expect(await statuses()).toEqual([200, 200]);
  client.update({ tls: { ca: next.cert } });
  expect((await statuses()).sort()).toEqual([200, 'UF']);
});

test('the name changes', async () => {
  const { fleet, client } = await mutual();
  await (await client.fetch('/')).text();
  await (await client.fetch('/')).text();
  await afterThisTurn();
  client.update({ tls: { servername: 'new.test' } });
  await fleet.connectionsAre(0);
  await (await client.fetch('/')).text();
  expect(fleet.server(0).requests.map(({ tls }) => tls?.servername)).toEqual([
    'shop.test',
    'shop.test',
    'new.test',
  ]);
});

/** A port before a server that hands on what comes once it is told to. */
async function behind(url: string, opened: Promise<unknown>): Promise<string> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  const proxy = createServer((incoming) => {
    sockets.push(incoming.on('error', () => {}));
    void opened.then(() => {
      if (incoming.destroyed) return;
      const outgoing = connect(Number(port), hostname).on('error', () => {});
      sockets.push(outgoing);
      incoming.pipe(outgoing).pipe(incoming);
      incoming.on('close', () => outgoing.destroy());
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}
