/** Certificates, keys and ciphers that OpenSSL would not take are refused before a connection is made with them. */
import { generateKeyPairSync } from 'node:crypto';
import { DEFAULT_MAX_VERSION, DEFAULT_MIN_VERSION } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { OptionsError } from '../../src/core/errors.js';
import { readUpdate } from '../../src/options/update.js';
import { readOptions } from '../../src/options/validate.js';
import { certificateAuthority } from '../support/certificates.js';
import { KEY, PEM, refusalOf, testRefusals } from './refusal.js';

const ca = await certificateAuthority();
const locked = await ca.issue({ names: ['web.test'], passphrase: 'open sesame' });
const other = await ca.issue({ names: ['other.test'] });
const { privateKey: rsaKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' },
});
const CUT_OFF = PEM.slice(0, 200);
const AUTHORITIES = 'expected certificates of authorities';
const UNREADABLE = /found a certificate( \(number 2 of 2\))? that cannot be read: [\w ]+, expected/;

const tlsRefusal = (tls: object) => refusalOf(() => readOptions({ tls }));

describe('PEM of the wrong kind', () => {
  testRefusals(
    (tls) => readOptions({ tls }),
    [
      ['a key for an authority', { ca: KEY }, `tls.ca: found PEM of 'PRIVATE KEY', ${AUTHORITIES}`],
      [
        'its bytes among others',
        { ca: [PEM, Buffer.from(KEY)] },
        `tls.ca[1]: found PEM of 'PRIVATE KEY', ${AUTHORITIES}`,
      ],
      [
        'bytes that are no PEM',
        { ca: new Uint8Array([48, 130, 1, 10]) },
        `tls.ca: found no PEM at the beginning of a line, ${AUTHORITIES}`,
      ],
      [
        'PEM that is indented, which OpenSSL does not find',
        { ca: PEM.replace(/^/gm, '  ') },
        `tls.ca: found no PEM at the beginning of a line, ${AUTHORITIES}`,
      ],
      [
        'key and certificate in each other’s place',
        { cert: KEY, key: PEM },
        "tls.cert: found PEM of 'PRIVATE KEY', expected the client's certificate, with its chain",
        "tls.key: found PEM of 'CERTIFICATE', expected a private key",
      ],
      [
        'a cipher that does not exist',
        { ciphers: 'MADE-UP' },
        "tls.ciphers: found 'MADE-UP', expected at least one cipher that OpenSSL knows",
      ],
    ],
  );
});

describe('PEM that is damaged', () => {
  test.each([
    ['cut off', CUT_OFF],
    ['with a line of garbage', PEM.replace(/\n.{20}/, '\n????????????????????')],
    ['with nothing in it', PEM.replace(/-\n[^-]*\n-/, '-\n-')],
    ['joined without a line break', `${PEM.trim()}${ca.cert}`],
  ])('a certificate %s', (_what, damaged) => {
    expect(tlsRefusal({ ca: damaged })).toMatch(UNREADABLE);
    expect(tlsRefusal({ cert: damaged, key: KEY })).toMatch(UNREADABLE);
  });

  // OpenSSL stops in silence at the first that it cannot read, and trusts those before it.
  test('one of a bundle, which is said by its number', () => {
    expect(tlsRefusal({ ca: `${PEM}\n${CUT_OFF}` })).toContain(
      'tls.ca: found a certificate (number 2 of 2) that cannot be read: ',
    );
  });

  test('a key', () => {
    expect(tlsRefusal({ cert: PEM, key: KEY.slice(0, 60) })).toMatch(
      /^tls\.key: found a private key that cannot be read: .*, expected a private key$/,
    );
  });
});

describe('pairs', () => {
  const UNFIT = "tls.key: found a key of something else, expected the private key of 'cert'";
  const CLOSED = "expected the passphrase of the encrypted 'key'";
  testRefusals(
    (tls) => readOptions({ tls }),
    [
      ['a key of another certificate', { cert: PEM, key: other.key }, UNFIT],
      [
        'a key of another kind, with which Node would send no certificate at all',
        { cert: PEM, key: rsaKey, passphrase: 'x' },
        UNFIT,
      ],
      [
        'one of two certificates without its key',
        { cert: [PEM, other.cert], key: [KEY, KEY] },
        UNFIT,
      ],
      [
        'no passphrase',
        { cert: locked.cert, key: locked.key },
        `tls.passphrase: found nothing, ${CLOSED}`,
      ],
      [
        'another passphrase, which is not shown',
        { cert: locked.cert, key: locked.key, passphrase: 'abracadabra' },
        `tls.passphrase: found one that does not open it, ${CLOSED}`,
      ],
      [
        'no passphrase for an older form of encryption',
        { cert: PEM, key: rsaKey },
        `tls.passphrase: found nothing, ${CLOSED}`,
      ],
    ],
  );

  test.each([
    ['in text', { cert: PEM, key: KEY }],
    ['in bytes', { cert: Buffer.from(PEM), key: new Uint8Array(Buffer.from(KEY)) }],
    ['in one file', { cert: `${KEY}\n${PEM}`, key: `${KEY}\n${PEM}` }],
    ['with their chain', { cert: `${PEM}\n${ca.cert}`, key: KEY }],
    ['in lists', { cert: [PEM], key: [KEY] }],
    ['encrypted', { cert: locked.cert, key: locked.key, passphrase: 'open sesame' }],
  ])('that are right: %s', (_how, tls) => {
    expect(readOptions({ tls }).defaultPolicy.tls).toEqual(tls);
  });

  test('of a service: the key is its own, the certificate the client’s', () => {
    const services = { 'https://a': { tls: { key: other.key } } };
    expect(refusalOf(() => readOptions({ tls: { cert: PEM, key: KEY }, services }))).toBe(
      "services['https://a'].tls.key: found a key of something else, expected the private key of 'cert'",
    );
    // What is wrong with the client's is said once.
    expect(refusalOf(() => readOptions({ tls: { cert: CUT_OFF, key: KEY }, services }))).toMatch(
      /^tls\.cert: [^\n]*$/,
    );
  });

  test('an update with half a pair changes nothing', () => {
    const current = readOptions({ tls: { cert: PEM, key: KEY } });
    expect(refusalOf(() => readUpdate(current, { tls: { cert: other.cert } }))).toBe(UNFIT);
    const { cert, key } = other;
    expect(readUpdate(current, { tls: { cert, key } }).defaultPolicy.tls).toEqual({ cert, key });
  });
});

test('the error shows neither key nor passphrase, however it is printed', () => {
  const wrong = { cert: PEM, key: other.key, passphrase: 'abracadabra', ca: CUT_OFF };
  try {
    readOptions({ tls: wrong });
    expect.unreachable();
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const shown = `${error.stack} ${JSON.stringify(error.problems)} ${String(error.cause)}`;
    expect(shown).not.toContain('abracadabra');
    expect(shown).not.toContain(other.key.split('\n')[1]);
  }
});

test('a newest version older than Node’s oldest', () => {
  expect(tlsRefusal({ maxVersion: 'TLSv1' })).toBe(
    `tls.maxVersion: found 'TLSv1', expected '${DEFAULT_MIN_VERSION}', which is Node's oldest, or newer`,
  );
  expect(tlsRefusal({ maxVersion: 'TLSv1', minVersion: 'TLSv1' })).toBe('');
  expect(tlsRefusal({ minVersion: DEFAULT_MAX_VERSION })).toBe('');
});
