/** The `tls` options: each of them, and which of them need each other. */
import { isIP } from 'node:net';
import { DEFAULT_MAX_VERSION, DEFAULT_MIN_VERSION } from 'node:tls';
import { listOf, quote } from './describe.js';
import type { Pem, TlsOptions } from './options.js';
import { Place, type Reader } from './place.js';
import { itemsOf } from './plain-object.js';
import { boolean, list, object, oneOf, text } from './readers.js';
import {
  certificateProblem,
  ciphersProblem,
  keyProblem,
  pairProblem,
  type PemPart,
} from './tls-material.js';

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/** Says what is wrong with PEM; undefined: nothing. */
type Check = (pem: PemPart) => string | undefined;

/** Never shows what it found: it may be a key. */
const readPemText: Reader<PemPart> = (value, at) => {
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

function pem(check: Check, expected: string): Reader<Pem> {
  const readPart: Reader<PemPart> = (value, at) => {
    const part = readPemText(value, at);
    const problem = part === null ? undefined : check(part);
    return problem === undefined ? part : at.refuseFound(problem, expected);
  };
  return (value, at) => {
    const parts = itemsOf(value);
    if (parts === undefined) return readPart(value, at);
    if (parts.length === 0) return at.refuse(value, 'at least one PEM');
    parts.forEach((part, index) => readPart(part, at.item(index)));
    return parts as Pem;
  };
}

const readAuthorities = pem(certificateProblem, 'certificates of authorities');
const readCertificate = pem(certificateProblem, "the client's certificate, with its chain");
const readKey = pem(keyProblem, 'a private key');

const readPassphrase: Reader<string> = (value, at) =>
  typeof value === 'string' ? value : at.refuseFound('a value that is not text', 'text');

const readServername: Reader<string> = (value, at) =>
  typeof value === 'string' && (isIP(value) !== 0 || /^[^\s/:]+$/.test(value))
    ? value
    : at.refuse(value, "a host's name, without scheme or port");

const PROTOCOLS = "the list ['http/1.1']";

const readProtocol: Reader<'http/1.1'> = (value, at) =>
  value === 'http/1.1' ? value : at.refuse(value, "'http/1.1'", hintForHttp2(value));

const readProtocols: Reader<readonly 'http/1.1'[]> = (value, at) => {
  const items = itemsOf(value);
  if (items === undefined || items.length === 0) {
    return at.refuse(value, PROTOCOLS, hintForHttp2(value));
  }
  return list(readProtocol, PROTOCOLS)(value, at);
};

function hintForHttp2(value: unknown): string {
  const isHttp2 = typeof value === 'string' && /^(?:h|http\/)2(?:\.0)?$/i.test(value);
  return isHttp2 ? "; HTTP/2 is 'connectionPool.http2: true'" : '';
}

const oneOfVersions = oneOf(...VERSIONS);

/** The number of a version says what was meant. */
const readVersion: Reader<(typeof VERSIONS)[number]> = (value, at) => {
  const written = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const [, minor] = /^(?:tls ?v?)?1\.([0-3])$/i.exec(written) ?? [];
  const meant = minor === undefined ? undefined : VERSIONS[Number(minor)];
  if (meant === undefined || meant === value) return oneOfVersions(value, at);
  return at.refuse(value, listOf(VERSIONS), `; did you mean ${quote(meant)}?`);
};

const readCipherText = text(/^\S+$/, "ciphers in OpenSSL's notation, separated by ':'");

const readCiphers: Reader<string> = (value, at) => {
  const ciphers = readCipherText(value, at);
  if (ciphers === null || ciphersProblem(ciphers) === undefined) return ciphers;
  return at.refuse(ciphers, 'at least one cipher that OpenSSL knows');
};

const tlsObject = object(
  {
    ca: readAuthorities,
    cert: readCertificate,
    key: readKey,
    passphrase: readPassphrase,
    servername: readServername,
    alpn: readProtocols,
    rejectUnauthorized: boolean,
    minVersion: readVersion,
    maxVersion: readVersion,
    ciphers: readCiphers,
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
  checkVersions(tls, at);
  checkPair(tls, at);
}

function checkVersions(tls: TlsOptions, at: Place): void {
  const { minVersion = DEFAULT_MIN_VERSION, maxVersion = DEFAULT_MAX_VERSION } = tls;
  const [oldest, newest] = [VERSIONS.indexOf(minVersion), VERSIONS.indexOf(maxVersion)];
  // One that nobody knows has been refused already.
  if (newest < 0 || oldest <= newest) return;
  if (tls.maxVersion === undefined) {
    at.key('minVersion').refuse(minVersion, `'${maxVersion}', which is Node's newest, or older`);
  } else {
    const whose = tls.minVersion === undefined ? "Node's oldest" : "'minVersion'";
    at.key('maxVersion').refuse(maxVersion, `'${minVersion}', which is ${whose}, or newer`);
  }
}

/** Whether the key opens, and fits its certificate: Node itself would leave out a certificate that has no key. */
function checkPair({ cert, key, passphrase }: TlsOptions, at: Place): void {
  if (cert === undefined || key === undefined) return;
  // What cannot even be read has been refused already, here or in the client's options.
  const unread = new Place('', []);
  readCertificate(cert, unread);
  readKey(key, unread);
  if (passphrase !== undefined) readPassphrase(passphrase, unread);
  if (unread.problems.length > 0) return;
  const problem = pairProblem(cert, key, passphrase);
  if (problem !== undefined) {
    at.key(problem.option).refuseFound(problem.found, problem.expected);
  }
}
