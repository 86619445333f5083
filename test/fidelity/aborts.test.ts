/** When a signal says so: what rejects, with which reason, what becomes of streams, sockets and listeners. */
import { getEventListeners } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import { describe } from 'vitest';
import * as bench from './differential.js';
import type { Answer } from './script-server.js';
import { bytesOf, outcome, thrown, whole } from './seen.js';

type Bench = bench.Bench;

bench.useServers();

/** Whether a request is sent before the abort depends on who is faster. */
function sameAsPlatform(name: string, observe: bench.Observe, options?: bench.CheckOptions): void {
  bench.sameAsPlatform(name, observe, { compareAsked: false, ...options });
}

const reasons: Record<string, () => unknown> = {
  'no reason': () => undefined,
  'an Error': () => new Error('enough'),
  'a TypeError': () => new TypeError('enough'),
  text: () => 'enough',
  null: () => null,
  'a number': () => 0,
  'an object': () => ({ enough: true }),
  'a DOMException': () => new DOMException('enough', 'TimeoutError'),
};

/** How each answers, so that the abort comes where it is to come. */
const begun: Answer = (_, response) => response.write('begun');
const silent: Answer = () => {};

const late: bench.CheckOptions = { differs: 'abort-reason', onSome: true };

/** Two rejections, and whether they are the reason itself. */
async function rejection(run: () => unknown, signal: AbortSignal): Promise<unknown> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: thrown(error), isReason: Object.is(error, signal.reason) };
  }
}

/** With a signal of its own, a signal in a Request, a signal by `any`, both. */
const givers: Record<
  string,
  (bench: Bench, signal: AbortSignal, more?: object) => Promise<Response>
> = {
  'a signal': ({ fetch, url }, signal, more) => fetch(url, { signal, ...more }),
  'a signal of a Request': ({ fetch, url }, signal, more) =>
    fetch(new Request(url, { signal, ...more })),
  'a signal by any()': ({ fetch, url }, signal, more) =>
    fetch(url, { signal: AbortSignal.any([signal, new AbortController().signal]), ...more }),
  'a signal in place of a Request’s': ({ fetch, url }, signal, more) =>
    fetch(new Request(url, { signal: new AbortController().signal }), { signal, ...more }),
  'a signal on the full path': ({ fetch, url }, signal, more) =>
    fetch(url, { signal, cache: 'no-store', ...more } as RequestInit),
};

for (const [name, give] of Object.entries(givers)) {
  describe(name, () => {
    for (const [what, reason] of Object.entries(reasons)) {
      sameAsPlatform(`before the call, ${what}`, (bench) => {
        const signal = AbortSignal.abort(reason());
        return rejection(() => give(bench, signal), signal);
      });
      sameAsPlatform(`right after the call, ${what}`, (bench) => {
        const controller = new AbortController();
        const { signal } = controller;
        const answer = rejection(() => give(bench, signal), signal);
        controller.abort(reason());
        return answer;
      });
      sameAsPlatform(`before the head, ${what}`, (bench) => {
        const controller = new AbortController();
        const { signal } = controller;
        bench.server.answer = () => controller.abort(reason());
        return rejection(() => give(bench, signal), signal);
      });
      for (const read of ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const) {
        sameAsPlatform(`in the body, by ${read}(), ${what}`, async (bench) => {
          const controller = new AbortController();
          const { signal } = controller;
          bench.server.answer = (request, response) => {
            response.setHeader('content-type', 'multipart/form-data; boundary=x');
            begun(request, response);
          };
          const response = await give(bench, signal);
          const reading = rejection(() => response[read](), signal);
          controller.abort(reason());
          return [await reading, response.bodyUsed];
        });
      }
      sameAsPlatform(`in the body, by a reader, ${what}`, async (bench) => {
        const controller = new AbortController();
        const { signal } = controller;
        bench.server.answer = begun;
        const response = await give(bench, signal);
        const reader = response.body?.getReader();
        const first = (await reader?.read()) as { value?: Uint8Array };
        const second = rejection(() => reader?.read(), signal);
        controller.abort(reason());
        return [
          Buffer.from(first.value ?? []).toString(),
          await second,
          await rejection(() => reader?.read(), signal),
          await rejection(() => reader?.closed, signal),
          response.bodyUsed,
        ];
      });
      sameAsPlatform(
        `before the body is touched, ${what}`,
        async (bench) => {
          const controller = new AbortController();
          const { signal } = controller;
          bench.server.answer = begun;
          const response = await give(bench, signal);
          controller.abort(reason());
          await later(10);
          return [
            await rejection(() => response.text(), signal),
            response.bodyUsed,
            response.status,
            response.headers.has('content-length'),
          ];
        },
        late,
      );
      sameAsPlatform(`before the body is touched, by a reader, ${what}`, async (bench) => {
        const controller = new AbortController();
        const { signal } = controller;
        bench.server.answer = begun;
        const response = await give(bench, signal);
        controller.abort(reason());
        await later(10);
        return rejection(() => response.body?.getReader().read(), signal);
      });
      sameAsPlatform(`after the end, ${what}`, async (bench) => {
        const controller = new AbortController();
        const { signal } = controller;
        const response = await give(bench, signal);
        const text = await response.text();
        controller.abort(reason());
        return [text, response.bodyUsed, await outcome(() => response.text())];
      });
      const readings: Record<string, (response: Response) => unknown> = {
        'text()': (response) => response.text(),
        'blob()': (response) => response.blob(),
        'clone()': (response) => response.clone().text(),
        'a reader': (response) => response.body?.getReader().read(),
      };
      for (const [way, read] of Object.entries(readings)) {
        for (const pause of [0, 20]) {
          sameAsPlatform(
            `a small body that has come, by ${way}, ${pause}, ${what}`,
            async (bench) => {
              const controller = new AbortController();
              const { signal } = controller;
              const response = await give(bench, signal);
              await later(20);
              controller.abort(reason());
              await later(pause);
              return [
                await rejection(() => read(response), signal),
                response.bodyUsed,
                await rejection(() => response.text(), signal),
              ];
            },
            late,
          );
        }
      }
      sameAsPlatform(`a clone, ${what}`, async (bench) => {
        const controller = new AbortController();
        const { signal } = controller;
        bench.server.answer = begun;
        const response = await give(bench, signal);
        const copy = response.clone();
        const reading = [
          rejection(() => response.text(), signal),
          rejection(() => copy.text(), signal),
        ];
        await later(5);
        controller.abort(reason());
        return Promise.all(reading);
      });
    }

    for (const [what, body] of Object.entries({
      text: () => 'x'.repeat(5_000_000),
      bytes: () => new Uint8Array(5_000_000),
      'a stream': () =>
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('begun'));
          },
        }),
    })) {
      sameAsPlatform(`while ${what} goes out`, async (bench) => {
        const controller = new AbortController();
        const { signal } = controller;
        const more = { method: 'POST', body: body(), duplex: 'half' };
        const answer = rejection(() => give(bench, signal, more), signal);
        await later(2);
        controller.abort(new Error('enough'));
        return answer;
      });
    }

    sameAsPlatform('the server sees its socket close, before the head', async (bench) => {
      const controller = new AbortController();
      const closed = new Promise((resolve) => {
        bench.server.answer = ({ socket }) => {
          socket.once('close', () => resolve('closed'));
          controller.abort();
        };
      });
      await outcome(() => give(bench, controller.signal));
      return Promise.race([closed, later(1000, 'open')]);
    });
    sameAsPlatform('the server sees its socket close, in the body', async (bench) => {
      const controller = new AbortController();
      const closed = new Promise((resolve) => {
        bench.server.answer = (request, response) => {
          request.socket.once('close', () => resolve('closed'));
          begun(request, response);
        };
      });
      const response = await give(bench, controller.signal);
      controller.abort();
      await outcome(() => response.text());
      return Promise.race([closed, later(1000, 'open')]);
    });
    sameAsPlatform('the socket stays, after the end', async (bench) => {
      const controller = new AbortController();
      let isOpen = true;
      bench.server.answer = (request, response) => {
        request.socket.once('close', () => {
          isOpen = false;
        });
        response.end('fine');
      };
      await (await give(bench, controller.signal)).text();
      controller.abort();
      await later(20);
      return isOpen;
    });
    sameAsPlatform('a head that never comes, and a timeout', async (bench) => {
      bench.server.answer = silent;
      const signal = AbortSignal.timeout(20);
      return rejection(() => give(bench, signal), signal);
    });
    sameAsPlatform('a body that never ends, and a timeout', async (bench) => {
      bench.server.answer = begun;
      const signal = AbortSignal.timeout(1000);
      const response = await give(bench, signal);
      return rejection(() => response.text(), signal);
    });
    sameAsPlatform('one for many', async (bench) => {
      const controller = new AbortController();
      const { signal } = controller;
      const arrived = new Promise<void>((resolve) => {
        let count = 0;
        bench.server.answer = () => {
          count += 1;
          if (count === 20) resolve();
        };
      });
      const all = Array.from({ length: 20 }, () => rejection(() => give(bench, signal), signal));
      await arrived;
      controller.abort(new Error('all of you'));
      return Promise.all(all);
    });
    sameAsPlatform('one for many, one after the other', async (bench) => {
      const controller = new AbortController();
      const texts: string[] = [];
      for (let index = 0; index < 15; index += 1) {
        texts.push(await (await give(bench, controller.signal)).text());
      }
      controller.abort();
      return texts;
    });
    sameAsPlatform('aborted twice', async (bench) => {
      const controller = new AbortController();
      const { signal } = controller;
      bench.server.answer = silent;
      const answer = rejection(() => give(bench, signal), signal);
      await later(5);
      controller.abort(new Error('first'));
      controller.abort(new Error('second'));
      return answer;
    });
    sameAsPlatform('while it connects to nobody', async (bench) => {
      const controller = new AbortController();
      const { signal } = controller;
      // Of a network for documents: nothing answers, or the system says so at once.
      const far = { ...bench, url: 'http://192.0.2.1:1025' };
      const answer = rejection(() => give(far, signal), signal);
      await Promise.resolve();
      controller.abort(new Error('enough'));
      return answer;
    });
    sameAsPlatform('no rejection comes in the turn of the abort', async (bench) => {
      const controller = new AbortController();
      bench.server.answer = silent;
      const steps: string[] = [];
      const answer = give(bench, controller.signal).catch(() => steps.push('rejected'));
      await later(10);
      controller.abort();
      steps.push('after abort()');
      await answer;
      return steps;
    });
  });
}

describe('listeners', () => {
  const left = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

  sameAsPlatform('a listener of the caller that throws disturbs nobody', async (bench) => {
    const controller = new AbortController();
    const { signal } = controller;
    bench.server.answer = () => controller.abort(new Error('enough'));
    const order: string[] = [];
    signal.addEventListener('abort', () => order.push('the caller’s'));
    const found = await rejection(() => bench.fetch(bench.url, { signal }), signal);
    return [found, order];
  });
  sameAsPlatform(
    'are gone when the answer has been read',
    async ({ fetch, url }) => {
      const { signal } = new AbortController();
      for (let index = 0; index < 3; index += 1) await (await fetch(url, { signal })).text();
      await later(5);
      return left(signal);
    },
    { differs: 'signal-listeners', onSome: true, ours: 0 },
  );
  sameAsPlatform(
    'one for however many calls',
    async ({ fetch, url, server }) => {
      server.answer = silent;
      const controller = new AbortController();
      const { signal } = controller;
      const calls = Array.from({ length: 5 }, () => outcome(() => fetch(url, { signal })));
      const count = left(signal);
      controller.abort();
      await Promise.all(calls);
      return count;
    },
    { differs: 'signal-listeners', ours: 1 },
  );
});

describe('cancelling', () => {
  sameAsPlatform('the body before it is read', async ({ fetch, url, server }) => {
    const closed = new Promise((resolve) => {
      server.answer = (request, response) => {
        request.socket.once('close', () => resolve('closed'));
        begun(request, response);
      };
    });
    const response = await fetch(url);
    await response.body?.cancel(new Error('enough'));
    return [
      await Promise.race([closed, later(1000, 'open')]),
      response.bodyUsed,
      await outcome(() => response.text()),
    ];
  });
  sameAsPlatform('the body in the middle', async ({ fetch, url, server }) => {
    server.answer = begun;
    const response = await fetch(url);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    return [await outcome(() => reader?.read()), await outcome(() => reader?.closed)];
  });
  sameAsPlatform('the body after an abort', async ({ fetch, url, server }) => {
    server.answer = begun;
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await later(5);
    return outcome(() => response.body?.cancel());
  });
  sameAsPlatform(
    'a reader that only waits for the end, aborted',
    async ({ fetch, url, server }) => {
      server.answer = begun;
      const controller = new AbortController();
      const response = await fetch(url, { signal: controller.signal });
      const closed = outcome(() => response.body?.getReader().closed);
      await later(5);
      controller.abort(new Error('enough'));
      return closed;
    },
  );
  sameAsPlatform(
    'a reader that only waits for the end, cut off',
    async ({ fetch, url, server }) => {
      server.answer = (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('begun');
        setTimeout(() => response.destroy(), 10);
      };
      const response = await fetch(url);
      return outcome(() => response.body?.getReader().closed);
    },
  );
  sameAsPlatform('and then an abort', async ({ fetch, url, server }) => {
    server.answer = begun;
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    await response.body?.cancel();
    controller.abort(new Error('enough'));
    return [response.bodyUsed, response.body?.locked];
  });
});

describe('a call that is over', () => {
  sameAsPlatform('an abort after a failure', async ({ fetch, deadUrl }) => {
    const controller = new AbortController();
    const found = await outcome(() => fetch(deadUrl, { signal: controller.signal }));
    controller.abort();
    return found;
  });
  sameAsPlatform('the next call with the same signal', async ({ fetch, url, server }) => {
    const controller = new AbortController();
    const { signal } = controller;
    server.answer = () => controller.abort(new Error('enough'));
    return [
      await rejection(() => fetch(url, { signal }), signal),
      await rejection(() => fetch(url, { signal }), signal),
    ];
  });
  sameAsPlatform('others go on', async ({ fetch, url, server }) => {
    const controller = new AbortController();
    server.answer = (request, response) => {
      if (request.url === '/other') setTimeout(() => response.end('other'), 20);
      else controller.abort();
    };
    const other = fetch(`${url}/other`);
    const found = await outcome(() => fetch(url, { signal: controller.signal }));
    return [found, await whole(await other)];
  });
  sameAsPlatform('bytes that have come', async ({ fetch, url }) => {
    const response = await fetch(url);
    return bytesOf(response);
  });
});
