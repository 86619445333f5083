/** A certificate authority for tests, and certificates from it, made without any program outside Node. */
import { isIP } from 'node:net';
import { generate } from 'selfsigned';

/** Both in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** Host names and addresses; the first is also the common name. */
  readonly names: readonly [string, ...string[]];
  /** Encrypts the key. */
  readonly passphrase?: string;
  /** When it ends; in the past for one that has run out. Default: in a day. */
  readonly until?: Date;
}

export interface CertificateAuthority {
  /** What a client trusts. */
  readonly cert: string;
  /** A certificate for a server or a client. */
  issue(request: CertificateRequest): Promise<Certificate>;
  /** An authority that this one vouches for. */
  subordinate(name: string): Promise<CertificateAuthority>;
}

const DAY = 24 * 60 * 60 * 1000;
const SHARED = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

export async function certificateAuthority(
  name = 'test authority',
  above?: Certificate,
): Promise<CertificateAuthority> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...SHARED,
    ...validUntil(new Date(Date.now() + DAY)),
    ...(above !== undefined && { ca: above }),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    cert,
    issue: (request) => issue(request, { cert, key }),
    subordinate: (below) => certificateAuthority(below, { cert, key }),
  };
}

async function issue(request: CertificateRequest, ca: Certificate): Promise<Certificate> {
  const { names, passphrase, until = new Date(Date.now() + DAY) } = request;
  const { cert, private: key } = await generate([{ name: 'commonName', value: names[0] }], {
    ...SHARED,
    ...validUntil(until),
    ca,
    ...(passphrase !== undefined && { passphrase }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((value) =>
          isIP(value) === 0 ? { type: 2 as const, value } : { type: 7 as const, ip: value },
        ),
      },
    ],
  });
  return { cert, key };
}

/** It begins two days before its end, so that both ends can lie in the past. */
function validUntil(end: Date) {
  return { notBeforeDate: new Date(end.getTime() - 2 * DAY), notAfterDate: end };
}
