/** Headers as they come off the wire: names and values in turn. */
import type { RawHeader } from './reply.js';

/** A header's name or value as text: HTTP's bytes are Latin-1. */
export function headerText(raw: RawHeader): string {
  if (typeof raw === 'string') return raw;
  if (Buffer.isBuffer(raw)) return raw.toString('latin1');
  return raw.map(headerText).join(', ');
}

/**
 * The first value of a header whose name is given in lower case, without blanks around it (RFC 9110, 5.5); undefined
 * when there is none.
 */
export function headerValue(raw: readonly RawHeader[], name: string): string | undefined {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const found = raw[index] as RawHeader;
    if (found.length === name.length && headerText(found).toLowerCase() === name) {
      return headerText(raw[index + 1] as RawHeader).trim();
    }
  }
  return undefined;
}

/** All of them, as the platform has them. */
export function headersOf(raw: readonly RawHeader[]): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.append(headerText(raw[index] as RawHeader), headerText(raw[index + 1] as RawHeader));
  }
  return headers;
}
