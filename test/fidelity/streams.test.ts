/** `body` as a web stream: read in all the ways there are, and left half read. */
import { Readable } from 'node:stream';
import * as consumers from 'node:stream/consumers';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe } from 'vitest';
import { sameEachWay, type Content } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import { outcome } from './seen.js';

useServers();

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;
const bodyOf = (response: Response): Body => response.body as Body;

const content = { body: 'some body, not a long one' };
const large = { body: 'x'.repeat(300_000) };

/** All that can be asked of a stream without touching it. */
function state(response: Response): unknown {
  return [response.bodyUsed, response.body?.locked];
}

async function rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks).toString();
    chunks.push(value);
  }
}

/** What became of its `closed`. */
const over = async (reader: { readonly closed: Promise<void> }): Promise<unknown> =>
  outcome(() => reader.closed);

const short = (text: string): unknown => (text.length > 100 ? text.length : text);

for (const [size, what] of Object.entries<Content>({
  small: content,
  empty: { body: '' },
  large,
})) {
  describe(`a ${size} body`, () => {
    const ways: Record<string, (response: Response) => unknown> = {
      'with a default reader': async (response) => {
        const reader = bodyOf(response).getReader();
        const locked = state(response);
        const text = short(await rest(reader));
        return [locked, text, state(response), await reader.read(), await over(reader)];
      },
      'with a reader of one’s own buffers': async (response) => {
        const reader = bodyOf(response).getReader({ mode: 'byob' });
        let all = '';
        for (;;) {
          const { done, value } = await reader.read(new Uint8Array(7));
          if (value !== undefined) all += Buffer.from(value).toString();
          if (done) return [short(all), value?.byteLength, state(response)];
        }
      },
      'with a reader of other views': async (response) => {
        const reader = bodyOf(response).getReader({ mode: 'byob' });
        const first = await reader.read(
          new DataView(new ArrayBuffer(5), 1, 3) as unknown as Uint8Array,
        );
        return [
          first.value?.constructor.name,
          first.value?.byteOffset,
          first.done,
          state(response),
          await outcome(() => reader.cancel()),
        ];
      },
      'with several reads at once': async (response) => {
        const reader = bodyOf(response).getReader();
        const reads = await Promise.all(Array.from({ length: 40 }, () => reader.read()));
        const all = Buffer.concat(
          reads.flatMap(({ value }) => (value === undefined ? [] : [value])),
        );
        reader.releaseLock();
        const more = await rest(bodyOf(response).getReader());
        return short(all.toString() + more);
      },
      'with a loop': async (response) => {
        let all = '';
        for await (const chunk of bodyOf(response)) all += Buffer.from(chunk).toString();
        return [short(all), state(response), await outcome(() => response.text())];
      },
      'with a loop that breaks off': async (response) => {
        for await (const chunk of bodyOf(response)) {
          if (chunk.length >= 0) break;
        }
        return [state(response), await outcome(() => bodyOf(response).getReader().read())];
      },
      'with a loop that throws': async (response) => [
        await outcome(async () => {
          for await (const chunk of bodyOf(response)) throw new Error(`found ${chunk.length >= 0}`);
        }),
        state(response),
      ],
      'with a loop that breaks off and cancels nothing': async (response) => {
        let size = 0;
        for await (const chunk of bodyOf(response).values({ preventCancel: true })) {
          size += chunk.length;
          break;
        }
        const between = state(response);
        for await (const chunk of bodyOf(response)) size += chunk.length;
        return [between, size, state(response)];
      },
      'read in part, given back, and read on': async (response) => {
        const first = bodyOf(response).getReader();
        const one = await first.read();
        first.releaseLock();
        const between = [
          state(response),
          await outcome(() => first.read()),
          await outcome(() => first.closed),
        ];
        const second = bodyOf(response).getReader();
        return [
          between,
          short(Buffer.from(one.value ?? []).toString() + (await rest(second))),
          state(response),
        ];
      },
      'given back while a read waits': async (response) => {
        const reader = bodyOf(response).getReader();
        const reads = Array.from({ length: 3 }, () => reader.read());
        const released = await outcome(() => reader.releaseLock());
        const settled = await Promise.allSettled(reads);
        return [released, settled.length, state(response)];
      },
      'torn in two': async (response) => {
        const [one, two] = bodyOf(response).tee();
        const locked = state(response);
        const both = await Promise.all([rest(one.getReader()), rest(two.getReader())]);
        return [locked, both.map(short), state(response)];
      },
      'torn in two, and one of them given up': async (response) => {
        const [one, two] = bodyOf(response).tee();
        void one.cancel('not this one');
        return [short(await rest(two.getReader())), state(response)];
      },
      'torn in two, and both given up': async (response) => {
        const [one, two] = bodyOf(response).tee();
        return [await Promise.all([one.cancel('a'), two.cancel('b')]), state(response)];
      },
      'through a decoder': async (response) => {
        const pieces: string[] = [];
        for await (const piece of bodyOf(response).pipeThrough(new TextDecoderStream()))
          pieces.push(piece);
        return [short(pieces.join('')), state(response)];
      },
      'into a sink': async (response) => {
        let size = 0;
        await bodyOf(response).pipeTo(
          new WritableStream({ write: (chunk: Uint8Array) => void (size += chunk.length) }),
        );
        return [size, state(response)];
      },
      'into a sink that fails': async (response) => [
        await outcome(() =>
          bodyOf(response).pipeTo(
            new WritableStream({ write: () => Promise.reject(new Error('full')) }),
          ),
        ),
        state(response),
      ],
      'into a sink, aborted': async (response) => [
        await outcome(() =>
          bodyOf(response).pipeTo(new WritableStream(), { signal: AbortSignal.abort('enough') }),
        ),
        state(response),
      ],
      'as a Node stream': async (response) => {
        let all = '';
        for await (const chunk of Readable.fromWeb(response.body as never)) all += String(chunk);
        return [short(all), state(response)];
      },
      'as a Node stream that is destroyed': async (response) => {
        const stream = Readable.fromWeb(response.body as never);
        stream.destroy();
        await new Promise((resolve) => stream.on('close', resolve));
        return state(response);
      },
      'by consumers': async (response) => [
        short(await consumers.text(response.body as never)),
        state(response),
      ],
      'by consumers, as a buffer': async (response) => [
        short((await consumers.buffer(response.body as never)).toString()),
        state(response),
      ],
      'by another response': async (response) => [
        short(await new Response(response.body).text()),
        state(response),
      ],
      'by another response, as a blob': async (response) => [
        (await new Response(response.body).blob()).size,
        state(response),
      ],
      'cancelled at once': async (response) => [
        await outcome(() => bodyOf(response).cancel('enough')),
        state(response),
        await outcome(() => response.text()),
        await outcome(() => bodyOf(response).getReader().read()),
      ],
      'cancelled twice': async (response) => [
        await outcome(() => bodyOf(response).cancel()),
        await outcome(() => bodyOf(response).cancel()),
      ],
      'cancelled while locked': async (response) => {
        const reader = bodyOf(response).getReader();
        return [
          await outcome(() => bodyOf(response).cancel()),
          state(response),
          await outcome(() => reader.cancel()),
          state(response),
          await over(reader),
          await reader.read(),
        ];
      },
      'cancelled in the middle': async (response) => {
        const reader = bodyOf(response).getReader();
        await reader.read();
        return [
          await outcome(() => reader.cancel(new Error('enough'))),
          await reader.read(),
          state(response),
          await over(reader),
        ];
      },
      'cancelled while a read waits': async (response) => {
        const reader = bodyOf(response).getReader();
        await rest(reader);
        return [await outcome(() => reader.cancel()), await reader.read(), await over(reader)];
      },
      'handed to another thread': async (response) => {
        const moved = structuredClone(response.body, {
          transfer: [response.body as never],
        }) as Body;
        const locked = state(response);
        return [locked, short(await rest(moved.getReader())), moved instanceof ReadableStream];
      },
      'in the wrong mode': async (response) => [
        await outcome(() => bodyOf(response).getReader({ mode: 'x' as 'byob' })),
        state(response),
      ],
      'with an empty buffer': async (response) => [
        await outcome(() => bodyOf(response).getReader({ mode: 'byob' }).read(new Uint8Array(0))),
        state(response),
      ],
      'with two readers': async (response) => {
        bodyOf(response).getReader();
        return [
          await outcome(() => bodyOf(response).getReader()),
          await outcome(() => bodyOf(response).tee()),
          await outcome(() => bodyOf(response).pipeTo(new WritableStream())),
        ];
      },
    };
    for (const [name, run] of Object.entries(ways)) sameEachWay(name, run, { content: what });
  });
}

describe('what it is', () => {
  sameEachWay(
    'of its kind',
    (response) => {
      const { body } = response;
      return [
        body instanceof ReadableStream,
        Object.prototype.toString.call(body),
        body?.constructor === ReadableStream,
        body === response.body,
        Object.keys(body as object),
        Object.getPrototypeOf(body) === ReadableStream.prototype,
        typeof body?.getReader({ mode: 'byob' }).read,
      ];
    },
    { content },
  );
  sameEachWay(
    'its pieces',
    async (response) => {
      const { value } = await bodyOf(response).getReader().read();
      return [
        value?.constructor === Uint8Array,
        Object.prototype.toString.call(value),
        Buffer.isBuffer(value),
        value?.byteOffset,
        value?.buffer.byteLength === value?.byteLength,
        value?.buffer.constructor === ArrayBuffer,
        Object.isFrozen(value),
      ];
    },
    { content },
  );
  sameEachWay(
    'a piece may be given away',
    async (response) => {
      const copy = response.clone();
      const reader = bodyOf(response).getReader();
      const { value } = await reader.read();
      const moved = structuredClone(value, {
        transfer: [(value as Uint8Array<ArrayBuffer>).buffer],
      }) as Uint8Array;
      moved.fill(0);
      return [value?.byteLength, moved.byteLength > 0, await copy.text()];
    },
    { content },
  );
  sameEachWay(
    'of no body',
    (response) => [response.body, response.bodyUsed, response.clone().body],
    { content: { status: 204 } },
  );
  sameEachWay(
    'piece by piece as they are sent',
    async (response) => {
      const reader = bodyOf(response).getReader();
      const pieces: string[] = [];
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return pieces;
        pieces.push(Buffer.from(value).toString());
      }
    },
    { content: { body: (_, response) => void sendSlowly(response, ['one', 'two', 'three']) } },
  );
  sameEachWay(
    'closed is told at the end, without a read',
    async (response) => {
      const reader = bodyOf(response).getReader();
      await reader.read();
      return outcome(async () =>
        Promise.race([reader.closed.then(() => 'closed'), setTimeout(300, 'open')]),
      );
    },
    { content },
  );
});

describe('the other side', () => {
  for (const [name, leave] of Object.entries<(response: Response) => unknown>({
    'cancel()': (response) => response.body?.cancel('enough'),
    'cancel() of a reader': async (response) => {
      const reader = bodyOf(response).getReader();
      await reader.read();
      await reader.cancel('enough');
    },
    'a loop that is left': async (response) => {
      for await (const chunk of bodyOf(response)) if (chunk.length > 0) break;
    },
    'cancel() of both halves': async (response) => {
      const copy = response.clone();
      await Promise.all([response.body?.cancel(), copy.body?.cancel()]);
    },
    'a Node stream that is destroyed': (response) =>
      void Readable.fromWeb(response.body as never).destroy(),
  })) {
    sameAsPlatform(`sees the close after ${name}`, async ({ fetch, url, server }) => {
      const seen: unknown[] = [];
      for (const input of [url, new Request(url)]) {
        const closed = new Promise((resolve) => {
          server.answer = (_, response) => {
            response.write('x'.repeat(1000));
            response.on('close', () => resolve(['closed', response.writableFinished]));
          };
        });
        await leave(await fetch(input));
        seen.push(await closed);
      }
      return seen;
    });
  }

  for (const [name, read] of Object.entries<(response: Response) => unknown>({
    'nobody reads': () => undefined,
    'the body is looked at': (response) => response.body,
    'a reader is taken': (response) => response.body?.getReader(),
    'one piece is read': (response) => response.body?.getReader().read(),
    'it is cloned': (response) => response.clone(),
    'one clone is read in part': (response) => response.clone().body?.getReader().read(),
  })) {
    sameAsPlatform(`is held back while ${name}`, async ({ fetch, url, server }) => {
      const seen: unknown[] = [];
      for (const input of [url, new Request(url)]) {
        const piece = Buffer.alloc(1 << 20);
        let sent = 0;
        server.answer = (_, response) => {
          const push = (): void => {
            while (sent < 64 && !response.destroyed) {
              sent += 1;
              if (!response.write(piece)) {
                response.once('drain', push);
                return;
              }
            }
            response.end();
          };
          push();
        };
        const response = await fetch(input);
        const held = await read(response);
        let before = -1;
        while (before !== sent) {
          before = sent;
          await setTimeout(60);
        }
        // What the kernel's buffers take is some megabytes, and differs.
        seen.push(sent < 40 || sent);
        void held;
        if (response.body?.locked !== true) void response.body?.cancel();
        server.sockets.forEach((socket) => socket.destroy());
        await setImmediate();
      }
      return seen;
    });
  }

  sameAsPlatform(
    'may be slow: nothing is lost',
    async ({ fetch, url }) => {
      const seen: unknown[] = [];
      for (const input of [url, new Request(url)]) {
        let size = 0;
        for await (const chunk of bodyOf(await fetch(input))) {
          size += chunk.length;
          if (size % 7 === 0) await setImmediate();
        }
        seen.push(size);
      }
      return seen;
    },
    { answer: (_, response) => response.end(Buffer.alloc(5_000_000)) },
  );
});

async function sendSlowly(
  response: { write(text: string): unknown; end(): unknown },
  pieces: readonly string[],
): Promise<void> {
  for (const piece of pieces) {
    response.write(piece);
    await setTimeout(30);
  }
  response.end();
}
