/** Bodies that do not come to their end: cut, broken, or given up by the caller's signal, whoever reads them. */
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { describe } from 'vitest';
import { strictParser, ways, whereProbeDiffers } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import type { Answer } from './script-server.js';
import { outcome } from './seen.js';

useServers();
const mayDiffer = strictParser();
const older = whereProbeDiffers(
  'abort-reason',
  async ({ fetch, url }) => {
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    controller.abort(new Error('enough'));
    return response.text();
  },
  { answer: (_, response) => response.write('only so much') },
);

const asIterable = (body: Response['body']): AsyncIterable<Uint8Array> =>
  (body ?? []) as unknown as AsyncIterable<Uint8Array>;

const reads: Record<string, (response: Response) => unknown> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: (response) => response.arrayBuffer(),
  blob: (response) => response.blob(),
  bytes: async (response) => (response as unknown as { bytes(): Promise<Uint8Array> }).bytes(),
  formData: (response) => response.formData(),
  textStream: async (response) => {
    const { textStream } = response as unknown as {
      textStream?: (this: Response) => AsyncIterable<string>;
    };
    if (textStream === undefined) return 'none';
    for await (const piece of textStream.call(response)) void piece;
    return undefined;
  },
  'a loop': async ({ body }) => {
    for await (const chunk of asIterable(body)) void chunk;
  },
  'a reader, and its closed': async ({ body }) => {
    const reader = body?.getReader();
    const closed = outcome(() => reader?.closed);
    const read = await outcome(async () => {
      for (;;) if ((await reader?.read())?.done !== false) return;
    });
    return [
      read,
      await closed,
      await outcome(() => reader?.read()),
      await outcome(() => reader?.cancel()),
    ];
  },
  'a reader of one’s own buffers': async ({ body }) => {
    const reader = body?.getReader({ mode: 'byob' });
    return outcome(async () => {
      for (;;) if ((await reader?.read(new Uint8Array(4)))?.done !== false) return;
    });
  },
  'both halves': async ({ body }) => {
    const halves = body?.tee() ?? [];
    return Promise.all(halves.map((half) => outcome(() => new Response(half).text())));
  },
  pipeTo: ({ body }) => body?.pipeTo(new WritableStream()),
  'pipeTo, as the sink sees it': async ({ body }) => {
    let seen: unknown = 'nothing';
    await outcome(() =>
      body?.pipeTo(
        new WritableStream({ abort: (reason) => void (seen = (reason as Error).message) }),
      ),
    );
    return seen;
  },
  'a decoder': async ({ body }) => {
    for await (const piece of asIterable(body?.pipeThrough(new TextDecoderStream()) as never))
      void piece;
  },
  'a Node stream': async ({ body }) => {
    for await (const piece of Readable.fromWeb(body as never)) void piece;
  },
  'another response': ({ body }) => new Response(body).text(),
  'a clone, and the original': async (response) => {
    const copy = response.clone();
    const both = [copy.text(), response.text()].map((one) => outcome(() => one));
    return [await Promise.all(both), copy.bodyUsed, response.bodyUsed];
  },
  'a clone alone': (response) => response.clone().text(),
  'text, twice': async (response) => [
    await outcome(() => response.text()),
    await outcome(() => response.text()),
    response.bodyUsed,
    await outcome(() => typeof response.clone()),
  ],
};

const cuts: Record<string, Answer> = {
  'by a close, short of its length': (_, response) => {
    response.writeHead(200, { 'content-length': '1000', 'content-type': 'text/plain' });
    response.write('only so much', () => setImmediate(() => response.socket?.end()));
  },
  'by a close, between chunks': (_, response) => {
    response.write('only so much', () => setImmediate(() => response.socket?.end()));
  },
  'by a reset': (_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('only so much', () => setImmediate(() => response.socket?.resetAndDestroy()));
  },
  'by a chunk that is none': ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
    setImmediate(() => socket.end('zz\r\nsecond\r\n'));
  },
  'before its first byte': (_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.flushHeaders();
    void setTimeout(20).then(() => response.socket?.end());
  },
};

const targets = Object.entries(ways).filter(([way]) => way !== 'decoded');

/** Answers a redirect as a redirect, everything else with what is broken. */
function after(answer: Answer): Answer {
  return (request, response) => {
    if (request.url?.startsWith('/redirect') !== true) return answer(request, response);
    response.writeHead(302, { location: '/next' });
    return response.end();
  };
}

for (const [cut, answer] of Object.entries(cuts)) {
  describe(`cut ${cut}`, () => {
    for (const [way, get] of targets) {
      for (const [name, read] of Object.entries(reads)) {
        sameAsPlatform(
          `${name}: ${way}`,
          async (bench) => {
            const response = await get(bench);
            return [response.status, await outcome(() => read(response)), response.bodyUsed];
          },
          { answer: after(answer), ...(cut === 'by a chunk that is none' && { mayDiffer }) },
        );
      }
      sameAsPlatform(
        `before anybody reads: ${way}`,
        async (bench) => {
          const seen: unknown[] = [];
          for (const read of [
            reads.text,
            reads['a loop'],
            reads['a clone alone'],
            reads['another response'],
            reads['a reader, and its closed'],
          ]) {
            const response = await get(bench);
            await setTimeout(60);
            seen.push(response.bodyUsed, await outcome(() => read?.(response)), response.bodyUsed);
          }
          return seen;
        },
        { answer: after(answer), ...(cut === 'by a chunk that is none' && { mayDiffer }) },
      );
    }
  });
}

describe('aborted', () => {
  const reasons: Record<string, (controller: AbortController) => void> = {
    'without a reason': (controller) => controller.abort(),
    'with an error': (controller) => controller.abort(new Error('enough')),
    'with a word': (controller) => controller.abort('enough'),
    'with null': (controller) => controller.abort(null),
  };
  const early: Answer = after((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('only so much');
  });
  for (const [reason, abort] of Object.entries(reasons)) {
    for (const [way, get] of targets) {
      for (const [name, read] of Object.entries(reads)) {
        if (
          reason !== 'without a reason' &&
          !['text', 'a loop', 'a clone, and the original'].includes(name)
        )
          continue;
        sameAsPlatform(
          `${reason}, while it is read: ${name}: ${way}`,
          async (bench) => {
            const controller = new AbortController();
            const response = await get(bench, { signal: controller.signal });
            const reading = outcome(() => read(response));
            await setTimeout(20);
            abort(controller);
            return [await reading, response.bodyUsed];
          },
          {
            answer: early,
            ...(way !== 'decoded' && name === 'a clone alone' && { mayDiffer: older }),
          },
        );
      }
      sameAsPlatform(
        `${reason}, before it is read: ${way}`,
        async (bench) => {
          const seen: unknown[] = [];
          for (const [name, read] of Object.entries(reads)) {
            const controller = new AbortController();
            const response = await get(bench, { signal: controller.signal });
            abort(controller);
            seen.push([
              name,
              response.bodyUsed,
              await outcome(() => read(response)),
              response.bodyUsed,
            ]);
          }
          return seen;
        },
        { answer: early, ...(way !== 'decoded' && { mayDiffer: older }) },
      );
      sameAsPlatform(
        `${reason}, after it was looked at: ${way}`,
        async (bench) => {
          const seen: unknown[] = [];
          for (const [name, read] of Object.entries(reads)) {
            const controller = new AbortController();
            const response = await get(bench, { signal: controller.signal });
            void response.body;
            abort(controller);
            seen.push([name, await outcome(() => read(response))]);
          }
          return seen;
        },
        { answer: early, ...(way !== 'decoded' && { mayDiffer: older }) },
      );
      sameAsPlatform(
        `${reason}, after it was read whole: ${way}`,
        async (bench) => {
          const controller = new AbortController();
          const response = await get(bench, { signal: controller.signal });
          const text = await response.text();
          abort(controller);
          return [text, response.status, response.bodyUsed, await outcome(() => response.text())];
        },
        { answer: after((_, response) => response.end('whole')) },
      );
      sameAsPlatform(
        `${reason}, after it has come whole, and nobody has read: ${way}`,
        async (bench) => {
          const seen: unknown[] = [];
          for (const read of [reads.text, reads['a loop'], reads['a clone alone']]) {
            const controller = new AbortController();
            const response = await get(bench, { signal: controller.signal });
            await setTimeout(30);
            abort(controller);
            seen.push([response.bodyUsed, await outcome(() => read?.(response))]);
          }
          return seen;
        },
        {
          answer: after((_, response) => response.end('whole')),
          ...(way !== 'decoded' && { mayDiffer: older }),
        },
      );
      sameAsPlatform(
        `${reason}, after a part was read: ${way}`,
        async (bench) => {
          const controller = new AbortController();
          const response = await get(bench, { signal: controller.signal });
          const reader = response.body?.getReader();
          const first = await reader?.read();
          abort(controller);
          return [
            Buffer.from(first?.value ?? []).toString(),
            await outcome(() => reader?.read()),
            await outcome(() => reader?.closed),
            response.bodyUsed,
          ];
        },
        { answer: early },
      );
      sameAsPlatform(
        `${reason}, the clone too: ${way}`,
        async (bench) => {
          const controller = new AbortController();
          const response = await get(bench, { signal: controller.signal });
          const copy = response.clone();
          abort(controller);
          return [await outcome(() => copy.text()), await outcome(() => response.text())];
        },
        { answer: early, ...(way !== 'decoded' && { mayDiffer: older }) },
      );
    }
  }
  for (const [way, get] of targets) {
    sameAsPlatform(`the server sees it: ${way}`, async (bench) => {
      const closed = new Promise((resolve) => {
        bench.server.answer = after((_, response) => {
          response.write('x');
          response.on('close', () => resolve(response.writableFinished));
        });
      });
      const controller = new AbortController();
      await get(bench, { signal: controller.signal });
      controller.abort();
      return closed;
    });
    sameAsPlatform(
      `by a time limit: ${way}`,
      async (bench) => {
        const response = await get(bench, { signal: AbortSignal.timeout(1000) });
        return outcome(() => response.text());
      },
      { answer: early },
    );
    sameAsPlatform(
      `by one signal of several: ${way}`,
      async (bench) => {
        const controller = new AbortController();
        const response = await get(bench, {
          signal: AbortSignal.any([controller.signal, new AbortController().signal]),
        });
        const reading = outcome(() => response.text());
        controller.abort(new RangeError('one of them'));
        return reading;
      },
      { answer: early },
    );
  }
});
