/** What goes out as a body, with which headers, and what is said of what cannot. */
import { Readable } from 'node:stream';
import { describe } from 'vitest';
import { sameAsPlatform, useServers, type Bench } from './differential.js';
import { called, outcome } from './seen.js';

useServers();

const methods = ['POST', 'PUT', 'DELETE'] as const;

type Make = (bench: Bench) => unknown;

/** Sends it by fetch itself, by a Request, and with a content type of the caller's. */
function sameBody(name: string, make: Make, more: object = {}): void {
  for (const method of methods) {
    sameAsPlatform(`${name}, ${method}`, (bench) =>
      called(bench.fetch, bench.url, { method, body: make(bench), ...more }),
    );
  }
  sameAsPlatform(`${name}, with a type`, (bench) =>
    called(bench.fetch, bench.url, {
      method: 'POST',
      body: make(bench),
      headers: { 'Content-Type': 'application/x-own' },
      ...more,
    }),
  );
  sameAsPlatform(`${name}, kept alive`, (bench) =>
    called(bench.fetch, bench.url, { method: 'POST', body: make(bench), keepalive: true, ...more }),
  );
  for (const method of ['GET', 'HEAD']) {
    sameAsPlatform(`${name}, ${method}`, (bench) =>
      called(bench.fetch, bench.url, { method, body: make(bench), ...more }),
    );
  }
  sameAsPlatform(`${name}, in a Request`, async (bench) => {
    const body = make(bench) as NonNullable<RequestInit['body']>;
    const made = await outcome(() => new Request(bench.url, { method: 'POST', body, ...more }));
    const request = (made as { value?: Request }).value;
    if (request === undefined) return made;
    return [await called(bench.fetch, request), request.bodyUsed];
  });
  sameAsPlatform(`${name}, in no-cors`, (bench) =>
    called(bench.fetch, bench.url, { method: 'POST', mode: 'no-cors', body: make(bench), ...more }),
  );
}

const bytes = (): Uint8Array<ArrayBuffer> => new Uint8Array([0, 104, 105, 200, 255, 10]);

describe('text and bytes', () => {
  const bodies: Record<string, Make> = {
    text: () => 'text',
    'text beyond ASCII': () => 'tëxt ✓ 🛶',
    'a lone surrogate': () => 'a\ud800b',
    'empty text': () => '',
    'line ends': () => 'a\nb\r\nc\r',
    'much text': () => 'x'.repeat(300_000),
    'a String object': () => new String('object'),
    JSON: () => JSON.stringify({ a: [1, 'ä'] }),
    URLSearchParams: () => new URLSearchParams({ a: '1 2', 'b&': 'ä=', c: '' }),
    'empty URLSearchParams': () => new URLSearchParams(),
    'URLSearchParams of a class of its own': () => new (class extends URLSearchParams {})('a=b'),
    Uint8Array: bytes,
    'an empty Uint8Array': () => new Uint8Array(),
    'a subarray': () => bytes().subarray(1, 3),
    Uint16Array: () => new Uint16Array([1, 500]),
    Float64Array: () => new Float64Array([0.5]),
    BigInt64Array: () => new BigInt64Array([5n]),
    Uint8ClampedArray: () => new Uint8ClampedArray([1, 300]),
    DataView: () => new DataView(bytes().buffer, 1, 3),
    ArrayBuffer: () => bytes().buffer,
    'an empty ArrayBuffer': () => new ArrayBuffer(0),
    'an ArrayBuffer that can grow': () =>
      new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(4, {
        maxByteLength: 8,
      }),
    'an ArrayBuffer that is detached': () => {
      const { buffer } = bytes();
      structuredClone(buffer, { transfer: [buffer] });
      return buffer;
    },
    'a view that is detached': () => {
      const view = bytes();
      structuredClone(view.buffer, { transfer: [view.buffer] });
      return view;
    },
    SharedArrayBuffer: () => new SharedArrayBuffer(4),
    'a view of a SharedArrayBuffer': () => new Uint8Array(new SharedArrayBuffer(4)),
    Buffer: () => Buffer.from('buffer'),
    'a slice of a Buffer': () => Buffer.from('buffer').subarray(2, 4),
    'an array of a class of its own': () => new (class extends Uint8Array {})([1, 2]),
    'many bytes': () => new Uint8Array(300_000),
  };
  for (const [name, make] of Object.entries(bodies)) sameBody(name, make);
});

describe('blobs', () => {
  const bodies: Record<string, Make> = {
    Blob: () => new Blob(['blob']),
    'a Blob with a type': () => new Blob(['blob'], { type: 'Text/X; Charset=A' }),
    'a Blob with an odd type': () => new Blob(['blob'], { type: 'no type at all' }),
    'a Blob with a type beyond ASCII': () => new Blob(['blob'], { type: 'text/ä' }),
    'an empty Blob': () => new Blob([]),
    'an empty Blob with a type': () => new Blob([], { type: 'text/x' }),
    'a Blob of parts': () => new Blob(['a', bytes(), new Blob(['b'])]),
    'a slice of a Blob': () => new Blob(['0123456789'], { type: 'text/x' }).slice(2, 5),
    'a large Blob': () => new Blob(['x'.repeat(300_000)]),
    File: () => new File(['file'], 'näme.txt', { type: 'text/plain' }),
    'a File without a type': () => new File(['file'], 'name'),
  };
  for (const [name, make] of Object.entries(bodies)) sameBody(name, make);
});

describe('forms', () => {
  const form = (fill: (form: FormData) => void) => (): FormData => {
    const made = new FormData();
    fill(made);
    return made;
  };
  const file = (name?: string, type = '') => new File(['content'], name ?? '', { type });
  const bodies: Record<string, Make> = {
    'an empty form': form(() => {}),
    'a field': form((made) => made.append('a', 'b')),
    'fields of one name': form((made) => {
      made.append('a', '1');
      made.append('a', '2');
    }),
    'an empty field': form((made) => made.append('', '')),
    'a field beyond ASCII': form((made) => made.append('ä✓', 'ö🛶')),
    'quotes in a name': form((made) => made.append('a"b', 'c"d')),
    'line ends in a name': form((made) => made.append('a\nb\r\nc\rd', 'e')),
    'line ends in a value': form((made) => made.append('a', 'b\nc\r\nd\re')),
    'percent signs': form((made) => made.append('a%22b', '%0A')),
    'a lone surrogate': form((made) => made.append('a\ud800', 'b\ud800')),
    'a file': form((made) => made.append('file', file('name.txt', 'text/plain'))),
    'a file without a type': form((made) => made.append('file', file('name'))),
    'a file without a name': form((made) => made.append('file', file(''))),
    'a file with a name beyond ASCII': form((made) => made.append('f', file('nä✓me.txt'))),
    'a file with quotes': form((made) => made.append('f', file('a"b\\c.txt'))),
    'a file with line ends': form((made) => made.append('f', file('a\nb\r\nc\rd'))),
    'a file with a path': form((made) => made.append('f', file('dir/name.txt'))),
    'a Blob': form((made) => made.append('blob', new Blob(['b'], { type: 'text/x' }))),
    'a Blob with a name': form((made) => made.append('blob', new Blob(['b']), 'own.bin')),
    'an empty file': form((made) => made.append('f', new File([], 'empty'))),
    'a large file': form((made) => made.append('f', new Blob(['x'.repeat(200_000)]), 'large')),
    'many fields': form((made) => {
      for (let index = 0; index < 100; index += 1) made.append(`f${index}`, `v${index}`);
    }),
    'a form of a class of its own': () => {
      const made = new (class extends FormData {})();
      made.append('a', 'b');
      return made;
    },
  };
  for (const [name, make] of Object.entries(bodies)) {
    describe(name, () => {
      sameBody(name, make);
    });
  }
});

function streamOf(...chunks: unknown[]): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function* generated(...chunks: unknown[]): AsyncGenerator {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

const half = { duplex: 'half' };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('streams', () => {
  const bodies: Record<string, Make> = {
    'a stream of one': () => streamOf(encode('one')),
    'a stream of several': () => streamOf(encode('one'), encode(' two'), encode(' three')),
    'an empty stream': () => streamOf(),
    'a stream with empty pieces': () => streamOf(encode(''), encode('a'), encode('')),
    'a large stream': () => streamOf(...Array.from({ length: 20 }, () => new Uint8Array(20_000))),
    'a stream of a Blob': () => new Blob(['blob']).stream(),
    'a stream of bytes': () =>
      new ReadableStream({
        type: 'bytes',
        start(controller) {
          controller.enqueue(bytes());
          controller.close();
        },
      }),
    'a stream that takes its time': () =>
      new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          controller.enqueue(encode('late'));
          controller.close();
        },
      }),
    'a stream through another': () =>
      new Blob(['through']).stream().pipeThrough(new CompressionStream('gzip')),
    'a stream of text': () => streamOf('text'),
    'a stream of Uint16Arrays': () => streamOf(new Uint16Array([1, 2])),
    'a stream of Buffers': () => streamOf(Buffer.from('buffer')),
    'a stream of text after bytes': () => streamOf(encode('a'), 'b'),
    'a locked stream': () => {
      const stream = streamOf(encode('x'));
      stream.getReader();
      return stream;
    },
    'a cancelled stream': () => {
      const stream = streamOf(encode('x'));
      void stream.cancel();
      return stream;
    },
    'an async generator': () => generated(encode('one'), encode('two')),
    'an async generator of text': () => generated('one', 'two'),
    'an async generator of nothing': () => generated(),
    'an async iterable': () => ({
      [Symbol.asyncIterator]: () => generated(encode('iterated')),
    }),
    'a generator': () =>
      (function* () {
        yield encode('one');
      })(),
    'an iterable': () => ({
      *[Symbol.iterator]() {
        yield encode('one');
      },
    }),
    'a Set': () => new Set([encode('one')]),
    'a Readable of Node': () => Readable.from([Buffer.from('one'), Buffer.from('two')]),
    'a Readable of bytes': () => Readable.from(Buffer.from('bytes')),
    'a Readable of text': () => Readable.from(['one', 'two']),
    'an empty Readable': () => Readable.from([]),
    'the body of a Response': () => new Response('of a response').body,
    'the body of a Request': () => new Request('http://a/', { method: 'POST', body: 'x' }).body,
  };
  for (const [name, make] of Object.entries(bodies)) {
    describe(name, () => {
      sameBody(`${name}, duplex`, make, half);
      sameAsPlatform(`${name}, without duplex`, (bench) =>
        called(bench.fetch, bench.url, { method: 'POST', body: make(bench) }),
      );
    });
  }

  const odd: Record<string, Make> = {
    numbers: () => streamOf(1),
    null: () => streamOf(null),
    undefined: () => streamOf(undefined),
    objects: () => streamOf({}),
    ArrayBuffers: () => streamOf(bytes().buffer),
    'numbers, generated': () => generated(1),
    'numbers after bytes': () => streamOf(encode('a'), 1),
  };
  for (const [name, make] of Object.entries(odd)) {
    sameAsPlatform(
      `a stream of ${name}`,
      (bench) => called(bench.fetch, bench.url, { method: 'POST', body: make(bench), ...half }),
      { differs: 'odd-pieces' },
    );
  }

  sameAsPlatform('a stream that was read in part', async ({ fetch, url }) => {
    const stream = streamOf(encode('one'), encode('two'));
    const reader = stream.getReader();
    await reader.read();
    reader.releaseLock();
    return called(fetch, url, { method: 'POST', body: stream, duplex: 'half' });
  });
  sameAsPlatform('a stream that was read in whole', async ({ fetch, url }) => {
    const stream = streamOf(encode('one'));
    await new Response(stream).text();
    return called(fetch, url, { method: 'POST', body: stream, duplex: 'half' });
  });
  sameAsPlatform('a Readable that was destroyed', async ({ fetch, url }) => {
    const stream = Readable.from(['x']);
    stream.destroy();
    return called(fetch, url, { method: 'POST', body: stream, duplex: 'half' });
  });
  sameAsPlatform(
    'a stream after the call',
    async ({ fetch, url }) => {
      const stream = streamOf(encode('one'));
      const answer = fetch(url, { method: 'POST', body: stream, duplex: 'half' });
      const { locked } = stream;
      await answer;
      return [locked, stream.locked];
    },
    { differs: 'locked-streams', onSome: true, ours: [true, true] },
  );
  sameAsPlatform('a stream given twice', async ({ fetch, url }) => {
    const init = { method: 'POST', body: streamOf(encode('one')), duplex: 'half' };
    return [await called(fetch, url, init), await called(fetch, url, init)];
  });
  sameAsPlatform('a length given for a stream', ({ fetch, url }) =>
    called(fetch, url, {
      ...{ method: 'POST', duplex: 'half', body: streamOf(encode('one')) },
      headers: { 'content-length': '3' },
    }),
  );

  const reasons = { 'an Error': new Error('no more'), text: 'no more', undefined };
  for (const [name, reason] of Object.entries(reasons)) {
    const failing: Record<string, () => unknown> = {
      'at its start': () =>
        new ReadableStream({
          start(controller) {
            controller.error(reason);
          },
        }),
      'when it is read': () =>
        new ReadableStream({
          pull(controller) {
            controller.error(reason);
          },
        }),
      midway: () => {
        let pulls = 0;
        return new ReadableStream({
          async pull(controller) {
            pulls += 1;
            await new Promise((resolve) => setTimeout(resolve, 10));
            if (pulls === 1) controller.enqueue(encode('begun'));
            else controller.error(reason);
          },
        });
      },
      'as an async generator': () =>
        (async function* () {
          yield encode('begun');
          await new Promise((resolve) => setTimeout(resolve, 10));
          throw reason as Error;
        })(),
    };
    for (const [where, make] of Object.entries(failing)) {
      sameAsPlatform(
        `fails ${where} with ${name}`,
        ({ fetch, url }) =>
          outcome(() => fetch(url, { method: 'POST', body: make(), ...half } as never)),
        reason === undefined ? { differs: 'silent-streams' } : {},
      );
    }
  }
});

describe('what is no body', () => {
  const values: Record<string, unknown> = {
    'a number': 42,
    NaN,
    true: true,
    false: false,
    'a bigint': 1n,
    'a symbol': Symbol('body'),
    'an object': { a: 1 },
    'an array': ['a', 'b'],
    'an empty array': [],
    'a Date': new Date(0),
    'a Map': new Map([['a', 'b']]),
    'an object that turns into text': { toString: () => 'text' },
    'an object without toString': Object.create(null) as object,
    'an Error': new Error('body'),
    'a promise': Promise.resolve('body'),
    'a regular expression': /body/,
    'a URL': new URL('http://a/'),
    'a Headers': new Headers({ a: 'b' }),
    'a Response': new Response('x'),
  };
  for (const [name, value] of Object.entries(values)) sameBody(name, () => value);

  sameAsPlatform(
    'a function',
    ({ fetch, url, server }) =>
      called(fetch, url, { method: 'POST', body: () => 'made' }).then(() => server.asked[0]?.body),
    { differs: 'body-functions', ours: 'made' },
  );
});

describe('lengths', () => {
  for (const length of ['4', ' 4 ', '04']) {
    for (const [name, body] of Object.entries({ text: 'body', bytes: Buffer.from('body') })) {
      sameAsPlatform(`${JSON.stringify(length)} for ${name}`, ({ fetch, url }) =>
        called(fetch, url, { method: 'POST', body, headers: { 'content-length': length } }),
      );
    }
  }
  sameAsPlatform('0 for nothing', ({ fetch, url }) =>
    called(fetch, url, { method: 'POST', headers: { 'content-length': '0' } }),
  );
});

sameAsPlatform(
  'the stream of a call that is aborted',
  async ({ fetch, url }) => {
    let isCancelled = false;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(encode('begun'));
      },
      cancel() {
        isCancelled = true;
      },
    });
    const controller = new AbortController();
    const { signal } = controller;
    const init = { method: 'POST', body, signal, duplex: 'half' } as RequestInit;
    const answer = outcome(() => fetch(url, init));
    await new Promise((resolve) => setTimeout(resolve, 30));
    controller.abort(new Error('enough'));
    const found = await answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
    return { found, isCancelled };
  },
  { differs: 'failed-streams', ours: { isCancelled: true } },
);
