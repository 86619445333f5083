/** TLS with real certificates: the name that is checked is the service's, the address is the endpoint's. */
import { expect, test } from 'vitest';
import type { TlsOptions } from '../../src/index.js';
import { certificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf } from '../support/fleet.js';

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
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
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

test('a client certificate', async () => {
  const { ca, fleet, client } = await secure(
    ['shop.test'],
    'https://shop.test',
    {},
    { requestCert: true, rejectUnauthorized: false },
  );
  await (await client.fetch('/')).text();
  expect((await fleet.requestReceived()).tls?.clientName).toBeUndefined();
  const { cert, key } = await ca.issue({ names: ['web.test'], passphrase: 'secret' });
  const known = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints,
    tls: { ca: ca.cert, cert, key, passphrase: 'secret' },
  });
  await (await known.fetch('/')).text();
  expect((await fleet.requestReceived()).tls?.clientName).toBe('web.test');
});

test('update({ tls }) holds for new connections, and idle ones go', async () => {
  const { ca, fleet, client } = await secure(['shop.test', 'new.test'], 'https://shop.test');
  await (await client.fetch('/')).text();
  await (await client.fetch('/')).text();
  await afterThisTurn();
  client.update({ tls: { ca: ca.cert, servername: 'new.test' } });
  await fleet.connectionsAre(0);
  await (await client.fetch('/')).text();
  expect(
    fleet.servers.flatMap(({ requests }) => requests.map(({ tls }) => tls?.servername)),
  ).toContain('new.test');
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

test('a key that does not fit its certificate fails the call, not the process', async () => {
  const ca = await certificateAuthority();
  const { cert } = await ca.issue({ names: ['web.test'] });
  const { key } = await ca.issue({ names: ['web.test'] });
  const fleet = await fleetOf({ endpoints: 1, tls: await ca.issue({ names: ['shop.test'] }) });
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints,
    tls: { ca: ca.cert, cert, key },
  });
  await expect(client.fetch('/')).rejects.toMatchObject({ flag: 'UF', message: 'fetch failed' });
  expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
});
