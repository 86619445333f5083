/** What OpenSSL makes of certificates, keys and ciphers. None of the answers shows what it was asked about. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { listOf } from './describe.js';
import type { Pem } from './options.js';

/** Text or bytes, of which the beginning says that they are PEM. */
export type PemPart = string | Uint8Array;

const CERTIFICATE = /^(?:X509 |TRUSTED )?CERTIFICATE$/;

interface Block {
  readonly label: string;
  readonly text: string;
}

/** What is wrong with PEM that should hold certificates, and maybe more; undefined: nothing. */
export function certificateProblem(pem: PemPart): string | undefined {
  const blocks = blocksOf(pem);
  const certificates = blocks.filter(({ label }) => CERTIFICATE.test(label));
  if (certificates.length === 0) return otherPem(blocks);
  for (const [index, { text }] of certificates.entries()) {
    const reason = refusalOf(() => new X509Certificate(text));
    if (reason === undefined) continue;
    const which = certificates.length > 1 ? ` (number ${index + 1} of ${certificates.length})` : '';
    return `a certificate${which} that cannot be read: ${reason}`;
  }
  return undefined;
}

/** What is wrong with PEM that should hold a private key, without opening it. */
export function keyProblem(pem: PemPart): string | undefined {
  const blocks = blocksOf(pem);
  return blocks.some(({ label }) => label.endsWith('PRIVATE KEY')) ? undefined : otherPem(blocks);
}

export function ciphersProblem(ciphers: string): string | undefined {
  return contextProblem({ ciphers });
}

/** Where the trouble lies, and what it is. */
export interface PairProblem {
  readonly option: 'cert' | 'key' | 'passphrase';
  readonly found: string;
  readonly expected: string;
}

/** What is wrong with keys for certificates that have been found right. */
export function pairProblem(cert: Pem, key: Pem, passphrase?: string): PairProblem | undefined {
  for (const pem of partsOf(key)) {
    const reason = contextProblem({ key: pem, passphrase });
    if (reason === undefined) continue;
    if (!isEncrypted(pem)) {
      const found = `a private key that cannot be read: ${reason}`;
      return { option: 'key', found, expected: 'a private key' };
    }
    const found = passphrase === undefined ? 'nothing' : 'one that does not open it';
    return { option: 'passphrase', found, expected: "the passphrase of the encrypted 'key'" };
  }
  const keys = partsOf(key).map((pem) => createPrivateKey({ key: textOf(pem), passphrase }));
  for (const pem of partsOf(cert)) {
    const own = blocksOf(pem).find(({ label }) => CERTIFICATE.test(label));
    // The first of a chain is the client's own.
    const certificate = own && new X509Certificate(own.text);
    if (certificate === undefined || keys.some((one) => certificate.checkPrivateKey(one))) continue;
    return {
      option: 'key',
      found: 'a key of something else',
      expected: "the private key of 'cert'",
    };
  }
  const reason = contextProblem({ cert, key, passphrase });
  if (reason === undefined) return undefined;
  const found = `a certificate that OpenSSL refuses: ${reason}`;
  return { option: 'cert', found, expected: 'one that it takes' };
}

function partsOf(pem: Pem): readonly PemPart[] {
  return typeof pem === 'string' || ArrayBuffer.isView(pem) ? [pem] : pem;
}

function textOf(pem: PemPart): string {
  if (typeof pem === 'string') return pem;
  return Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).toString('latin1');
}

/** What stands between one beginning and the next: the end of a block may be missing. */
function blocksOf(pem: PemPart): readonly Block[] {
  const text = textOf(pem);
  const begins = [...text.matchAll(/^-----BEGIN ([A-Z0-9 ]*)-----/gm)];
  return begins.map((begin, index) => ({
    label: begin[1] ?? '',
    text: text.slice(begin.index, begins[index + 1]?.index),
  }));
}

function isEncrypted(pem: PemPart): boolean {
  return blocksOf(pem).some(
    ({ label, text }) => label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(text),
  );
}

function otherPem(blocks: readonly Block[]): string {
  const labels = [...new Set(blocks.map(({ label }) => label))];
  return labels.length === 0
    ? 'no PEM at the beginning of a line'
    : `PEM of ${listOf(labels, 'and')}`;
}

/** Without authorities: to read those that Node trusts takes long. */
function contextProblem(options: object): string | undefined {
  return refusalOf(() => createSecureContext({ ca: [], ...options }));
}

/** Why OpenSSL would not, in its own words. */
function refusalOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    const { reason, message } = error as Error & { reason?: string };
    return reason ?? message;
  }
}
