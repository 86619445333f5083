/** The `tls` options: each of them, and which of them need each other. */
import { isIP } from 'node:net';
import type { Pem, TlsOptions } from './options.js';
import type { Place, Reader } from './place.js';
import { itemsOf } from './plain-object.js';
import { boolean, list, object, oneOf, text } from './readers.js';

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/** Never shows what it found: it may be a key. */
const readPemPart: Reader<string | Uint8Array> = (value, at) => {
  const expected = "PEM text ('-----BEGIN …') or its bytes";
  // A view, in place of an instance: jest has buffers of another realm.
  if (ArrayBuffer.isView(value)) {
    return value.byteLength > 0 ? (value as Uint8Array) : at.refuseFound('no bytes', expected);
  }
  if (typeof value !== 'string') return at.refuse(value, expected);
  if (value.includes('-----BEGIN ')) return value;
  return at.refuseFound(
    `other text of ${value.length} characters`,
    expected,
    '; a path must be read first',
  );
};

const readPem: Reader<Pem> = (value, at) => {
  const parts = itemsOf(value);
  if (parts === undefined) return readPemPart(value, at);
  if (parts.length === 0) return at.refuse(value, 'at least one PEM');
  parts.forEach((part, index) => readPemPart(part, at.item(index)));
  return parts as Pem;
};

const readPassphrase: Reader<string> = (value, at) =>
  typeof value === 'string' ? value : at.refuseFound('a value that is not text', 'text');

const readServername: Reader<string> = (value, at) =>
  typeof value === 'string' && (isIP(value) !== 0 || /^[^\s/:]+$/.test(value))
    ? value
    : at.refuse(value, "a host's name, without scheme or port");

const readProtocols: Reader<readonly 'http/1.1'[]> = (value, at) => {
  const protocols = list(oneOf('http/1.1'), "the list ['http/1.1']")(value, at);
  if (protocols?.length === 0) return at.refuse(value, "the list ['http/1.1']");
  return protocols;
};

const tlsObject = object(
  {
    ca: readPem,
    cert: readPem,
    key: readPem,
    passphrase: readPassphrase,
    servername: readServername,
    alpn: readProtocols,
    rejectUnauthorized: boolean,
    minVersion: oneOf(...VERSIONS),
    maxVersion: oneOf(...VERSIONS),
    ciphers: text(/^\S+$/, "ciphers in OpenSSL's notation, separated by ':'"),
  },
  'an object of TLS options, or false',
);

/** What was given, itself; the fields are only looked at. */
export const readTls: Reader<TlsOptions | false> = (value, at) =>
  value === false ? value : tlsObject(value, at) && (value as TlsOptions);

/** Whether what holds in the end, the client's and the service's options together, is of use as a whole. */
export function checkTls(tls: TlsOptions, at: Place): void {
  if (tls.cert !== undefined && tls.key === undefined) {
    at.key('key').refuseFound("nothing beside 'cert'", "the certificate's private key");
  }
  if (tls.key !== undefined && tls.cert === undefined) {
    at.key('cert').refuseFound("nothing beside 'key'", 'the certificate of the private key');
  }
  if (tls.passphrase !== undefined && tls.key === undefined) {
    at.key('passphrase').say("it without 'key'", "'key'", "of use only together with 'key'");
  }
  const { minVersion = 'TLSv1', maxVersion = 'TLSv1.3' } = tls;
  const newest = VERSIONS.indexOf(maxVersion);
  if (newest >= 0 && VERSIONS.indexOf(minVersion) > newest) {
    at.key('maxVersion').refuse(maxVersion, `'${minVersion}', which is 'minVersion', or newer`);
  }
}
