/** Requests, drawn by fast-check as plain data, and the arguments of fetch that they are. */
import fc from 'fast-check';
import { Readable } from 'node:stream';

/** By name, so that it prints and shrinks; made anew for each side. */
export interface DrawnRequest {
  readonly url: string;
  readonly urlForm: 'text' | 'URL' | 'object' | 'Request' | 'Request and init';
  readonly method: string | null | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly headerForm: 'none' | 'record' | 'pairs' | 'Headers' | 'Map';
  readonly body: string;
  /** Other members of init, each by name and value. */
  readonly members: Readonly<Record<string, string | boolean | null | undefined>>;
  readonly signal: 'none' | 'quiet' | 'aborted' | 'aborted, a reason' | 'null' | 'odd';
}

const URLS = [
  '{here}/',
  '{here}/path?query=1#fragment',
  '{here}',
  '{here}/a/../b/./c',
  '{here}/a b/\u00fc?q=\u00e4 b',
  '{here}/%zz/%41',
  '{here}/?',
  '{here}/?#',
  '{here}//double',
  '  {here}/spaces\t',
  '{here}/\\back',
  'HTTP://{here-host}/upper',
  'http://user:secret@{here-host}/',
  'http://user@{here-host}/',
  '{dead}/',
  'http://127.0.0.1:9/',
  'http://127.0.0.1:99999/',
  'http://',
  '/relative',
  '',
  'ftp://example.test/',
  'about:blank',
  'data:text/plain,fine',
  'data:application/json;base64,eyJhIjoxfQ==',
  'data:nonsense',
  'blob:nodedata:nothing',
  'file:///nothing',
];

const METHODS = [
  ...['POST', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'HEAD', 'OPTIONS'],
  ...['get', 'post', 'patch', 'pAtCh', 'head', 'Delete', 'QUERY', 'odd', 'PROPFIND'],
  ...['TRACE', 'connect', 'TRACK', '', 'a b', 'GET\n', 'G\u00cbT'],
];

const HEADERS: readonly (readonly [string, string])[] = [
  ['x-a', '1'],
  ['X-A', '2'],
  ['x-empty', ''],
  ['x-space', '  a  b '],
  ['x-latin', 'gr\u00fc\u00df'],
  ['x-wide', '\u20ac'],
  ['x-line', 'a\nb'],
  ['x-nul', 'a\u0000b'],
  ['a b', '1'],
  ['', '1'],
  ['x-\u00fc', '1'],
  ['x:y', '1'],
  ['accept', 'text/plain'],
  ['Accept-Encoding', 'identity'],
  ['accept-language', 'de'],
  ['user-agent', 'me'],
  ['content-type', 'text/odd'],
  ['Content-Type', ''],
  ['cookie', 'a=1'],
  ['authorization', 'Bearer x'],
  ['proxy-authorization', 'x'],
  ['host', 'elsewhere.test'],
  ['origin', 'http://elsewhere.test'],
  ['referer', 'http://elsewhere.test'],
  ['range', 'bytes=0-1'],
  ['if-none-match', '"1"'],
  ['cache-control', 'no-cache'],
  ['pragma', 'x'],
  ['sec-fetch-mode', 'odd'],
  ['sec-x', '1'],
  ['te', 'trailers'],
  ['keep-alive', 'timeout=5'],
  ['transfer-encoding', 'chunked'],
  ['upgrade', 'websocket'],
  ['date', 'today'],
  ['expect', '100-continue'],
  ['Expect', 'odd'],
  ['connection', 'close'],
];

const BODIES = [
  ...['text', 'empty text', 'bytes', 'view', 'buffer', 'blob', 'typed blob', 'parameters'],
  ...['stream', 'empty stream', 'stream of text', 'failing stream', 'locked stream', 'read stream'],
  ...['number', 'object', 'null', 'undefined', 'false', 'URL'],
  ...['form', 'iterator', "stream of Node's"],
];

const MEMBERS = {
  redirect: fc.constantFrom('follow', 'manual', 'manual', 'error', 'error', 'odd', ''),
  credentials: fc.constantFrom('omit', 'include', 'same-origin', 'odd'),
  mode: fc.constantFrom('cors', 'no-cors', 'same-origin', 'navigate', 'odd'),
  cache: fc.constantFrom('default', 'no-store', 'reload', 'no-cache', 'only-if-cached', 'odd'),
  referrer: fc.constantFrom('', 'about:client', '{here}/from', 'http://', 'no-referrer'),
  referrerPolicy: fc.constantFrom('no-referrer', 'origin', 'unsafe-url', 'odd', ''),
  // Of 'fine', of something else, and of no known kind.
  integrity: fc.constantFrom(
    'sha256-XxxYlB4PzFQpmDi6G0BK3R4q1nrbGVXOVWCpLdYDlqs=',
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    'odd',
    '',
  ),
  keepalive: fc.constantFrom(true, false),
  window: fc.constantFrom(null, 'odd'),
  duplex: fc.constantFrom('half', 'half', 'full', undefined),
  priority: fc.constantFrom('high', 'low', 'odd'),
  odd: fc.constant('ignored'),
};

/** Most of a request is usual, so that each is odd in few places only. */
const seldom = <T, N>(usually: N, arbitrary: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T | N> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(usually) }, { weight, arbitrary });

export const request: fc.Arbitrary<DrawnRequest> = fc
  .record({
    url: seldom('{here}/path', fc.constantFrom(...URLS)),
    urlForm: fc.constantFrom(
      'text',
      'text',
      'text',
      'URL',
      'object',
      'Request',
      'Request and init',
    ),
    method: seldom(undefined, fc.constantFrom(...METHODS, null), 6),
    headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 3 }),
    headerForm: fc.constantFrom('none', 'record', 'record', 'pairs', 'Headers', 'Map'),
    body: fc.constantFrom(...BODIES),
    hasBody: fc.integer({ min: 0, max: 9 }),
    members: seldom({}, fc.record(MEMBERS, { requiredKeys: [] }).chain(fewOf)),
    signal: seldom(
      'none',
      fc.constantFrom('quiet', 'quiet', 'aborted', 'aborted, a reason', 'null', 'odd'),
    ),
  })
  .map(({ hasBody, members, ...drawn }) => {
    // A body mostly where there may be one.
    const may = drawn.method != null && /^(p|delete|options|query|odd)/i.test(drawn.method);
    const body = hasBody < (may ? 8 : 1) ? drawn.body : 'undefined';
    const streams = /stream|iterator/.test(body) && hasBody > 0 && !('duplex' in members);
    return { ...drawn, body, members: streams ? { ...members, duplex: 'half' } : members };
  }) as fc.Arbitrary<DrawnRequest>;

/** One or two of the members at a time. */
function fewOf(members: object): fc.Arbitrary<object> {
  const pairs = Object.entries(members);
  return fc
    .subarray(pairs, { maxLength: Math.min(2, pairs.length) })
    .map((some) => Object.fromEntries(some) as object);
}

/** The arguments of fetch. Throws what the platform's constructors throw, as the caller's own code would. */
export function argumentsOf(
  drawn: DrawnRequest,
  places: (text: string) => string,
): readonly [string | URL | Request, RequestInit | undefined] {
  const url = places(drawn.url);
  const init = initOf(drawn, places);
  switch (drawn.urlForm) {
    case 'URL':
      return [new URL(url), init];
    case 'object':
      return [{ toString: () => url } as unknown as string, init];
    case 'Request':
      return [new Request(url, init), undefined];
    case 'Request and init': {
      const { method, body, duplex, ...rest } = init as RequestInit & { duplex?: string };
      const first = { method, body, duplex } as RequestInit;
      return [
        new Request(url, JSON.stringify(first) === '{}' && body === undefined ? {} : clean(first)),
        rest,
      ];
    }
    default:
      return [url, Object.keys(init).length === 0 ? undefined : init];
  }
}

function clean(init: RequestInit): RequestInit {
  return Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined));
}

function initOf(drawn: DrawnRequest, places: (text: string) => string): RequestInit {
  const init: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(drawn.members)) {
    init[name] = typeof value === 'string' ? places(value) : value;
  }
  if (drawn.method !== undefined) init.method = drawn.method;
  if (drawn.headerForm !== 'none') init.headers = headersOf(drawn);
  if (drawn.body !== 'undefined') init.body = makeBody(drawn.body);
  if (drawn.signal !== 'none') init.signal = signalOf(drawn.signal);
  return init;
}

function headersOf({ headers, headerForm }: DrawnRequest): unknown {
  const pairs = headers.map((pair) => [...pair] as [string, string]);
  if (headerForm === 'record') return Object.fromEntries(pairs);
  if (headerForm === 'Headers') return new Headers(pairs);
  return headerForm === 'Map' ? new Map(pairs) : pairs;
}

function signalOf(kind: DrawnRequest['signal']): unknown {
  if (kind === 'null') return null;
  if (kind === 'odd') return {};
  if (kind === 'aborted') return AbortSignal.abort();
  if (kind === 'aborted, a reason') return AbortSignal.abort(new RangeError('a reason'));
  return new AbortController().signal;
}

function streamOf(...pieces: unknown[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

function makeBody(kind: string): unknown {
  const bytes = new TextEncoder().encode('some b\u00f6dy');
  switch (kind) {
    case 'text':
      return 'some b\u00f6dy';
    case 'empty text':
      return '';
    case 'bytes':
      return bytes;
    case 'view':
      return new DataView(bytes.buffer, 1, 4);
    case 'buffer':
      return bytes.buffer;
    case 'blob':
      return new Blob([bytes]);
    case 'typed blob':
      return new Blob([bytes], { type: 'text/odd' });
    case 'parameters':
      return new URLSearchParams({ a: '1', b: 'two words' });
    case 'form': {
      const form = new FormData();
      form.append('a', '1');
      form.append('f', new Blob(['file'], { type: 'text/plain' }), 'n\u00fcme.txt');
      return form;
    }
    case 'stream':
      return streamOf(bytes, bytes);
    case 'empty stream':
      return streamOf();
    case 'stream of text':
      return streamOf('some text');
    case 'failing stream':
      return new ReadableStream({
        pull: (controller) => controller.error(new RangeError('the stream failed')),
      });
    case 'locked stream': {
      const stream = streamOf(bytes);
      stream.getReader();
      return stream;
    }
    case 'read stream': {
      const stream = streamOf(bytes);
      void stream.cancel();
      return stream;
    }
    case 'iterator':
      return (async function* () {
        yield bytes;
      })();
    case "stream of Node's":
      return Readable.from([Buffer.from(bytes)]);
    case 'number':
      return 7;
    case 'object':
      return { toString: () => 'an object' };
    case 'null':
      return null;
    case 'false':
      return false;
    case 'URL':
      return new URL('http://example.test/');
    default:
      return undefined;
  }
}
