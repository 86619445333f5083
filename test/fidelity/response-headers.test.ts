/** The headers of an answer: how they are read, and that nobody changes them. */
import { describe } from 'vitest';
import { answering, sameEachWay, strictParser, type Content } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import type { Answer } from './script-server.js';
import { outcome } from './seen.js';

useServers();
const mayDiffer = strictParser();

/** Writes a head byte by byte: Node's own server would refuse much of it. */
function raw(lines: readonly string[], body = ''): Answer {
  const head = ['HTTP/1.1 200 OK', ...lines, 'Connection: close', `Content-Length: ${body.length}`];
  return ({ socket }) => socket.end(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
}

function read(headers: Headers, names: readonly string[] = []): unknown {
  const each: unknown[] = [];
  headers.forEach((value, name, all) => each.push([name, value, all === headers]));
  return {
    pairs: [...headers],
    keys: [...headers.keys()],
    values: [...headers.values()],
    entries: [...headers.entries()],
    each,
    cookies: headers.getSetCookie(),
    named: names.map((name) => [name, headers.get(name), headers.has(name)]),
    record: Object.fromEntries(headers),
    copied: [...new Headers(headers)],
    copiedCookies: new Headers(headers).getSetCookie(),
    mapped: new Map(headers).size,
    keysOf: Object.keys(headers),
    json: JSON.stringify(headers),
    tag: Object.prototype.toString.call(headers),
    constructor: headers.constructor === Headers,
    instance: headers instanceof Headers,
  };
}

const contents: Record<string, Content> = {
  'of usual kinds': {
    headers: { 'Content-Type': 'application/json; charset=utf-8', ETag: '"abc"', Vary: 'a, b' },
  },
  'that come several times': {
    headers: { 'X-Twice': ['one', 'two'], 'x-Thrice': ['1', '2', '3'], Vary: ['a', 'b'] },
  },
  cookies: { headers: { 'Set-Cookie': ['a=1; Path=/; HttpOnly', 'b=2', 'a=3, x'], Cookie: 'x=1' } },
  'one cookie': { headers: { 'set-cookie': 'only=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT' } },
  'an empty value': { headers: { 'X-Empty': '', 'x-empties': ['', ''], 'x-some': ['', 'a'] } },
  'in no order': { headers: { z: '1', a: '2', M: '3', 'a-b': '4', 'a.b': '5', _: '6', 0: '7' } },
  'by thousands': {
    headers: Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`x-${n}`, `${n}`])),
  },
  'with the names of what objects have': {
    headers: { constructor: 'a', toString: 'b', hasOwnProperty: 'c', valueOf: 'd', length: '5' },
  },
  'of a long value': { headers: { 'x-long': 'y'.repeat(6000) } },
};

const NAMES = [
  'X-Twice',
  'x-twice',
  'SET-COOKIE',
  'x-empty',
  'missing',
  'content-TYPE',
  'constructor',
  'cookie',
];

describe('reading them', () => {
  for (const [name, content] of Object.entries(contents)) {
    sameEachWay(
      name,
      async (response) => {
        const seen = read(response.headers, NAMES);
        await response.text();
        return [
          seen,
          read(response.headers, NAMES),
          read(response.clone === undefined ? response.headers : response.headers),
        ];
      },
      { content },
    );
    sameEachWay(
      `${name}, after the body was looked at`,
      (response) => {
        void response.body;
        return read(response.headers, NAMES);
      },
      { content },
    );
    sameEachWay(
      `${name}, of a clone`,
      (response) => {
        const { headers } = response.clone();
        return [read(headers, NAMES), headers === response.headers];
      },
      { content },
    );
  }
  const odd: Record<string, readonly string[]> = {
    'Latin-1': ['X-Name: Gr\u00fc\u00dfe', 'x-control: a\u00a0b'],
    'UTF-8': [`X-Name: ${Buffer.from('Grüße ✓ 🎉').toString('latin1')}`],
    'all bytes that a value may have': [
      `X-All: a${String.fromCharCode(9, ...Array.from({ length: 224 }, (_, n) => n + 32).filter((n) => n !== 127))}b`,
    ],
    'spaces around values': ['X-A:    a  b   ', 'X-B:\tb\t', 'X-C:c', 'X-D: '],
    'other spellings of one name': ['X-A: 1', 'x-a: 2', 'X-a: 3'],
    'a folded value': ['X-Folded: a', ' b', 'X-After: c'],
    'a value of commas': ['X-A: a,b,,c,', 'x-a: ,'],
    'names of odd characters': ["X!#$%&'*+-.^_`|~09: odd"],
    'several content types': ['Content-Type: text/plain', 'content-type: text/html;charset=x'],
    'a quoted value': ['X-A: "a\\"b, c"', 'x-a: W/"z"'],
    __proto__: ['__proto__: a', 'Constructor: b'],
    'a location, which leads nowhere': ['Location: /elsewhere'],
    'set-cookie2 and refresh': ['Set-Cookie2: a', 'Refresh: 0;url=/'],
  };
  for (const [name, lines] of Object.entries(odd)) {
    sameAsPlatform(
      `as they are on the wire: ${name}`,
      async ({ fetch, url }) => {
        const found = [];
        for (const input of [url, new Request(url)]) {
          found.push(
            await outcome(async () => {
              const response = await fetch(input);
              const seen = read(response.headers, ['x-a', 'x-name', '__proto__']);
              return [seen, read(response.clone().headers), await (await response.blob()).text()];
            }),
          );
        }
        return found;
      },
      {
        answer: raw(lines, 'body'),
        ...(name === 'a folded value' && { mayDiffer }),
        ...(name === 'spaces around values' && { differs: 'space-after-value' as const }),
      },
    );
  }
  const refused: Record<string, readonly string[]> = {
    'a control character': ['X-A: a\u0001b'],
    'a NUL': ['X-A: a\u0000b'],
    'a space in a name': ['X A: b'],
    'a space before the colon': ['X-A : b'],
    'no colon': ['X-A b'],
    'a name that is empty': [': b'],
    'a lone line feed': ['X-A: b\nX-B: c'],
    'a lone carriage return': ['X-A: b\rX-B: c'],
    'Latin-1 in a name': ['X-\u00e4: b'],
    'more than fits': [`X-A: ${'a'.repeat(20_000)}`],
    'more than fits, in many': Array.from({ length: 3000 }, (_, n) => `X-${n}: ${n}`),
  };
  for (const [name, lines] of Object.entries(refused)) {
    sameAsPlatform(
      `which no parser should take: ${name}`,
      async ({ fetch, url }) =>
        outcome(async () => {
          const response = await fetch(url);
          return [...response.headers].map(([key, value]) => [
            key,
            value.length > 100 ? value.length : value,
          ]).length;
        }),
      { answer: raw(lines), mayDiffer },
    );
  }
  sameAsPlatform(
    'two readers of one iterator',
    async ({ fetch, url }) => {
      const { headers } = await fetch(url);
      const iterator = headers[Symbol.iterator]();
      const first = iterator.next();
      return [
        first,
        [...iterator],
        iterator.next(),
        Object.prototype.toString.call(headers.entries()),
        headers.entries === headers[Symbol.iterator],
      ];
    },
    { answer: answering({ headers: { a: '1', b: '2', c: '3' } }) },
  );
});

describe('changing them', () => {
  const changes: Record<string, (headers: Headers) => unknown> = {
    set: (headers) => headers.set('a', 'b'),
    append: (headers) => headers.append('a', 'b'),
    delete: (headers) => headers.delete('a'),
    'delete of one that is there': (headers) => headers.delete('x-a'),
    'set of what it is': (headers) => headers.set('x-a', 'b'),
    'set with a bad name': (headers) => headers.set('a b', 'b'),
    'append with a bad value': (headers) => headers.append('a', 'b\n c'),
    'delete of a bad name': (headers) => headers.delete('a b'),
    'set with too little': (headers) => (headers.set as (name: string) => void)('a'),
    'append with nothing': (headers) => (headers.append as () => void)(),
    'delete of nothing': (headers) => (headers.delete as () => void)(),
    'set, detached': ({ set }) => set('a', 'b'),
    'set of other types': (headers) =>
      headers.set(1 as unknown as string, null as unknown as string),
    'set of a symbol': (headers) => headers.set('a', Symbol('x') as unknown as string),
    'get of nothing': (headers) => (headers.get as unknown as () => void)(),
    'get of a bad name': (headers) => headers.get('a b'),
    'has of a bad name': (headers) => headers.has(''),
    'forEach with nothing': (headers) => (headers.forEach as () => void)(),
  };
  for (const [name, change] of Object.entries(changes)) {
    sameEachWay(
      name,
      async (response) => [
        await outcome(() => change(response.headers)),
        await outcome(() => change(response.clone().headers)),
        [...response.headers],
      ],
      { content: { headers: { 'x-a': 'b' } } },
    );
  }
  sameEachWay('names and arguments of what would change them', ({ headers }) =>
    (['set', 'append', 'delete', 'get', 'has', 'forEach', 'getSetCookie'] as const).map((name) => [
      headers[name].name,
      headers[name].length,
    ]),
  );
  sameEachWay('members of one’s own', ({ headers }) => {
    const found: string[] = [];
    for (const name in headers) found.push(name);
    return [
      found.sort(),
      Object.keys(Object.assign(headers, { mine: 1 })),
      Object.getOwnPropertyNames(headers),
    ];
  });
  sameAsPlatform(
    'set, by the prototype’s own method',
    async ({ fetch, url }) => {
      const { headers } = await fetch(url);
      return [await outcome(() => Headers.prototype.set.call(headers, 'a', 'b')), headers.get('a')];
    },
    { differs: 'headers-by-prototype' },
  );
  sameEachWay(
    'read, by the prototype’s own methods',
    ({ headers }) => [
      Headers.prototype.get.call(headers, 'x-a'),
      Headers.prototype.has.call(headers, 'x-a'),
      [...Headers.prototype.entries.call(headers)],
      Headers.prototype.getSetCookie.call(headers),
    ],
    { content: { headers: { 'x-a': 'b', 'set-cookie': ['a=1', 'b=2'] } } },
  );
  sameEachWay(
    'used to make others',
    async ({ headers }, { fetch, url }) => {
      const made = new Response('x', { headers });
      made.headers.append('x-b', 'c');
      await fetch(url, {
        headers: new Headers([...headers].filter(([name]) => name.startsWith('x-'))),
      });
      return [
        [...made.headers],
        [...new Request(url, { headers }).headers],
        [...new Headers([...headers])],
      ];
    },
    { content: { headers: { 'x-a': 'b', 'set-cookie': ['a=1', 'b=2'], 'content-type': 'a/b' } } },
  );
});
