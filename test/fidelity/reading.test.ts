/** The ways of reading a body whole, once and a second time, and what they make of it. */
import { describe } from 'vitest';
import { sameEachWay, type Content } from './answers.js';
import { useServers } from './differential.js';
import { outcome, thrown } from './seen.js';

useServers();

const READS = ['json', 'text', 'arrayBuffer', 'blob', 'bytes', 'formData', 'textStream'] as const;
type Read = (typeof READS)[number];

/** Undefined where this version has no such method. */
function call(response: Response, name: Read): unknown {
  const method = (response as unknown as Record<string, ((this: Response) => unknown) | undefined>)[
    name
  ];
  return method?.call(response);
}

/** What came of it, as plain data. */
async function read(response: Response, name: Read): Promise<unknown> {
  return outcome(async () => shown(await call(response, name)));
}

async function shown(value: unknown): Promise<unknown> {
  if (value instanceof ArrayBuffer)
    return ['ArrayBuffer', Buffer.from(value).toString('latin1'), value.byteLength];
  if (value instanceof Uint8Array) {
    const { byteLength, byteOffset, buffer } = value;
    return [
      value.constructor.name,
      Buffer.from(value).toString('latin1'),
      byteLength,
      byteOffset,
      buffer.byteLength,
    ];
  }
  if (value instanceof Blob)
    return [
      value.constructor.name,
      value.type,
      value.size,
      Buffer.from(await value.arrayBuffer()).toString('latin1'),
    ];
  if (value instanceof FormData) {
    const entries: unknown[] = [];
    for (const [name, entry] of value) {
      entries.push([
        name,
        typeof entry === 'string'
          ? entry
          : [
              entry.constructor.name,
              entry.name,
              entry.type,
              entry.size,
              Buffer.from(await entry.arrayBuffer()).toString('latin1'),
            ],
      ]);
    }
    return entries;
  }
  if (value instanceof ReadableStream) {
    const all: unknown[] = [];
    for await (const piece of value) all.push(piece);
    return [value.locked, all.join('')];
  }
  return value;
}

const boundary = (parts: string): Content => ({
  headers: { 'content-type': 'multipart/form-data; boundary=xyz' },
  body: parts.replaceAll('\n', '\r\n'),
});

const bodies: Record<string, Content> = {
  empty: { body: '' },
  'empty, of a type': { body: '', headers: { 'content-type': 'application/json' } },
  JSON: { body: '{"a":[1,2,{"b":null}]}', headers: { 'content-type': 'application/json' } },
  'JSON with spaces around': { body: ' \n "x" \t' },
  'a JSON number': { body: '12e3' },
  'JSON null': { body: 'null' },
  'JSON with a byte order mark': { body: '\ufeff{"a":1}' },
  'two byte order marks': { body: '\ufeff\ufeff"x"' },
  'a byte order mark alone': { body: '\ufeff' },
  'a part of a byte order mark': { body: Buffer.from([0xef, 0xbb]) },
  'UTF-16 with its mark': { body: Buffer.from('\ufeff{"a":1}', 'utf16le') },
  'UTF-16, and a charset that says so': {
    body: Buffer.from('"a"', 'utf16le'),
    headers: { 'content-type': 'application/json; charset=utf-16' },
  },
  'broken JSON': { body: '{"open":' },
  'JSON and more': { body: '{} x' },
  'JSON with __proto__': { body: '{"__proto__":{"a":1}}' },
  HTML: { body: '<!doctype html>', headers: { 'content-type': 'text/html' } },
  'text of many alphabets': { body: 'Grüße ✓ 🎉 \u0000 \u200b' },
  'bytes that are no UTF-8': {
    body: Buffer.from([0, 255, 128, 10, 195, 40, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xc0]),
  },
  'a character cut at the end': { body: Buffer.from([34, 97, 0xe2, 0x9c]) },
  'Latin-1, and a charset that says so': {
    body: Buffer.from([0x22, 0xe4, 0x22]),
    headers: { 'content-type': 'text/plain; charset=iso-8859-1' },
  },
  'of a type with capitals': {
    body: 'x',
    headers: { 'content-type': 'Text/PLAIN; Charset="UTF-8"' },
  },
  'of two types': { body: 'x', headers: { 'content-type': ['text/plain', 'text/html'] } },
  'of a type that is none': { body: 'x', headers: { 'content-type': 'nonsense' } },
  'of an empty type': { body: 'x', headers: { 'content-type': '' } },
  'of an odd type': { body: 'x', headers: { 'content-type': 'a/b;c;d=;e="f g";=h' } },
  urlencoded: {
    body: 'a=1&b=%20+%C3%A4&a=2&c&=d&e=%zz',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  'urlencoded, empty': {
    body: '',
    headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
  },
  'urlencoded with a byte order mark': {
    body: '\ufeffa=1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  'urlencoded, no UTF-8': {
    body: Buffer.from([0x61, 0x3d, 0xff]),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  multipart: boundary(
    '--xyz\nContent-Disposition: form-data; name="a"\n\none\n--xyz\nContent-Disposition: form-data; name="f"; filename="n.txt"\nContent-Type: text/plain\n\ntwo\nlines\n--xyz--\n',
  ),
  'multipart with umlauts': boundary(
    '--xyz\nContent-Disposition: form-data; name="ä%22"; filename="ö.bin"\n\n✓\n--xyz--',
  ),
  'multipart with a byte order mark': boundary(
    '--xyz\nContent-Disposition: form-data; name="a"\n\n\ufeffone\n--xyz--\n',
  ),
  'multipart, empty': boundary('--xyz--\n'),
  'multipart, without its end': boundary(
    '--xyz\nContent-Disposition: form-data; name="a"\n\none\n',
  ),
  'multipart of another boundary': boundary(
    '--abc\nContent-Disposition: form-data; name="a"\n\none\n--abc--\n',
  ),
  'multipart without names': boundary('--xyz\nContent-Disposition: form-data\n\none\n--xyz--\n'),
  'multipart without a boundary': {
    body: '--x--',
    headers: { 'content-type': 'multipart/form-data' },
  },
  'multipart of nothing': boundary(''),
  large: { body: JSON.stringify('ü✓x'.repeat(700_000)) },
};

describe('each way', () => {
  for (const [body, content] of Object.entries(bodies)) {
    for (const name of READS) {
      sameEachWay(
        `${name}() of ${body}`,
        async (response) => {
          const before = response.bodyUsed;
          const reading = read(response, name);
          const during = [response.bodyUsed, response.body?.locked, response.body === null];
          const found = await reading;
          return [
            before,
            during,
            found,
            response.bodyUsed,
            response.body?.locked,
            response.body === null,
          ];
        },
        { content },
      );
    }
  }
});

describe('a second time', () => {
  const content = { body: '{"a":1}', headers: { 'content-type': 'application/json' } };
  for (const [which, how] of Object.entries({
    'a body': content,
    'an empty body': { body: '' },
    'no body': { status: 204 },
  })) {
    for (const first of READS) {
      sameEachWay(
        `after ${first}(), of ${which}`,
        async (response, _, again) => {
          const seen: unknown[] = [];
          for (const second of [...READS, 'clone', 'body', 'pipe', 'new Response'] as const) {
            const answer = second === 'json' ? response : await again();
            await read(answer, first);
            const found =
              second === 'clone'
                ? await outcome(() => typeof answer.clone())
                : second === 'body'
                  ? await outcome(async () => (await answer.body?.getReader().read())?.done)
                  : second === 'pipe'
                    ? await outcome(() => answer.body?.pipeTo(new WritableStream()))
                    : second === 'new Response'
                      ? await outcome(() => typeof new Response(answer.body, answer))
                      : await read(answer, second);
            seen.push([second, found, answer.bodyUsed]);
          }
          return seen;
        },
        { content: how },
      );
    }
    // How soon a stream of text lets go of its body depends on when its end arrives.
    for (const first of READS.filter((name) => name !== 'textStream')) {
      sameEachWay(
        `while ${first}() is under way, of ${which}`,
        async (response) => {
          const reading = read(response, first);
          const seen: unknown[] = [];
          for (const second of READS)
            seen.push([second, await timing(() => call(response, second))]);
          seen.push(
            await outcome(() => typeof response.clone()),
            response.body?.locked,
            response.bodyUsed,
          );
          seen.push(await outcome(() => response.body?.cancel()));
          seen.push(await outcome(() => typeof response.body?.getReader()));
          return [seen, await reading];
        },
        { content: how },
      );
    }
  }
  for (const name of READS) {
    const touches: Record<string, (response: Response) => unknown> = {
      'its body was looked at': (response) => void response.body,
      'a reader was taken': (response) => void response.body?.getReader(),
      'a reader was taken and given back': (response) => response.body?.getReader().releaseLock(),
      'one piece was read': (response) => response.body?.getReader().read(),
      'one piece was read, and the reader given back': async (response) => {
        const reader = response.body?.getReader();
        await reader?.read();
        reader?.releaseLock();
      },
      'it was cancelled': (response) => response.body?.cancel('enough'),
      'a clone was made': (response) => void response.clone(),
      'a clone was made and read': (response) => response.clone().text(),
      'a clone was made and cancelled': (response) => void response.clone().body?.cancel(),
      'its stream was torn': (response) => void response.body?.tee(),
      'another response was made of its body': (response) => void new Response(response.body),
      'another response of its body was read': (response) => new Response(response.body).text(),
      'its headers were read': (response) => [...response.headers],
    };
    for (const [touch, run] of Object.entries(touches)) {
      sameEachWay(
        `${name}() after ${touch}`,
        async (response) => {
          const first = await outcome(async () => {
            await run(response);
          });
          const before = [response.bodyUsed, response.body?.locked];
          return [
            first,
            before,
            await timing(() => call(response, name)),
            response.bodyUsed,
            response.body?.locked,
            await outcome(() => typeof response.clone()),
          ];
        },
        { content },
      );
    }
  }
});

describe('what is handed out', () => {
  const content = { body: 'some bytes' };
  sameEachWay(
    'is the reader’s own',
    async (response) => {
      const copy = response.clone();
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes.fill(88);
      structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      return [bytes.length, await copy.text()];
    },
    { content },
  );
  sameEachWay(
    'of two answers is not the same memory',
    async (response, _, again) => {
      const other = await again();
      const one = await response.arrayBuffer();
      const two = await other.arrayBuffer();
      new Uint8Array(one).fill(0);
      return [one === two, Buffer.from(two).toString(), one.byteLength];
    },
    { content },
  );
  sameEachWay(
    'json() each an object of its own',
    async (response, _, again) => {
      const one = (await response.json()) as { a?: number };
      one.a = 2;
      return [one, await (await again()).json(), Object.getPrototypeOf(one) === Object.prototype];
    },
    { content: { body: '{"a":1}' } },
  );
  sameEachWay(
    'promises of the usual kind',
    async (response) => {
      const promise = response.text();
      return [
        promise instanceof Promise,
        promise.constructor === Promise,
        Object.prototype.toString.call(promise),
        await promise,
      ];
    },
    { content },
  );
  sameEachWay(
    'arguments are not looked at',
    async (response) => (response.json as (reviver: unknown) => Promise<unknown>)(() => 'revived'),
    { content: { body: '{"a":1}' } },
  );
  sameEachWay(
    'read at once, by several answers',
    async (response, _, again) =>
      Promise.all(
        [response, ...(await Promise.all([again(), again(), again()]))].map((one) => one.text()),
      ),
    { content },
  );
});

/** Whether it throws at once, or rejects, or what it gives. */
async function timing(run: () => unknown): Promise<unknown> {
  let made: unknown;
  try {
    made = run();
  } catch (error) {
    return { thrownAtOnce: thrown(error) };
  }
  const isPromise = made instanceof Promise;
  return { isPromise, ...((await outcome(async () => shown(await made))) as object) };
}
