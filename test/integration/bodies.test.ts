/** Every form of a body, sent again: what a further attempt sends is what the first one sent, or there is none. */
import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as ask, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import type {
  AttemptLayer,
  CallLayer,
  ClientOptions,
  Middleware,
  ResilientClient,
} from '../../src/index.js';
import type { KeptBody } from '../../src/core/kept-body.js';
import { hold, type ReceivedRequest, type Step } from '../../src/testing/index.js';
import { shop } from '../support/fleet.js';

const AGAIN: ClientOptions = { retry: { backoff: { baseInterval: 1 } } };
const MEGABYTE = 1024 * 1024;

/** Bytes in which every place can be told from every other. */
function bytesOfSize(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let index = 0; index < words.length; index++) words[index] = index * 2654435761;
  return new Uint8Array(words.buffer, 0, size);
}

async function* inPieces(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

function form(): FormData {
  const data = new FormData();
  data.append('name', 'a "quoted"\nvalue');
  data.append('file', new File(['file ', 'contents'], 'größe.txt', { type: 'text/plain' }));
  data.append('blob', new Blob([bytesOfSize(3000)]));
  return data;
}

const answering = [{ status: 503, body: 'not now' }, 200] as const;

/** What of a request a further attempt must repeat. */
function sent({ body, headers }: ReceivedRequest) {
  const own = Object.entries(headers).filter(
    ([name]) => !['host', 'connection', 'x-envoy-attempt-count'].includes(name),
  );
  return { body: body.toString('latin1'), headers: Object.fromEntries(own) };
}

async function sendTwice(
  send: (client: ResilientClient) => Promise<unknown>,
  firstStep: Step = answering[0],
  options: ClientOptions = AGAIN,
) {
  const { fleet, client } = await shop({ endpoints: 1, plan: [firstStep, 200] }, options);
  await send(client);
  const { requests } = fleet.server(0);
  expect(requests).toHaveLength(2);
  const [first, second] = requests.map(sent);
  return { first, second, client };
}

const text = 'some text: größe';
const bytes = bytesOfSize(200_000);

const bodies: Record<string, { body: () => unknown; expected?: string; type?: string | RegExp }> = {
  text: { body: () => text, expected: text, type: 'text/plain;charset=UTF-8' },
  bytes: { body: () => bytes },
  'a view of bytes': { body: () => new DataView(bytes.buffer, 0, 200_000) },
  'an ArrayBuffer': { body: () => bytes.buffer },
  URLSearchParams: {
    body: () => new URLSearchParams({ a: '1', b: 'ü' }),
    expected: 'a=1&b=%C3%BC',
    type: 'application/x-www-form-urlencoded;charset=UTF-8',
  },
  'a Blob': { body: () => new Blob([bytes], { type: 'image/png' }), type: 'image/png' },
  FormData: { body: form, type: /^multipart\/form-data; boundary=-+formdata-undici-\d+$/ },
  'a ReadableStream': { body: () => ReadableStream.from(inPieces(bytes)) },
  'an async generator': { body: () => inPieces(bytes) },
  'a Node Readable': { body: () => Readable.from(inPieces(bytes)) },
  'a function that gives text': { body: () => () => text, expected: text, type: /^text\/plain/ },
  'a function that promises a stream': {
    body: () => async () => ReadableStream.from(inPieces(bytes)),
  },
  'a function that gives a form': { body: () => form, type: /^multipart/ },
};

describe.each(Object.entries(bodies))('ask 1: a retried PUT of %s', (name, { body, ...told }) => {
  const expected = told.expected ?? Buffer.from(bytes).toString('latin1');

  function check({ first, second }: Awaited<ReturnType<typeof sendTwice>>, typed = true): void {
    expect(second).toEqual(first);
    if (name === 'FormData' || name.endsWith('form')) {
      const boundary = String(first?.headers['content-type']).split('boundary=')[1] ?? '?';
      expect(first?.body.split(`--${boundary}`)).toHaveLength(5);
      expect(first?.body).toContain('file contents\r\n');
    } else {
      expect(first?.body).toBe(
        Buffer.from(expected, told.expected ? 'utf8' : 'latin1').toString('latin1'),
      );
    }
    if (!typed) return;
    if (told.type === undefined) expect(first?.headers).not.toHaveProperty('content-type');
    else expect(first?.headers['content-type']).toEqual(expect.stringMatching(told.type));
  }

  /** The fast path where there is one; a redirect mode makes it the full path. */
  test.each(['fetch', 'the full path of fetch'])('by %s', async (face) => {
    const init = {
      method: 'PUT',
      body: body(),
      duplex: 'half',
      ...(face !== 'fetch' && { redirect: 'manual' }),
    } as RequestInit;
    check(await sendTwice(async (client) => (await client.fetch('/', init)).text()));
  });

  test('by fetch, after a reset', async () => {
    const init = { method: 'PUT', body: body(), duplex: 'half' } as RequestInit;
    check(await sendTwice(async (client) => (await client.fetch('/', init)).text(), 'reset'));
  });

  test('through middleware', async () => {
    const seen: Request[] = [];
    const options: ClientOptions = {
      ...AGAIN,
      middleware: [
        (request, next) => {
          seen.push(request);
          return next(request);
        },
      ],
    };
    const init = { method: 'PUT', body: body(), duplex: 'half' } as RequestInit;
    const send = async (client: ResilientClient) => (await client.fetch('/', init)).text();
    check(await sendTwice(send, answering[0], options));
    expect(seen).toHaveLength(1);
  });

  test('by client.request', async () => {
    check(
      await sendTwice(async (client) => {
        const { body: answer } = await client.request('/', {
          method: 'PUT',
          body: body() as string,
        });
        return answer.text();
      }),
      // As undici has it, text alone says nothing of its type.
      !name.endsWith('text'),
    );
  });
});

test('ask 1: a retried PUT of the platform’s fetch over client.dispatcher', async () => {
  for (const body of [text, bytes, form(), new Blob([bytes])]) {
    const { first, second } = await sendTwice(async ({ dispatcher }) => {
      const init = { method: 'PUT', body, dispatcher } as unknown as RequestInit;
      return (await fetch('http://shop/', init)).text();
    });
    expect(second).toEqual(first);
    expect(first?.headers['content-length']).toBe(String(first?.body.length));
  }
});

test('ask 2: a file on the disk is sent again, alone and in a form', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeFile(path, bytes);
  const data = new FormData();
  data.append('file', await openAsBlob(path), 'file');
  for (const body of [await openAsBlob(path), () => openAsBlob(path), data]) {
    const { first, second } = await sendTwice(async (client) =>
      client.fetch('/', { method: 'PUT', body }),
    );
    expect(second).toEqual(first);
    expect(first?.body).toContain(Buffer.from(bytes).toString('latin1'));
    expect(first?.headers['content-length']).toBe(String(first?.body.length));
  }
});

test('ask 1: a retried PUT of a Request object', async () => {
  const { first, second } = await sendTwice(async (client) => {
    const request = new Request('http://shop/', { method: 'PUT', body: form() });
    return (await client.fetch(request)).text();
  });
  expect(second).toEqual(first);
  expect(first?.body).toContain('file contents');
  expect(first?.headers['content-length']).toBe(String(first?.body.length));
});

describe('ask 7: a function makes a fresh stream for each attempt', () => {
  test('of several megabytes, far beyond what would be kept', async () => {
    const large = bytesOfSize(5 * MEGABYTE);
    let made = 0;
    let closed = 0;
    async function* making(): AsyncGenerator<Uint8Array> {
      made += 1;
      try {
        yield* inPieces(large, 64 * 1024);
      } finally {
        closed += 1;
      }
    }
    const { fleet, client } = await shop({ endpoints: 1, plan: [503, 'reset', 200] }, AGAIN);
    expect((await client.fetch('/', { method: 'PUT', body: making })).status).toBe(200);
    const { requests } = fleet.server(0);
    expect(requests.map(({ body }) => Buffer.compare(body, large))).toEqual([0, 0, 0]);
    expect([made, closed]).toEqual([3, 3]);
    expect(client.stats()['cluster.shop.retry_or_shadow_abandoned']).toBe(0);
  });

  test('and is closed where the attempt breaks off before its end', async () => {
    const closed: number[] = [];
    let made = 0;
    const closedBefore: number[] = [];
    const endless = (): ReadableStream => {
      const number = made++;
      closedBefore.push(closed.length);
      return new ReadableStream({
        pull: (controller) =>
          number === 0 ? controller.enqueue(new Uint8Array(1000)) : controller.close(),
        cancel: () => void closed.push(number),
      });
    };
    const { client } = await shop({ endpoints: 1, plan: [{ early: 'reset' }, 200] }, AGAIN);
    expect((await client.fetch('/', { method: 'PUT', body: endless })).status).toBe(200);
    expect([made, closed, closedBefore]).toEqual([2, [0], [0, 1]]);
  });

  test.each([null, undefined, 7])('%s in place of a body is refused', async (nothing) => {
    const { fleet, client } = await shop({ endpoints: 1 }, AGAIN);
    const body = (() => nothing) as never;
    for (const send of [
      client.fetch('/', { method: 'PUT', body }),
      client.fetch('/', { method: 'PUT', body, redirect: 'manual' }),
      client.request('/', { method: 'PUT', body }),
    ]) {
      await expect(send).rejects.toThrow('the body function gave');
    }
    expect(fleet.server(0).requests).toHaveLength(0);
  });

  test('the same stream a second time is refused', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: 503 }, AGAIN);
    const stream = ReadableStream.from(inPieces(bytes));
    await expect(client.fetch('/', { method: 'PUT', body: () => stream })).rejects.toThrow(
      'gave the same stream as before',
    );
    expect(fleet.server(0).requests).toHaveLength(1);
  });

  test('what it throws is what the caller gets, and is not retried', async () => {
    const { fleet, client } = await shop({ endpoints: 1 }, AGAIN);
    const boom = new Error('boom');
    const throwing = (): never => {
      throw boom;
    };
    const rejecting = (): Promise<never> => Promise.reject(boom);
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(10));
      throw boom;
    }
    for (const body of [throwing, rejecting, breaking]) {
      await expect(client.fetch('/', { method: 'PUT', body })).rejects.toBe(boom);
      await expect(client.request('/', { method: 'PUT', body })).rejects.toBe(boom);
    }
    expect(fleet.server(0).requests.length).toBeLessThanOrEqual(2);
    expect(client.endpoints()[0]).toMatchObject({ active: 0 });
  });

  test('a call that ends while it is awaited sends nothing, and closes what comes of it', async () => {
    const { fleet, client } = await shop({ endpoints: 1 }, AGAIN);
    let give: (stream: ReadableStream) => void = () => {};
    const body = (): Promise<ReadableStream> => new Promise((resolve) => (give = resolve));
    const aborting = new AbortController();
    const call = client.fetch('/', { method: 'PUT', body, signal: aborting.signal });
    aborting.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    const cancelled = new Promise((cancel) => give(new ReadableStream({ cancel })));
    await cancelled;
    expect(fleet.server(0).requests).toHaveLength(0);
  });

  test('a header of the caller’s goes before the type of what it makes', async () => {
    const { fleet, client } = await shop({ endpoints: 1 });
    const init = { method: 'PUT', body: () => 'a,b', headers: { 'Content-Type': 'text/csv' } };
    await client.fetch('/', init);
    await client.fetch('/', { ...init, redirect: 'manual' });
    for (const { headers } of fleet.server(0).requests) {
      expect(headers).toMatchObject({ 'content-type': 'text/csv', 'content-length': '3' });
    }
  });

  test('a length of the caller’s goes out with a stream', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: [503, 200] }, AGAIN);
    const init = { method: 'PUT', headers: { 'content-length': '200000' } };
    await client.fetch('/', { ...init, body: () => ReadableStream.from(inPieces(bytes)) });
    for (const { headers, body } of fleet.server(0).requests) {
      expect(headers['content-length']).toBe('200000');
      expect(body).toHaveLength(200_000);
    }
  });
});

describe('ask 5: a stream is kept up to a bound, and no further', () => {
  const small: ClientOptions = {
    retry: { backoff: { baseInterval: 1 }, maxBufferedBytes: 50_000 },
  };

  test('a reset beyond it is what the caller gets, with its reason', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: ['reset', 200] }, small);
    const stream = ReadableStream.from(inPieces(bytes));
    const init = { method: 'PUT', body: stream, duplex: 'half' } as RequestInit;
    await expect(client.fetch('/', init)).rejects.toMatchObject({
      message: 'fetch failed',
      attempts: [{ outcome: 'reset', verdict: { reason: 'body-not-replayable' } }],
    });
    expect(fleet.server(0).requests).toHaveLength(1);
    expect(client.stats()).toMatchObject({
      'cluster.shop.retry_or_shadow_abandoned': 1,
      'cluster.shop.retry_not_made.body-not-replayable': 1,
    });
  });

  test('a 503 beyond it is the answer', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: answering }, small);
    const answer = await client.request('/', {
      method: 'PUT',
      body: Readable.from(inPieces(bytes)),
    });
    expect([answer.statusCode, await answer.body.text()]).toEqual([503, 'not now']);
    const { requests } = fleet.server(0);
    expect(requests.map(({ body }) => body.length)).toEqual([200_000]);
  });

  test.each([
    ['a Blob', () => new Blob([bytes])],
    ['a form', form],
    ['text', () => 'x'.repeat(200_000)],
    ['bytes', () => bytes],
    ['a function', () => () => ReadableStream.from(inPieces(bytes))],
  ])('it does not hold for %s', async (_, body) => {
    for (const face of ['fetch', 'middleware', 'full path', 'request']) {
      const { first, second } = await sendTwice(
        async (client) => {
          const init = { method: 'PUT', body: body() } as RequestInit;
          if (face === 'request') {
            await client.request('/', init as { method: 'PUT'; body: string });
          } else {
            await client.fetch('/', face === 'full path' ? { ...init, redirect: 'manual' } : init);
          }
        },
        503,
        {
          retry: { backoff: { baseInterval: 1 }, maxBufferedBytes: 10 },
          middleware: face === 'middleware' ? [(request, next) => next(request)] : [],
        },
      );
      expect(second).toEqual(first);
      expect(first?.body.length).toBeGreaterThan(2000);
    }
  });

  test('ask 4: with retries off a stream is sent once, and a failure is a failure', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: ['reset', 200] }, { retry: false });
    const init = { method: 'PUT', body: inPieces(bytes), duplex: 'half' } as unknown as RequestInit;
    await expect(client.fetch('/', init)).rejects.toThrow('fetch failed');
    expect(fleet.server(0).requests.map(({ body }) => body.length)).toEqual([200_000]);
    expect(client.stats()['cluster.shop.retry_or_shadow_abandoned']).toBe(0);
  });

  test('nothing is kept where no further attempt can be made', async () => {
    const kept: number[] = [];
    const watching: AttemptLayer = {
      name: 'watching',
      head: ({ call }) => void kept.push((call.body as KeptBody).keptBytes),
    };
    const send = async (method: 'PUT' | 'POST', retry: ClientOptions['retry']) => {
      const { client } = await shop({ endpoints: 1 }, { retry, layers: { attempt: [watching] } });
      await client.request('/', { method, body: Readable.from(inPieces(bytes)) });
    };
    for (const retry of [false, { attempts: 0 }, { attempts: 1 }] as const) {
      await send('PUT', retry);
    }
    // What a POST has sent is sent again only where its key, or a rule, allows it.
    await send('POST', { attempts: 1 });
    await send('POST', { attempts: 1, idempotencyKey: true });
    await send('POST', { attempts: 1, notProcessed: () => false });
    expect(kept).toEqual([0, 0, 200_000, 0, 200_000, 200_000]);
  });

  test('nothing is kept where a layer says that nothing needs to be', async () => {
    const frugal: CallLayer = {
      name: 'frugal',
      start(call) {
        call.stopKeeping();
        return undefined;
      },
    };
    // Not all four may need a retry at once: the budget has three.
    const options: ClientOptions = {
      ...AGAIN,
      loadBalancer: 'round-robin',
      layers: { call: [frugal] },
    };
    const { fleet, client } = await shop({ endpoints: 2, plan: 503 }, options);
    await fleet.server(0).refuse();
    const send = async () =>
      client.request('/', { method: 'PUT', body: Readable.from(inPieces(bytes)) });
    // Before anything was sent, a further attempt can have the whole body.
    const answers = await Promise.all([send(), send(), send(), send()]);
    for (const { statusCode, body } of answers) {
      expect(statusCode).toBe(503);
      await body.dump();
    }
    const { requests } = fleet.server(1);
    expect(requests.map(({ body }) => body.length)).toEqual([200_000, 200_000, 200_000, 200_000]);
    expect(client.stats()['cluster.shop.upstream_rq_retry']).toBeGreaterThan(0);
  });
});

describe('redirects', () => {
  const to = (status: number): Step => ({ status, headers: { location: '/elsewhere' } });

  test.each([
    ['text', () => text],
    ['bytes', () => bytes],
    ['a Blob', () => new Blob([bytes], { type: 'image/png' })],
    ['a form', form],
    ['a function that gives a stream', () => () => ReadableStream.from(inPieces(bytes))],
    ['a function that gives a form', () => form],
  ])('307 sends %s on, and each hop may be repeated', async (_, body) => {
    for (const redirect of ['follow', undefined] as const) {
      const plan = [503, to(307), 503, 200];
      const { fleet, client } = await shop({ endpoints: 1, plan }, AGAIN);
      const headers: Record<string, string> = redirect === undefined ? {} : { 'if-match': 'x' };
      const init = { method: 'PUT', body: body() as string, headers };
      const response = await client.fetch('/', { ...init, ...(redirect && { redirect }) });
      expect([response.status, response.redirected]).toEqual([200, true]);
      const [first, second, third, fourth] = fleet.server(0).requests.map(sent);
      expect(first?.body.length).toBeGreaterThan(10);
      expect(second).toEqual(first);
      expect(fourth).toEqual(third);
      expect(third?.headers['content-length']).toBe(first?.headers['content-length']);
      if (_ !== 'a function that gives a form') {
        expect(third?.body).toBe(first?.body);
        expect(third?.headers['content-type']).toBe(first?.headers['content-type']);
      }
    }
  });

  test('a stream cannot follow one, as in the platform’s fetch', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: [to(307), 200] }, AGAIN);
    const init = {
      method: 'PUT',
      body: ReadableStream.from(inPieces(bytes)),
      duplex: 'half',
    } as const;
    await expect(client.fetch('/', init)).rejects.toThrow('fetch failed');
    expect(fleet.server(0).requests).toHaveLength(1);
  });

  test('303 makes it a GET without a body', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: [to(303), 200] }, AGAIN);
    await client.fetch('/', { method: 'POST', body: () => inPieces(bytes) });
    const last = fleet.server(0).requests[1];
    expect(last).toMatchObject({ method: 'GET' });
    expect(last?.body).toHaveLength(0);
    expect(last?.headers).not.toHaveProperty('content-length');
  });
});

test('what is wrong with a stream is for the platform to say', async () => {
  const { fleet, client } = await shop({ endpoints: 1 }, AGAIN);
  const stream = () => ReadableStream.from(inPieces(bytes));
  await expect(client.fetch('/', { method: 'PUT', body: stream() })).rejects.toThrow('duplex');
  const locked = stream();
  locked.getReader();
  const init = { method: 'PUT', body: locked, duplex: 'half' } as const;
  await expect(client.fetch('/', init)).rejects.toThrow('locked');
  expect(fleet.server(0).requests).toHaveLength(0);
});

test('what the caller does to his bytes and his form after the call changes nothing', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: [503, 200] }, AGAIN);
  for (const face of ['fetch', 'full path', 'request']) {
    fleet.plan([503, 200]);
    const mine = new Uint8Array(1000).fill(65);
    const init = { method: 'PUT' as const, body: mine };
    const call =
      face === 'request'
        ? client.request('/', init)
        : client.fetch('/', face === 'fetch' ? init : { ...init, redirect: 'manual' });
    mine.fill(66);
    await call;
    const bodies = fleet.server(0).requests.slice(-2);
    for (const { body } of bodies) expect(body.toString()).toBe('A'.repeat(1000));
  }
  const moved = hold({ status: 307, headers: { location: '/elsewhere' } });
  fleet.plan([moved.step, 200]);
  const mine = new Uint8Array(1000).fill(65);
  const headers = { 'if-match': 'x' };
  const moving = client.fetch('/', { method: 'PUT', body: mine, headers });
  await (
    await fleet.requestReceived()
  ).bodyReceived;
  await Promise.all(Array.from({ length: 6 }, () => fleet.requestReceived()));
  mine.fill(66);
  moved.release();
  await moving;
  for (const { body } of fleet.server(0).requests.slice(-2)) {
    expect(body.toString()).toBe('A'.repeat(1000));
  }
  fleet.plan([503, 200]);
  const data = form();
  const call = client.fetch('/', { method: 'PUT', body: data, redirect: 'manual' });
  data.append('late', 'later');
  await call;
  const [first, second] = fleet.server(0).requests.slice(-2).map(sent);
  expect(second).toEqual(first);
  expect(first?.body).not.toContain('later');
});

test('an answer that comes before the body is all sent: the next attempt has the whole of it', async () => {
  const { fleet, client } = await shop({ endpoints: 1, plan: [{ early: 503 }, 200] }, AGAIN);
  let proceed: () => void = () => {};
  const answered = new Promise<void>((resolve) => (proceed = resolve));
  async function* halting(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 1000);
    await answered;
    yield* inPieces(bytes.subarray(1000));
  }
  const call = client.request('/', { method: 'PUT', body: Readable.from(halting()) });
  await fleet.requestReceived();
  await fleet.requestReceived();
  proceed();
  const { statusCode, body } = await call;
  await body.dump();
  expect(statusCode).toBe(200);
  expect(Buffer.compare(fleet.server(0).requests[1]?.body ?? Buffer.of(), bytes)).toBe(0);
});

test('what comes while the answer to one attempt is dropped is there for the next one', async () => {
  let answered: () => void = () => {};
  const gate = new Promise<void>((resolve) => (answered = resolve));
  const noticing: CallLayer = {
    name: 'noticing',
    judge() {
      answered();
      return undefined;
    },
  };
  const { fleet, client } = await shop(
    { endpoints: 1, plan: [{ early: { status: 503, bodyDelay: 100, body: 'late' } }, 200] },
    {
      retry: { backoff: { baseInterval: 30 }, maxBufferedBytes: 50_000 },
      layers: { call: [noticing] },
    },
  );
  async function* halting(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 40_000);
    await gate;
    yield* inPieces(bytes.subarray(40_000));
  }
  const { statusCode } = await client.request('/', {
    method: 'PUT',
    body: Readable.from(halting(), { highWaterMark: 1 }),
  });
  expect(statusCode).toBe(200);
  expect(Buffer.compare(fleet.server(0).requests[1]?.body ?? Buffer.of(), bytes)).toBe(0);
});

test('a function is called once for each attempt, also where middleware sees the request', async () => {
  for (const middleware of [[], [(request, next) => next(request)]] satisfies Middleware[][]) {
    let made = 0;
    const body = () => {
      made += 1;
      return ReadableStream.from(inPieces(bytes));
    };
    const { fleet, client } = await shop(
      { endpoints: 1, plan: [503, 503, 200] },
      { ...AGAIN, middleware },
    );
    await client.fetch('/', { method: 'PUT', body });
    expect([made, fleet.server(0).requests.length]).toEqual([3, 3]);
  }
});

test('middleware may hand on another request: its body is kept up to the bound', async () => {
  const middleware: Middleware[] = [(request, next) => next(new Request(request))];
  const send = async (client: ResilientClient) => client.fetch('/', { method: 'PUT', body: form });
  const { first, second } = await sendTwice(send, 503, { ...AGAIN, middleware });
  expect(second).toEqual(first);
  expect(first?.body).toContain('file contents');
});

describe('a second attempt beside the first', () => {
  const hedging: ClientOptions = { retry: false, hedge: { delay: 30, methods: ['PUT'] } };

  test('reads the same stream when all of it is there', async () => {
    const slow = hold();
    const { fleet, client } = await shop({ endpoints: 2, plan: slow.step }, hedging);
    const stream = Readable.from(inPieces(bytes));
    const call = client.request('/', { method: 'PUT', body: stream });
    const one = await fleet.requestReceived();
    const other = await fleet.requestReceived();
    slow.release();
    await (await call).body.dump();
    expect(await one.bodyReceived).toBe(true);
    for (const { body } of [one, other]) expect(body).toHaveLength(200_000);
  });

  test('is not made while some of the stream is still to come', async () => {
    const { fleet, client } = await shop({ endpoints: 2 }, hedging);
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield new Uint8Array(10);
    }
    const { body } = await client.request('/', { method: 'PUT', body: Readable.from(slowly()) });
    await body.dump();
    expect(fleet.servers.flatMap(({ requests }) => requests)).toHaveLength(1);
    expect(client.stats()['cluster.shop.retry_not_made.body-not-replayable']).toBe(1);
  });
});

describe('the source of a call that has ended is closed', () => {
  /** A stream that gives a piece and then nothing, or goes on for ever, and what tells of its end. */
  function stalling(form: string) {
    let ends = 0;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = () => {
        ends += 1;
        resolve();
      };
    });
    const count = () => ends;
    if (form === 'web stream') {
      const stream = new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
        cancel: end,
      });
      return { body: stream, ended, count };
    }
    if (form === 'Node Readable') {
      let given = false;
      const readable = new Readable({
        read() {
          if (!given) this.push(Buffer.alloc(10));
          given = true;
        },
        destroy(error, callback) {
          end();
          callback(error);
        },
      });
      return { body: readable, ended, count };
    }
    if (form === 'generator without end') {
      async function* generate(): AsyncGenerator<Uint8Array, void> {
        for (;;) {
          yield new Uint8Array(10);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
      const generator = generate();
      const close = generator.return.bind(generator);
      generator.return = (value) => {
        end();
        return close(value);
      };
      return { body: generator, ended, count };
    }
    const iterator: AsyncIterableIterator<Uint8Array> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => {
        iterator.next = () => new Promise(() => {});
        return Promise.resolve({ done: false, value: new Uint8Array(10) });
      },
      return: () => {
        end();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return { body: iterator, ended, count };
  }

  const faces = ['request', 'fetch'] as const;
  const forms = ['web stream', 'Node Readable', 'iterator', 'generator without end'].flatMap(
    (form) => faces.map((face) => [form, face] as const),
  );

  async function send(
    client: ResilientClient,
    face: (typeof faces)[number],
    body: unknown,
    signal: AbortSignal | null = null,
  ) {
    if (face === 'request') {
      const answer = await client.request('/', { method: 'PUT', body: body as Readable, signal });
      await answer.body.dump();
    } else {
      const init = { method: 'PUT', body: body as ReadableStream, duplex: 'half', signal } as const;
      await (await client.fetch('/', init)).arrayBuffer();
    }
  }

  test.each(forms)(
    'a %s in client.%s, when the caller aborts while it is waited for',
    async (form, face) => {
      const { fleet, client } = await shop({ endpoints: 1 }, AGAIN);
      const { body, ended, count } = stalling(form);
      const aborting = new AbortController();
      const call = send(client, face, body, aborting.signal);
      await fleet.requestReceived();
      aborting.abort(new Error('enough'));
      await expect(call).rejects.toThrow('enough');
      await ended;
      expect(count()).toBe(1);
      expect(client.endpoints()[0]).toMatchObject({ active: 0 });
    },
  );

  test.each(forms)('a %s in client.%s, when nobody could be reached', async (form, face) => {
    const { fleet, client } = await shop({ endpoints: 1 }, AGAIN);
    await fleet.server(0).refuse();
    const { body, ended, count } = stalling(form);
    await expect(send(client, face, body)).rejects.toThrow('fetch failed');
    await ended;
    expect(count()).toBe(1);
  });

  test.each(forms)(
    'a %s in client.%s, when the answer comes before its end',
    async (form, face) => {
      const { client } = await shop({ endpoints: 1, plan: { early: 400 } }, AGAIN);
      const { body, ended, count } = stalling(form);
      await send(client, face, body);
      await ended;
      expect(count()).toBe(1);
    },
  );

  test.each(forms)('a %s in client.%s, when the client is destroyed', async (form, face) => {
    const { fleet, client } = await shop({ endpoints: 1 }, AGAIN);
    const { body, ended, count } = stalling(form);
    const call = send(client, face, body);
    await fleet.requestReceived();
    const failing = expect(call).rejects.toThrow('closed');
    await client.destroy();
    await failing;
    await ended;
    expect(count()).toBe(1);
  });

  test('an incoming request that is passed on keeps its socket, for the answer', async () => {
    const { fleet, client } = await shop({ endpoints: 1 }, { retry: false });
    await fleet.server(0).refuse();
    const proxy = createServer((request, response) => {
      client.request('/', { method: 'PUT', body: request }).then(
        () => response.end('passed on'),
        () => response.writeHead(502).end('could not be passed on'),
      );
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const outgoing = ask({ port, host: '127.0.0.1', method: 'PUT', agent: false });
    outgoing.on('error', () => {});
    outgoing.write('some of it');
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(502);
    outgoing.destroy();
  });
});

describe('a source that fails', () => {
  test('fails the call with its own error, and is not repeated', async () => {
    const { client } = await shop({ endpoints: 1 }, AGAIN);
    const boom = new Error('boom');
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(10));
      throw boom;
    }
    const init = { method: 'PUT', body: breaking(), duplex: 'half' } as unknown as RequestInit;
    await expect(client.fetch('/', init)).rejects.toThrow();
    await expect(
      client.request('/', { method: 'PUT', body: Readable.from(breaking()) }),
    ).rejects.toBe(boom);
    expect(client.stats()['cluster.shop.upstream_rq_retry']).toBe(0);
    expect(client.endpoints()[0]).toMatchObject({ total: 2, active: 0 });
  });

  test('as a file that has changed does, is no fault of the endpoint', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outrigger-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'file');
    await writeFile(path, 'before');
    const body = await openAsBlob(path);
    await writeFile(path, 'after, and longer');
    const { client } = await shop({ endpoints: 1 }, AGAIN);
    await expect(client.fetch('/', { method: 'PUT', body })).rejects.toMatchObject({
      cause: { name: 'NotReadableError' },
      attempts: [{ outcome: 'unsendable' }],
    });
    expect(client.stats()['cluster.shop.upstream_rq_retry']).toBe(0);
  });

  test('before it is read is the same', async () => {
    const { client } = await shop({ endpoints: 1 }, AGAIN);
    const boom = new Error('boom');
    const readable = new Readable({ read() {} });
    const call = client.request('/', { method: 'PUT', body: readable });
    readable.destroy(boom);
    await expect(call).rejects.toBe(boom);
  });

  test('between two attempts is the same', async () => {
    const options: ClientOptions = { retry: { backoff: { baseInterval: 50, maxInterval: 50 } } };
    const { fleet, client } = await shop(
      { endpoints: 1, plan: [{ early: 'reset' }, 200] },
      options,
    );
    const boom = new Error('boom');
    const readable = new Readable({ read() {} });
    readable.push('some');
    const call = client.request('/', { method: 'PUT', body: readable });
    await (
      await fleet.requestReceived()
    ).answered;
    readable.destroy(boom);
    await expect(call).rejects.toBe(boom);
  });
});

describe('content-length beside a stream', () => {
  test.each([
    ['shorter', 300_000],
    ['longer', 100_000],
  ])('a stream %s than it is an error, with and without retries', async (_, length) => {
    for (const options of [AGAIN, { retry: false } as const]) {
      const { client } = await shop({ endpoints: 1 }, options);
      const headers = { 'content-length': String(length) };
      const body = Readable.from(inPieces(bytes));
      await expect(client.request('/', { method: 'PUT', body, headers })).rejects.toMatchObject({
        cause: { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' },
      });
      expect(client.stats()['cluster.shop.upstream_rq_retry']).toBe(0);
    }
  });

  test('a stream whose bytes are all there goes out with their length, each time', async () => {
    const whole = new PassThrough();
    whole.end('all of it');
    const { first, second } = await sendTwice(async (client) => {
      await (await client.request('/', { method: 'PUT', body: whole })).body.dump();
    });
    expect(first).toMatchObject({ body: 'all of it', headers: { 'content-length': '9' } });
    expect(second).toEqual(first);
  });

  test('an empty stream is an empty body', async () => {
    const { first, second } = await sendTwice(async (client) => {
      const body = Readable.from([]);
      await (await client.request('/', { method: 'PUT', body })).body.dump();
    });
    expect(first).toMatchObject({ body: '', headers: { 'content-length': '0' } });
    expect(second).toEqual(first);
  });
});
