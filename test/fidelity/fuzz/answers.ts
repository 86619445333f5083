/** Scripts of servers, drawn by fast-check as plain data, and the bytes that they are. */
import fc from 'fast-check';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { RawAnswer } from './raw-server.js';

/** An answer as it is drawn: plain data, which shrinks and prints well. */
export interface DrawnAnswer {
  readonly information: readonly string[];
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** What the body is encoded with, whatever the headers say. */
  readonly encoded: 'gzip' | 'deflate' | 'raw deflate' | 'br' | undefined;
  readonly framing: 'length' | 'chunked' | 'close' | 'too short' | 'too long';
  /** Bytes of the whole after which it breaks off. */
  readonly cut: { readonly at: number; readonly by: 'close' | 'reset' } | undefined;
  /** Where the bytes are parted. */
  readonly parts: readonly number[];
  /** In place of all that. */
  readonly garbage: string | undefined;
}

/** Where a redirect points; `{…}` is an origin of the case. */
const LOCATIONS = [
  '/next',
  'next?q=1',
  '?only=query',
  '#fragment',
  '/next#fragment',
  '',
  '/a b/ü',
  '//{other-host}/there',
  '{here}/next',
  '{other}/there',
  '{other}/there#x',
  '{dead}/',
  'ftp://example.test/',
  'data:text/plain,no',
  'http://',
  'http://user:secret@{here-host}/',
];

const BODIES = [
  '',
  'fine',
  '{"a":1}',
  '{"a":',
  'null',
  '\ufeffmarked',
  '\ufeff{"marked":true}',
  'ü€𝄞',
  '\u0000\u0001',
  'a=1&b=two+words&a=%FC',
  '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
  '--x\r\ncontent-disposition: form-data; name="f"; filename="n.txt"\r\ncontent-type: text/plain\r\n\r\nfile\r\n--x--\r\n',
  'long '.repeat(3000),
];

const TYPES = [
  'text/plain',
  'text/html; charset=latin1',
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'TEXT/PLAIN;Charset="UTF-8"',
  'nonsense',
  '',
];

const CODINGS = [
  'gzip',
  'x-gzip',
  'GZIP',
  'deflate',
  'br',
  'identity',
  'gzip, br',
  'zstd',
  'odd',
  '',
];

const OTHERS: readonly (readonly [string, string])[] = [
  ['set-cookie', 'a=1'],
  ['Set-Cookie', 'b=2; Path=/'],
  ['set-cookie', ''],
  ['X-A', '1'],
  ['x-a', '2'],
  ['x-empty', ''],
  ['x-latin', 'gr\u00fc\u00df'],
  ['x-comma', 'a, b'],
  ['vary', '*'],
  ['etag', '"1"'],
  ['date', 'Mon, 01 Jan 2024 00:00:00 GMT'],
  ['age', '1'],
  ['retry-after', '1'],
  ['www-authenticate', 'Basic realm="x"'],
  ['content-range', 'bytes 0-1/2'],
  ['content-language', 'de'],
  ['connection', 'close'],
  ['Connection', 'keep-alive'],
  ['keep-alive', 'timeout=5'],
  ['refresh', '0; url=/'],
  ['access-control-allow-origin', '*'],
  ['x-content-type-options', 'nosniff'],
];

const usual = [200, 200, 200, 200, 201, 202, 203, 204, 205, 206, 300, 304, 400, 401, 403, 404];
const unusual = [407, 408, 421, 410, 425, 429, 451, 500, 502, 503, 504, 511, 599];

const header = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...OTHERS) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...TYPES).map((type) => ['content-type', type] as const),
  },
);

const garbage = fc.constantFrom(
  'garbage\r\n\r\n',
  'HTTP/1.1\r\n\r\n',
  'HTTP/1.1 abc OK\r\n\r\n',
  'HTTP/9.9 200 OK\r\n\r\n',
  'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-length: abc\r\n\r\nabc',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nfine\r\n0\r\n\r\n',
  '',
);

/** Most parts are usual, so that each case is odd in few places only. */
const seldom = <T, N>(usually: N, arbitrary: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T | N> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(usually) }, { weight, arbitrary });

export const finalAnswer: fc.Arbitrary<DrawnAnswer> = fc
  .record({
    information: seldom([] as string[], fc.constantFrom(['103'], ['102', '103'], ['100'])),
    version: seldom('1.1', fc.constant('1.0')),
    status: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...usual) },
      { weight: 2, arbitrary: fc.constantFrom(...unusual) },
      { weight: 1, arbitrary: fc.constantFrom(600, 799, 999, 226, 299, 418) },
    ),
    reason: seldom('OK', fc.constantFrom('', 'Not So Fine', 'Gr\u00fcn', 'a  b', '\ttab')),
    headers: fc.array(header, { maxLength: 5 }),
    coding: seldom(undefined, fc.constantFrom(...CODINGS), 10),
    isTrue: fc.boolean(),
    body: fc.constantFrom(...BODIES),
    framing: seldom(
      'length' as const,
      fc.constantFrom(
        'chunked' as const,
        'close' as const,
        'too short' as const,
        'too long' as const,
      ),
      15,
    ),
    cut: seldom(
      undefined,
      fc.record({ at: fc.nat(400), by: fc.constantFrom('close' as const, 'reset' as const) }),
    ),
    // Not within the first line: some versions of the parser lose its words then.
    parts: seldom(
      [] as number[],
      fc.array(fc.integer({ min: 60, max: 300 }), { maxLength: 3 }),
      10,
    ),
    garbage: seldom(undefined, garbage, 1),
  })
  .map(({ coding, isTrue, headers, ...drawn }) => {
    const encoded = coding === undefined ? undefined : encodingOf(coding);
    // Of two reasons to fail at once, the one that is met first is a matter of chance.
    const mayLie = drawn.cut === undefined && !drawn.framing.startsWith('too');
    const lies = mayLie && (encoded === undefined || !isTrue);
    const isSaid = coding !== undefined && (encoded !== undefined || mayLie);
    return {
      ...drawn,
      headers: isSaid ? [...headers, ['content-encoding', coding] as const] : headers,
      encoded: lies ? undefined : encoded,
    };
  })
  .map((drawn) => (drawn.status === 421 ? atOnce(drawn) : drawn));

/** The platform asks again then, and gives up in ways of its own where the body of the first answer is not over yet. */
function atOnce(drawn: DrawnAnswer): DrawnAnswer {
  const headers = drawn.headers.filter(
    ([name, value]) => name !== 'content-encoding' && value !== 'close',
  );
  const whole = { cut: undefined, encoded: undefined, framing: 'length', parts: [] } as const;
  return { ...drawn, ...whole, headers, version: '1.1', information: [] };
}

const redirectAnswer: fc.Arbitrary<DrawnAnswer> = fc
  .record({
    answer: finalAnswer,
    status: fc.constantFrom(301, 302, 303, 307, 308),
    locations: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...LOCATIONS).map((one): string[] => [one]) },
      { weight: 1, arbitrary: fc.constantFrom<string[]>([], ['/a', '/b'], ['/a', '/a']) },
    ),
  })
  .map(({ answer, status, locations }) => ({
    ...answer,
    status,
    garbage: undefined,
    headers: [
      ...locations.map((one) => ['Location', one] as const),
      ...answer.headers.filter(
        ([name]) => answer.encoded !== undefined || name !== 'content-encoding',
      ),
    ],
  }));

/** What one server says to the requests of a case, one after another; the last is repeated. */
export const script: fc.Arbitrary<readonly DrawnAnswer[]> = fc
  .tuple(fc.array(redirectAnswer, { maxLength: 2 }), finalAnswer)
  .chain(([redirects, last]) =>
    fc.constantFrom([last], [last], [...redirects, last], [...redirects, last]),
  );

function encodingOf(coding: string): DrawnAnswer['encoded'] {
  if (/gzip$/i.test(coding)) return 'gzip';
  if (coding === 'deflate' || coding === 'br') return coding;
  return undefined;
}

const encoders = {
  gzip: gzipSync,
  deflate: deflateSync,
  'raw deflate': deflateRawSync,
  br: brotliCompressSync,
};

/** The bytes of an answer; `places` says what stands for `{here}` and the like. */
export function bytesOf(
  drawn: DrawnAnswer,
  requestLine: string,
  places: (text: string) => string,
): RawAnswer {
  if (drawn.garbage !== undefined) {
    return { pieces: [Buffer.from(drawn.garbage, 'latin1')], end: 'close' };
  }
  const { status, framing, cut } = drawn;
  const plain = Buffer.from(drawn.body);
  const body = drawn.encoded === undefined ? plain : encoders[drawn.encoded](plain);
  const bodiless = requestLine.startsWith('HEAD ') || status === 204 || status === 304;
  const lines = [`HTTP/${drawn.version} ${status} ${drawn.reason}`];
  for (const [name, value] of drawn.headers) lines.push(`${name}: ${places(value)}`);
  // An answer that may not have a body says nothing of one: what came behind it would be the next answer.
  if (status !== 204 && status !== 304) {
    if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
    if (framing === 'length') lines.push(`Content-Length: ${body.length}`);
    if (framing === 'too short') lines.push(`Content-Length: ${Math.max(0, body.length - 2)}`);
    if (framing === 'too long') lines.push(`Content-Length: ${body.length + 2}`);
  }
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const before = drawn.information.map((code) =>
    Buffer.from(`HTTP/1.1 ${code} Early\r\nlink: </a>\r\n\r\n`),
  );
  const parts = before.length === 0 ? drawn.parts : [];
  const content = framing === 'chunked' ? chunked(body) : body;
  const whole = Buffer.concat([...before, head, ...(bodiless ? [] : [content])]);
  const endsByClose =
    framing === 'close' ||
    drawn.version === '1.0' ||
    drawn.headers.some(([, value]) => value === 'close');
  if (cut !== undefined && cut.at < whole.length) {
    // A reset where a close is to come is the end of the body for the platform, and a failure for ours.
    const end = endsByClose ? 'close' : cut.by;
    return { pieces: partsOf(whole.subarray(0, cut.at), parts), end };
  }
  const isComplete = bodiless || framing === 'length' || framing === 'chunked';
  const closes = endsByClose || !isComplete;
  return { pieces: partsOf(whole, parts), end: closes ? 'close' : 'keep' };
}

function chunked(body: Buffer): Buffer {
  const half = Math.floor(body.length / 2);
  const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
  return Buffer.concat([
    ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, CRLF]),
    Buffer.from('0\r\n\r\n'),
  ]);
}

const CRLF = Buffer.from('\r\n');

function partsOf(bytes: Buffer, parts: readonly number[]): Buffer[] {
  const ends = [...new Set(parts.filter((at) => at > 0 && at < bytes.length))].sort(
    (a, b) => a - b,
  );
  return [0, ...ends].map((from, index) => bytes.subarray(from, ends[index] ?? bytes.length));
}
