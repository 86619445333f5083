/** Certificates that the client shows, towards servers that ask for one. */
import type { SecureVersion } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ClientOptions, TlsOptions } from '../../src/index.js';
import type { LoopbackFleetOptions } from '../../src/testing/index.js';
import { isHandshakeRefusal } from '../../src/transport/secure-socket.js';
import {
  certificateAuthority,
  type Certificate,
  type CertificateAuthority,
} from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let ca: CertificateAuthority;
let server: Certificate;
beforeAll(async () => {
  ca = await certificateAuthority();
  server = await ca.issue({ names: ['shop.test'] });
});

const codeLike = (pattern: RegExp): unknown => expect.stringMatching(pattern);

/** Servers that let nobody in whom their authority has not vouched for. */
const strictFleet = (maxVersion: SecureVersion, options: Partial<LoopbackFleetOptions> = {}) =>
  fleetOf({
    endpoints: 1,
    tls: { ...server, ca: ca.cert, requestCert: true, maxVersion },
    ...options,
  });

function clientBefore(
  { endpoints }: Awaited<ReturnType<typeof fleetOf>>,
  tls: TlsOptions,
  options: ClientOptions = {},
) {
  return clientFor({
    service: 'https://shop.test',
    endpoints,
    retry: { attempts: 1, backoff: { baseInterval: 1 } },
    tls: { ca: ca.cert, ...tls },
    ...options,
  });
}

describe.each(VERSIONS)('a server that asks for a certificate, over %s,', (version) => {
  test('takes one of its authority', async () => {
    const fleet = await strictFleet(version);
    const client = clientBefore(fleet, await ca.issue({ names: ['web.test'] }));
    expect((await client.fetch('/', { method: 'POST', body: 'x' })).status).toBe(200);
    expect(fleet.server(0).requests[0]?.tls?.clientName).toBe('web.test');
  });

  test('takes one by way of an authority between, which the client sends along', async () => {
    const between = await ca.subordinate('between');
    const { cert, key } = await between.issue({ names: ['web.test'] });
    const fleet = await strictFleet(version);
    const client = clientBefore(fleet, { cert: `${cert}\n${between.cert}`, key });
    expect((await client.fetch('/')).status).toBe(200);
    const unlinked = clientBefore(fleet, { cert, key });
    await expect(unlinked.fetch('/')).rejects.toThrow('fetch failed');
  });

  test.each(['GET', 'POST'])(
    'refuses a %s without one, and another attempt is made',
    async (method) => {
      const fleet = await strictFleet(version);
      const client = clientBefore(fleet, {});
      await expect(
        client.fetch('/', { method, ...(method === 'POST' && { body: 'x' }) }),
      ).rejects.toMatchObject({
        flag: 'UF',
        cause: { code: codeLike(/ALERT_(HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED)$/) },
        attempts: [{ outcome: 'connect-failure' }, { outcome: 'connect-failure' }],
      });
      expect(fleet.server(0).requests).toHaveLength(0);
      expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
    },
  );

  test('refuses one of another authority, and one that has run out', async () => {
    const fleet = await strictFleet(version);
    const stranger = await certificateAuthority('stranger');
    const wrong = [
      await stranger.issue({ names: ['web.test'] }),
      await ca.issue({ names: ['web.test'], until: new Date(Date.now() - 60_000) }),
    ];
    // Node closes without a word. With TLS 1.3 the request may have been sent by then, and nobody can tell.
    const outcome = version === 'TLSv1.2' ? 'connect-failure' : 'reset';
    for (const tls of wrong) {
      await expect(clientBefore(fleet, tls).fetch('/')).rejects.toMatchObject({
        attempts: [{ outcome }, { outcome }],
      });
    }
    expect(fleet.server(0).requests).toHaveLength(0);
  });
});

test('each service shows its own', async () => {
  const fleet = await strictFleet('TLSv1.3');
  const bank = await fleetOf({
    endpoints: 1,
    tls: { ...(await ca.issue({ names: ['bank.test'] })), ca: ca.cert, requestCert: true },
  });
  const client = clientFor({
    tls: { ca: ca.cert, ...(await ca.issue({ names: ['web.test'] })) },
    services: {
      'https://shop.test': { endpoints: fleet.endpoints },
      'https://bank.test': {
        endpoints: bank.endpoints,
        tls: await ca.issue({ names: ['teller.test'] }),
      },
    },
  });
  for (let call = 0; call < 2; call++) {
    await (await client.fetch('https://shop.test/')).text();
    await (await client.fetch('https://bank.test/')).text();
  }
  const namesAt = ({ requests }: ReturnType<typeof fleet.server>) =>
    requests.map(({ tls }) => tls?.clientName);
  expect(namesAt(fleet.server(0))).toEqual(['web.test', 'web.test']);
  expect(namesAt(bank.server(0))).toEqual(['teller.test', 'teller.test']);
});

test('of several the one that fits is sent: here the only kind that the server knows', async () => {
  const fleet = await strictFleet('TLSv1.3');
  const { cert, key } = await ca.issue({ names: ['web.test'], passphrase: 'secret' });
  const client = clientBefore(fleet, { cert: [cert], key: [key], passphrase: 'secret' });
  expect((await client.fetch('/')).status).toBe(200);
  expect(fleet.server(0).requests[0]?.tls?.clientName).toBe('web.test');
});

test.each([
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', true],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', true],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', true],
  ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', true],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', true],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', true],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', true],
  // These may come at any time, when a request may have been read.
  ['ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC', false],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', false],
  ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', false],
  ['ECONNRESET', false],
])('%s is the refusal of a handshake: %s', (code, refusal) => {
  expect(isHandshakeRefusal(code)).toBe(refusal);
});
