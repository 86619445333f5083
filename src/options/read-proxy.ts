/** The option `proxy`: a URL, or what the environment says when the client is made. */
import { quote } from './describe.js';
import type { Place, Reader } from './place.js';
import type { ProxyException, ProxyPolicy } from './proxy.js';

const EXPECTED = "the URL of a proxy (http or https, without a path), 'environment' or false";

export const readProxy: Reader<ProxyPolicy | false> = (value, at) => {
  if (value === false) return false;
  if (value === 'environment') return fromEnvironment(at);
  if (typeof value !== 'string') return at.refuse(value, EXPECTED);
  const proxy = proxyUrl(value);
  if (proxy === undefined) {
    const meant = proxyUrl(`http://${value}`);
    const isBare = meant !== undefined && !value.includes('://');
    const hint = isBare ? `; did you mean ${quote(likely(value))}?` : credentialsHint(value);
    return at.refuseFound(hidden(value), EXPECTED, hint);
  }
  return { http: proxy, https: proxy, except: [] };
};

/** Undefined where the environment names none. */
export function usedProxy(policy: ProxyPolicy | undefined): ProxyPolicy | undefined {
  return policy?.http === undefined && policy?.https === undefined ? undefined : policy;
}

/** As in undici: the small spelling goes first, and what has no proxy for https uses that for http. */
function fromEnvironment(at: Place): ProxyPolicy | null {
  const http = variable('HTTP_PROXY');
  const https = variable('HTTPS_PROXY');
  const read = (found: typeof http): string | undefined | null => {
    if (found === undefined) return undefined;
    const url = proxyUrl(found.value.includes('://') ? found.value : `http://${found.value}`);
    if (url !== undefined) return url;
    const expected = 'the URL of a proxy (http or https, without a path)';
    const what = hidden(found.value);
    const hint = credentialsHint(found.value);
    return at.say(what, expected, `${found.name} is ${what}, expected ${expected}${hint}`);
  };
  const forHttp = read(http);
  const forHttps = read(https);
  if (forHttp === null || forHttps === null) return null;
  const except = exceptions(variable('NO_PROXY')?.value ?? '');
  return { http: forHttp, https: forHttps ?? forHttp, except };
}

function variable(name: string): { readonly name: string; readonly value: string } | undefined {
  for (const spelling of [name.toLowerCase(), name]) {
    const value = process.env[spelling];
    if (value !== undefined && value !== '') return { name: spelling, value };
  }
  return undefined;
}

function proxyUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, pathname, search, hash, username, password, href } = new URL(text);
  const isHttp = protocol === 'http:' || protocol === 'https:';
  if (!isHttp || pathname !== '/' || search !== '' || hash !== '') return undefined;
  return isDecodable(username) && isDecodable(password) ? href : undefined;
}

/** For a word that stands for the environment, or a host without its scheme. */
function likely(text: string): string {
  return /^env(ironment)?$/i.test(text) ? 'environment' : `http://${text}`;
}

/** The parser of URLs takes a `%` in a password as it stands, and then it cannot be read. */
function credentialsHint(text: string): string {
  return /%(?![\da-f]{2})[^@]*@/i.test(text) ? "; a '%' in credentials is written %25" : '';
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** `host`, `.host` and `*.host`, each with all below it, and a port or none; between commas or blanks. */
export function exceptions(text: string): ProxyException[] {
  return text
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [, host = entry, port = '0'] = /^(.+?):(\d+)$/.exec(entry) ?? [];
      const isHost = !host.includes(':') || host.startsWith('[');
      const name = isHost ? host : `[${entry}]`;
      return { host: canonical(name.replace(/^\*?\./, '')), port: isHost ? Number(port) : 0 };
    });
}

/** As it stands in a URL; what is plain is taken as it is, `10.1` for no address. */
function canonical(host: string): string {
  const isPlain = /^[\w.*/-]*$/.test(host);
  const url = `http://${host}`;
  return !isPlain && URL.canParse(url) ? new URL(url).hostname : host.toLowerCase();
}

/** A password may stand where no URL is. */
function hidden(text: string): string {
  return quote(text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1***@'));
}
