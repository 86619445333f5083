/** What of the caller's headers arrives, and what of them is refused. */
import { describe } from 'vitest';
import { sameAsPlatform, useServers, type Bench, type CheckOptions } from './differential.js';
import { called, outcome, whole } from './seen.js';

useServers();

/** As headers, with a body and without, and as the headers of a Request, which the platform reads. */
function sameHeaders(
  name: string,
  make: (bench: Bench) => unknown,
  options: CheckOptions = {},
  ofRequest: CheckOptions = {},
): void {
  const headersOf = (bench: Bench) => make(bench) as NonNullable<RequestInit['headers']>;
  sameAsPlatform(
    `${name}, GET`,
    (bench) => called(bench.fetch, bench.url, { headers: headersOf(bench) }),
    options,
  );
  sameAsPlatform(
    `${name}, POST`,
    (bench) =>
      called(bench.fetch, bench.url, { method: 'POST', body: 'posted', headers: headersOf(bench) }),
    options,
  );
  sameAsPlatform(
    `${name}, in a Request`,
    async (bench) => {
      const made = await outcome(() => new Request(bench.url, { headers: headersOf(bench) }));
      const request = (made as { value?: Request }).value;
      return request === undefined ? made : called(bench.fetch, request);
    },
    ofRequest,
  );
}

const long = 'x'.repeat(4000);

describe('in each of their forms', () => {
  const forms: Record<string, () => unknown> = {
    none: () => undefined,
    null: () => null,
    'an empty record': () => ({}),
    'a record': () => ({ 'X-A': '1', 'x-b': 'two words' }),
    'a record without a prototype': () => Object.assign(Object.create(null) as object, { a: 'b' }),
    'a frozen record': () => Object.freeze({ a: 'b' }),
    'a record with members of its prototype': () => Object.create({ a: 'b' }) as object,
    'a record with undefined': () => ({ a: undefined, b: 'c' }),
    'a record with null': () => ({ a: null }),
    'a record with a number': () => ({ a: 1, b: -0, c: NaN, d: 1e21 }),
    'a record with a boolean': () => ({ a: true }),
    'a record with an array': () => ({ a: ['b', 'c'] }),
    'a record with an object': () => ({ a: {} }),
    'a record with a bigint': () => ({ a: 1n }),
    'a record with a symbol for a value': () => ({ a: Symbol('b') }),
    'a record with a String': () => ({ a: new String('b') }),
    'a record with what turns into text': () => ({ a: { toString: () => 'text' } }),
    'a record with a getter': () => ({
      get a() {
        return 'got';
      },
    }),
    'a record whose getter throws': () => ({
      get a() {
        throw new RangeError('no');
      },
    }),
    'a record of a class': () =>
      new (class {
        accept = 'text/x';
      })(),
    'two spellings of one name': () => ({ 'X-A': '1', 'x-a': '2' }),
    'three spellings, among others': () => ({ 'X-A': '1', b: 'x', 'x-A': '2', 'x-a': '3' }),
    pairs: () => [
      ['X-A', '1'],
      ['x-b', '2'],
    ],
    'no pairs': () => [],
    'pairs with one name twice': () => [
      ['X-A', '1'],
      ['x-a', '2'],
    ],
    'pairs with a name many times': () =>
      Array.from({ length: 20 }, (_, index) => ['x-a', String(index)]),
    'a pair of one': () => [['a']],
    'a pair of three': () => [['a', 'b', 'c']],
    'an empty pair': () => [[]],
    'a pair of numbers': () => [[1, 2]],
    'text for a pair': () => ['ab'],
    'a number for a pair': () => [1],
    'null for a pair': () => [null],
    'pairs as Sets': () => [new Set(['a', 'b'])],
    'pairs that are iterable': () => [
      {
        *[Symbol.iterator]() {
          yield 'a';
          yield 'b';
        },
      },
    ],
    'pairs with a hole': () => [, ['a', 'b']],
    'an array with members': () => Object.assign([['a', 'b']], { c: 'd' }),
    'an array that iterates as it likes': () =>
      Object.assign([['a', 'b']], {
        *[Symbol.iterator]() {
          yield ['x-a', 'other'];
        },
      }),
    'a pair that iterates as it likes': () => [
      Object.assign(['a', 'b'], {
        *[Symbol.iterator]() {
          yield* ['x-a', 'other'];
        },
      }),
    ],
    'a Map': () => new Map([['X-A', '1']]),
    'a Set of pairs': () => new Set([['X-A', '1']]),
    'a generator': () =>
      (function* () {
        yield ['x-a', '1'];
        yield ['x-b', '2'];
      })(),
    'a generator that throws': () =>
      (function* () {
        yield ['x-a', '1'];
        throw new RangeError('no more');
      })(),
    'an async generator': () =>
      (async function* () {
        yield await Promise.resolve(['x-a', '1']);
      })(),
    'empty Headers': () => new Headers(),
    'Headers with cookies': () => {
      const headers = new Headers({ cookie: 'a=b' });
      headers.append('set-cookie', 'c=d');
      headers.append('set-cookie', 'e=f');
      return headers;
    },
    'Headers of a class of its own': () =>
      Object.assign(new (class extends Headers {})({ 'x-a': '1' }), {
        *[Symbol.iterator]() {
          yield ['x-own', '1'];
        },
      }),
    'Headers of a Request': () => new Request('http://a/', { headers: { 'x-a': '1' } }).headers,
    'Headers of a Response': () => new Response('', { headers: { 'x-a': '1' } }).headers,
    'a Response': () => new Response(''),
    URLSearchParams: () => new URLSearchParams({ 'x-a': '1' }),
    FormData: () => {
      const form = new FormData();
      form.set('x-a', '1');
      return form;
    },
    text: () => 'x-a: 1',
    'a number': () => 1,
    true: () => true,
    'a function': () => () => ({ a: 'b' }),
    'a function with members': () => Object.assign(() => 1, { 'x-a': '1' }),
    'a Date': () => new Date(0),
    bytes: () => new Uint8Array(2),
  };
  for (const [name, make] of Object.entries(forms)) sameHeaders(name, make);

  sameHeaders('Headers', () => new Headers({ 'x-a': '1', accept: 'text/x' }));
  const spelt = new Headers({ 'X-A': '1', Accept: 'text/x' });
  spelt.append('x-a', '2');
  sameHeaders('Headers with capital letters', () => spelt);
  const withSymbol = { a: 'b', [Symbol('c')]: 'd' };
  sameHeaders('a record with a symbol', () => withSymbol, { differs: 'header-records' });
  const hidden = Object.defineProperty({ a: 'b' }, 'hidden', { value: 'x', enumerable: false });
  sameHeaders('a record with members that are not enumerable', () => hidden, {
    differs: 'header-records',
    onSome: true,
  });
});

describe('names', () => {
  for (const name of [
    ...['a', 'A', 'x-A_b.c', "!#$%&'*+-.^_`|~0", '0', 'constructor', '__proto__', long],
    ...['', ' ', 'a b', ' a', 'a ', 'a:', ':a', 'a\n', 'a\r', 'a\0', 'a\t', 'ä', '✓', '"a"', 'a/b'],
    ...['(a)', 'a,b', 'a;b', 'a=b', 'a@b', '[a]', '{a}', 'a\\b', '<a>', 'a?'],
  ]) {
    sameHeaders(JSON.stringify(name.slice(0, 20)), () => [[name, 'value']]);
  }
  sameHeaders('__proto__ in a record', () => JSON.parse('{"__proto__":"x"}') as object);
});

describe('values', () => {
  const values = {
    empty: '',
    'a space': ' ',
    'spaces around': '  1  ',
    'tabs around': '\t1\t',
    'a tab within': 'a\tb',
    'line ends around': '\r\n1\r\n',
    'a line end within': 'a\nb',
    'a carriage return within': 'a\rb',
    'a folded line': 'a\r\n b',
    'a NUL': 'a\0b',
    'a control character': 'a\u0001b',
    'a delete character': 'a\u007fb',
    'Latin-1': 'Größe',
    'not Latin-1': '✓',
    'an emoji': '🛶',
    'a lone surrogate': '\ud800',
    'a C1 control': 'a\u0085b',
    'a no-break space': '\u00a0a\u00a0',
    commas: 'a, b,c',
    quotes: '"a" \'b\'',
    'a very long one': long,
    bytes: '\u0080\u00ff',
  };
  for (const [name, value] of Object.entries(values)) sameHeaders(name, () => ({ 'x-a': value }));
  sameHeaders('very many', () =>
    Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, `${index}`])),
  );
});

describe('names that have a meaning', () => {
  const special: Record<string, readonly string[]> = {
    accept: ['text/x', '', '*/*'],
    'Accept-Language': ['de', ''],
    'accept-encoding': ['br', 'identity', '', 'gzip, deflate'],
    'Accept-Charset': ['utf-8'],
    'Access-Control-Request-Headers': ['x'],
    'Access-Control-Request-Method': ['PUT'],
    authorization: ['Bearer x'],
    'cache-control': ['no-cache', 'max-age=0', ''],
    connection: [
      'close',
      'keep-alive',
      'Close',
      'upgrade',
      'x-a',
      'close, x-a',
      '',
      'keep-alive, close',
    ],
    'content-encoding': ['gzip'],
    'content-language': ['de'],
    'content-location': ['/x'],
    'content-length': ['6', '0', '3', '60', '-1', '06', '6, 6', '6,7', 'x', '', '6.0', ' 6 '],
    'content-type': ['application/json', 'text/plain', '', 'nonsense', 'multipart/form-data'],
    cookie: ['a=b', 'a=b; c=d', ''],
    cookie2: ['a'],
    date: ['Tue, 01 Jan 2030 00:00:00 GMT'],
    dnt: ['1'],
    expect: ['100-continue', '200-ok', ''],
    host: ['elsewhere', '127.0.0.1', '', 'a b', 'elsewhere:80'],
    'if-match': ['"x"'],
    'if-modified-since': ['Tue, 01 Jan 2030 00:00:00 GMT'],
    'if-none-match': ['"x"', ''],
    'if-range': ['"x"'],
    'if-unmodified-since': ['Tue, 01 Jan 2030 00:00:00 GMT'],
    'keep-alive': ['timeout=5', ''],
    origin: ['http://from.example', 'null'],
    pragma: ['no-cache'],
    priority: ['u=1'],
    'proxy-authorization': ['Basic x'],
    'proxy-connection': ['keep-alive'],
    'proxy-authenticate': ['x'],
    range: ['bytes=0-3', 'bytes=-1', 'lines=1'],
    referer: ['http://from.example/', ''],
    'sec-fetch-mode': ['navigate', ''],
    'sec-fetch-site': ['none'],
    'sec-fetch-dest': ['image'],
    'sec-ch-ua': ['x'],
    'set-cookie': ['a=b'],
    te: ['trailers', 'gzip'],
    trailer: ['x-a'],
    'transfer-encoding': ['chunked', 'identity', 'gzip, chunked', ''],
    'Upgrade-Insecure-Requests': ['1'],
    upgrade: ['websocket', ''],
    'user-agent': ['mine', ''],
    'User-Agent': ['Mine/1.0'],
    via: ['1.1 x'],
    'x-forwarded-for': ['1.2.3.4'],
    'x-http-method-override': ['PUT', 'TRACE', 'CONNECT'],
    'x-http-method': ['TRACK'],
    'idempotency-key': ['k'],
    traceparent: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    'x-envoy-retry-on': ['5xx'],
    'x-outrigger': ['x'],
  };
  for (const [name, values] of Object.entries(special)) {
    for (const value of values) {
      // The platform waits for ever for the bytes that such a length announces, on some versions.
      const hangs = name === 'content-length' && ['0', '3', '60', '-1', ''].includes(value);
      if (hangs) continue;
      const isOdd = name === 'connection' || name === 'content-length';
      const options: CheckOptions = isOdd ? { differs: 'one-wire', onSome: true } : {};
      sameHeaders(`${name}: ${value}`, () => ({ [name]: value }), options, options);
    }
  }
  for (const name of ['accept', 'content-type', 'user-agent', 'host', 'cookie', 'set-cookie']) {
    sameHeaders(`${name}, twice`, () => [
      [name, 'a=1'],
      [name.toUpperCase(), 'b=2'],
    ]);
  }
});

describe('with each method', () => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    sameAsPlatform(`${method} without a body`, ({ fetch, url }) => called(fetch, url, { method }));
    if (method === 'GET' || method === 'HEAD') continue;
    sameAsPlatform(`${method} with an empty one`, ({ fetch, url }) =>
      called(fetch, url, { method, body: '' }),
    );
    sameAsPlatform(`${method} with one`, ({ fetch, url }) =>
      called(fetch, url, { method, body: 'body' }),
    );
  }
});

sameAsPlatform(
  'the connection of a HEAD',
  async ({ fetch, url, server }) => {
    await fetch(url, { method: 'HEAD' });
    return server.asked[0]?.headers.find(([name]) => name === 'connection')?.[1];
  },
  { differs: 'head-keeps-connection', ours: 'keep-alive' },
);

describe('what is not changed', () => {
  sameAsPlatform('a Headers used twice', async ({ fetch, url }) => {
    const headers = new Headers({ 'x-a': '1' });
    const first = await whole(await fetch(url, { headers, method: 'POST', body: 'x' }));
    const second = await whole(await fetch(url, { headers }));
    return [first, second, [...headers]];
  });
  sameAsPlatform('a record used twice', async ({ fetch, url }) => {
    const init = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } };
    await whole(await fetch(url, init));
    await whole(await fetch(url, init));
    return init;
  });
  sameAsPlatform('the headers of a Request', async ({ fetch, url }) => {
    const request = new Request(url, { method: 'POST', body: 'x' });
    await whole(await fetch(request));
    return [...request.headers];
  });
});
