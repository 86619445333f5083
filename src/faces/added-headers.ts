/** What the platform's fetch adds to a request where the caller has not said otherwise. */
import { PLATFORM } from './platform.js';

/** The fetch in Node 26 and later asks for zstd, and tells its mode to trustworthy origins only. */
const IS_LATER = PLATFORM >= 8;

/** Hosts of this machine, as the platform tells them. */
const LOCAL = /^(?:127(?:\.\d+){3}|\[::1\]|(?:.*\.)?localhost\.?)$/;

/** Names and values in turn. The service as it is called. */
export function addedHeaders({ protocol, hostname }: URL): readonly string[] {
  const isSecure = protocol === 'https:';
  const tellsMode = !IS_LATER || isSecure || LOCAL.test(hostname);
  const secured = IS_LATER ? 'br, gzip, deflate, zstd' : 'br, gzip, deflate';
  return [
    ...['accept', '*/*'],
    ...['accept-language', '*'],
    ...(tellsMode ? ['sec-fetch-mode', 'cors'] : []),
    ...['user-agent', 'node'],
    ...['accept-encoding', isSecure ? secured : 'gzip, deflate'],
  ];
}
