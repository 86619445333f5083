/** Deadlines around the application's own work, and around requests that it serves. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  incomingDeadline,
  withDeadline,
  type IncomingDeadline,
  type IncomingRequest,
} from '../src/deadlines.js';
import { OptionsError, TimeoutError, type ClientOptions } from '../src/index.js';
import { hold, virtualRuntime, type Plan } from '../src/testing/index.js';
import { clientFor } from './support/client.js';
import { fleetOf } from './support/fleet.js';

const EXPECTED = 'x-envoy-expected-rq-timeout-ms';

async function virtualShop(plan: Plan = 'silence', options: ClientOptions = {}) {
  const fleet = await fleetOf({ endpoints: 1, plan });
  const runtime = virtualRuntime();
  const client = clientFor({
    service: 'http://shop',
    endpoints: fleet.endpoints,
    runtime,
    ...options,
  });
  /** Calls, and gives the time that the call had: its deadline is let run out. */
  async function timeLeft(): Promise<number | 'no limit'> {
    const before = fleet.server(0).requests.length;
    const calling = client.fetch('/', { resilience: { retry: false } }).then(
      ({ status }) => status,
      (error: unknown) => error,
    );
    await fleet.requestReceived().catch(() => {});
    const left = fleet.server(0).requests[before]?.headers[EXPECTED];
    if (left === undefined) return 'no limit';
    await runtime.advance(Number(left));
    expect(await calling).toMatchObject({ limit: 'deadline' });
    return Number(left);
  }
  return { fleet, runtime, client, timeLeft };
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  );

test('without a deadline there is nothing of it', async () => {
  const { client } = await virtualShop(200);
  await client.fetch('/');
  expect(Symbol.for('outrigger.deadline') in globalThis).toBe(false);
  expect(client.describe()).not.toContain('deadline');
});

function timeoutOf(error: unknown): number {
  return (error as TimeoutError).timeout;
}

describe('withDeadline', () => {
  test('gives back what the function returns, and throws what it throws', async () => {
    expect(withDeadline(100, () => 7)).toBe(7);
    expect(await withDeadline('1s', async () => Promise.resolve(8))).toBe(8);
    expect(() =>
      withDeadline(100, () => {
        throw new RangeError('no');
      }),
    ).toThrow(RangeError);
  });

  test('all calls in it share the time, also after an await and in a timer', async () => {
    const { runtime, client, fleet } = await virtualShop();
    const errors: unknown[] = [];
    await withDeadline(
      '500ms',
      async () => {
        const first = client.fetch('/').catch((error: unknown) => errors.push(error));
        await fleet.requestReceived();
        await runtime.advance(200);
        const second = client.request('/').catch((error: unknown) => errors.push(error));
        await fleet.requestReceived();
        const third = new Promise((resolve) => {
          runtime.setTimer(() => {
            resolve(
              client
                .fetch(new Request('http://shop/'))
                .catch((error: unknown) => errors.push(error)),
            );
          }, 100);
        });
        await runtime.advance(100);
        await fleet.requestReceived();
        await runtime.advance(199);
        expect(errors).toEqual([]);
        await runtime.advance(1);
        await Promise.all([first, second, third]);
      },
      { runtime },
    );
    // They end in the same turn, the faces in an order of their own.
    errors.sort((one, other) => timeoutOf(other) - timeoutOf(one));
    expect(errors).toMatchObject([
      { name: 'TimeoutError', limit: 'deadline', timeout: 500, flag: 'UT' },
      { limit: 'deadline', timeout: 300 },
      { limit: 'deadline', timeout: 200 },
    ]);
    expect(errors[1]).toMatchObject({
      message:
        'shop: no answer within the 300 ms that were left of its deadline, in 1 of 3 possible attempts',
    });
    expect(fleet.server(0).requests.map(({ headers }) => headers[EXPECTED])).toEqual([
      '500',
      '300',
      '200',
    ]);
  });

  test('what comes after it is as before', async () => {
    const { runtime, client } = await virtualShop(200);
    await withDeadline(10, () => client.fetch('/'), { runtime });
    await runtime.advance(1000);
    expect((await client.fetch('/')).status).toBe(200);
  });

  test('with nothing left a call fails at once, says so, and makes no attempt', async () => {
    const { runtime, client, fleet } = await virtualShop(200);
    const calls = async (): Promise<unknown[]> =>
      Promise.all([
        caught(client.fetch('/')),
        caught(client.fetch(new Request('http://shop/'))),
        caught(client.request('/')),
        caught(client.fetch('/', { resilience: { timeout: '10s', retry: { attempts: 5 } } })),
      ]);
    const errors = [
      ...(await withDeadline(0, calls, { runtime })),
      ...(await withDeadline(
        50,
        async () => {
          await runtime.advance(60);
          return calls();
        },
        { runtime },
      )),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({
        message:
          'shop: nothing was left of the deadline that the call was made under, so no attempt was made',
        limit: 'deadline',
        timeout: 0,
        flag: 'UT',
        attempts: [],
      });
    }
    expect(errors).toHaveLength(8);
    expect(fleet.server(0).requests).toEqual([]);
    expect(client.stats()).toMatchObject({
      'cluster.shop.upstream_rq_504': 8,
      'cluster.shop.upstream_rq_total': 0,
      'cluster.shop.upstream_rq_timeout': 0,
    });
    expect(runtime.pendingTimers).toBe(0);
  });

  test("with localReplies: 'respond' it is answered, and explained", async () => {
    const { runtime, client } = await virtualShop(200, { localReplies: 'respond' });
    const response = await withDeadline(0, () => client.fetch('/'), { runtime });
    expect([response.status, await response.text()]).toEqual([504, 'upstream request timeout']);
    expect(client.explain(response)).toMatchObject({ localReply: true, flags: 'UT', attempts: [] });
  });

  test('nested, the sooner one holds', async () => {
    const { runtime, timeLeft } = await virtualShop();
    const nested = (outer: number, inner: number): Promise<unknown> =>
      withDeadline(outer, () => withDeadline(inner, timeLeft, { runtime }), { runtime });
    expect(await nested(500, 200)).toBe(200);
    expect(await nested(200, 500)).toBe(200);
    const after = withDeadline(
      300,
      () => {
        withDeadline(100, () => {}, { runtime });
        return timeLeft();
      },
      { runtime },
    );
    expect(await after).toBe(300);
  });

  test("a call's own timeout holds where it is the shorter one, and keeps its name", async () => {
    const { runtime, client, fleet } = await virtualShop('silence', { timeout: 100 });
    const calling = caught(withDeadline(500, () => client.fetch('/'), { runtime }));
    await fleet.requestReceived();
    await runtime.advance(100);
    expect(await calling).toMatchObject({ limit: 'timeout', timeout: 100 });
    const parts = caught(
      withDeadline(
        500,
        () => client.fetch('/', { resilience: { timeout: { response: 50, total: '10s' } } }),
        { runtime },
      ),
    );
    await fleet.requestReceived();
    await runtime.advance(50);
    expect(await parts).toMatchObject({ limit: 'timeout.response' });
  });

  test('no retry starts after it', async () => {
    const { runtime, client, fleet } = await virtualShop([503, 'silence'], {
      retry: {
        attempts: 100,
        retryOn: [503, 'reset'],
        perTryTimeout: 40,
        backoff: { baseInterval: 1 },
      },
    });
    const calling = caught(withDeadline(90, () => client.fetch('/'), { runtime }));
    for (let request = 0; request < 3; request++) {
      await fleet.requestReceived();
      await runtime.advance(41);
    }
    expect(await calling).toMatchObject({ limit: 'deadline', timeout: 90 });
    const { length } = fleet.server(0).requests;
    expect(length).toBeGreaterThan(2);
    await runtime.advance(1000);
    expect(fleet.server(0).requests).toHaveLength(length);
  });

  test('a body that is read later has no more time either', async () => {
    const plan: Plan = {
      body: 'begun',
      headers: { 'content-length': '9' },
      cut: { at: 5, by: 'silence' },
    };
    const { runtime, client } = await virtualShop(plan);
    const response = await withDeadline(100, () => client.fetch('/'), { runtime });
    const reading = caught(response.text());
    await runtime.advance(100);
    expect(await reading).toMatchObject({
      message: 'shop: the body was not complete within the 100 ms that were left of its deadline',
    });
  });

  test('redirects share it', async () => {
    const gate = hold({ status: 302, headers: { location: '/there' } });
    const { runtime, client, fleet } = await virtualShop((_, { path }) =>
      path === '/there' ? 'silence' : gate.step,
    );
    const calling = caught(withDeadline(500, () => client.fetch('/'), { runtime }));
    await fleet.requestReceived();
    await runtime.advance(400);
    gate.release();
    await fleet.requestReceived();
    await runtime.advance(100);
    expect(await calling).toMatchObject({ limit: 'deadline', timeout: 100 });
  });

  test('a call that is made outside has none, on whosever connection its redirects go', async () => {
    const { runtime, client } = await virtualShop((_, { path }) =>
      path === '/' ? { status: 302, headers: { location: '/there' } } : 200,
    );
    // The connection is opened in the async context of a deadline that is soon over.
    await (await withDeadline(50, () => client.fetch('/there'), { runtime })).text();
    await runtime.advance(100);
    const response = await client.fetch('/');
    expect(response.status).toBe(200);
    expect(client.explain(response)?.redirects[0]?.attempts[0]?.reused).toBe(true);
  });

  test('what it throws for a wrong duration names what would be right', () => {
    for (const wrong of [-1, Number.NaN, '2', 'soon', true, undefined, null]) {
      expect(() => withDeadline(wrong as number, () => 1)).toThrow(OptionsError);
    }
    expect(() => withDeadline('2', () => 1)).toThrow(
      "duration: found '2', expected a duration up to 576h, as milliseconds or as text such as '300ms', '1.5s' or '1m30s'; did you mean 2 or '2s'?",
    );
  });

  test('two loaded copies of the package share it', async () => {
    const { runtime, timeLeft } = await virtualShop();
    vi.resetModules();
    const copy = await import('../src/deadlines.js');
    expect(copy.withDeadline).not.toBe(withDeadline);
    expect(await copy.withDeadline(300, timeLeft, { runtime })).toBe(300);
    const nested = copy.withDeadline(
      300,
      () => withDeadline(200, () => copy.withDeadline(400, timeLeft, { runtime }), { runtime }),
      { runtime },
    );
    expect(await nested).toBe(200);
  });
});

describe('incomingDeadline', () => {
  /** What a function gives that is called in place of a handler. */
  const serve = async <T>(
    deadline: IncomingDeadline,
    incoming: IncomingRequest,
    handle: () => T | Promise<T>,
  ): Promise<T> => new Promise((resolve) => deadline(incoming, undefined, () => resolve(handle())));

  const request = (headers: IncomingRequest['headers'] = {}): IncomingRequest => ({ headers });

  test('the time that a request brings is shared by all calls made for it', async () => {
    const { runtime, timeLeft } = await virtualShop();
    const deadline = incomingDeadline({ runtime });
    expect(await serve(deadline, request({ [EXPECTED]: '400' }), timeLeft)).toBe(400);
    expect(await serve(deadline, request(), timeLeft)).toBe('no limit');
  });

  test('values that are no time are ignored', async () => {
    const { runtime, timeLeft } = await virtualShop(200);
    const deadline = incomingDeadline({ runtime });
    for (const wrong of [
      '',
      '0',
      '-5',
      '1.5',
      '5s',
      'soon',
      '1e3',
      '100, 200',
      ['100'],
      undefined,
    ]) {
      expect(await serve(deadline, request({ [EXPECTED]: wrong }), timeLeft)).toBe('no limit');
    }
  });

  test('a time without end has one', async () => {
    const { runtime, client, fleet } = await virtualShop(200);
    const deadline = incomingDeadline({ runtime });
    await serve(deadline, request({ [EXPECTED]: '9'.repeat(400) }), () => client.fetch('/'));
    // 24 days: a timer of Node's that is to wait for longer fires at once.
    expect(fleet.server(0).requests[0]?.headers[EXPECTED]).toBe(String(24 * 24 * 3_600_000));
  });

  test('other headers: of several the least counts', async () => {
    const { runtime, timeLeft } = await virtualShop();
    const deadline = incomingDeadline({ runtime, headers: ['X-Time-Left', 'x-other'] });
    const sent = { [EXPECTED]: '50', 'x-time-left': '300', 'x-other': '200' };
    expect(await serve(deadline, request(sent), timeLeft)).toBe(200);
    expect(await serve(deadline, request({ ...sent, 'x-other': '400' }), timeLeft)).toBe(300);
    expect(await serve(deadline, request({ ...sent, 'x-other': 'soon' }), timeLeft)).toBe(300);
    expect(await serve(deadline, request({ [EXPECTED]: '50' }), timeLeft)).toBe('no limit');
  });

  test('default, max and reserve', async () => {
    const { runtime, timeLeft } = await virtualShop();
    const time = (
      options: Parameters<typeof incomingDeadline>[0],
      sent?: string,
    ): Promise<unknown> =>
      serve(incomingDeadline({ runtime, ...options }), request({ [EXPECTED]: sent }), timeLeft);
    expect(await time({ default: '300ms' })).toBe(300);
    expect(await time({ default: 300 }, '400')).toBe(400);
    expect(await time({ max: 200 }, '400')).toBe(200);
    expect(await time({ max: 200 }, '100')).toBe(100);
    expect(await time({ max: 200 })).toBe(200);
    expect(await time({ max: 200, default: 300 })).toBe(200);
    expect(await time({ reserve: 30 }, '400')).toBe(370);
    expect(await time({ reserve: 30, max: 200 }, '400')).toBe(170);
    expect(await time({ reserve: 30 })).toBe('no limit');
    expect(await time({ default: false, max: 0 })).toBe('no limit');
  });

  test('a reserve that takes everything leaves nothing', async () => {
    const { runtime, client } = await virtualShop(200);
    const deadline = incomingDeadline({ runtime, reserve: '1s' });
    const calling = serve(deadline, request({ [EXPECTED]: '400' }), () =>
      caught(client.fetch('/')),
    );
    expect(await calling).toMatchObject({ limit: 'deadline', timeout: 0, attempts: [] });
  });

  test('within a deadline that is sooner, that one holds', async () => {
    const { runtime, timeLeft } = await virtualShop();
    const deadline = incomingDeadline({ runtime, default: 300 });
    const nested = withDeadline(100, () => serve(deadline, request(), timeLeft), { runtime });
    expect(await nested).toBe(100);
  });

  test('wrong options are refused, all at once', () => {
    const wrong = { header: 'x', headers: ['a b'], default: 'soon', max: -1, reserve: false };
    expect(() => incomingDeadline(wrong as never)).toThrow(OptionsError);
    try {
      incomingDeadline(wrong as never);
    } catch (error) {
      expect((error as OptionsError).problems.map(({ path }) => path).sort()).toEqual([
        'default',
        'header',
        'headers[0]',
        'max',
        'reserve',
      ]);
    }
    expect(() => incomingDeadline(7 as never)).toThrow('options: found 7');
  });

  test('as Express and Connect call it: three parameters, next without an argument', async () => {
    const { runtime, timeLeft } = await virtualShop();
    const deadline = incomingDeadline({ runtime });
    expect(deadline).toHaveLength(3);
    const stack = [
      deadline,
      (_request: IncomingRequest, _response: unknown, next: () => void): void => next(),
    ];
    const left = await new Promise((resolve) => {
      // The way of Connect: each is called with a `next` that calls the one after it.
      const next = (...args: unknown[]): void => {
        expect(args).toEqual([]);
        const layer = stack.shift();
        if (layer === undefined) resolve(timeLeft());
        else layer(request({ [EXPECTED]: '250' }), {}, next);
      };
      next();
    });
    expect(left).toBe(250);
  });

  test('as Fastify calls its hooks: again behind the parser of bodies, which loses the context', async () => {
    const { runtime, timeLeft } = await virtualShop();
    const deadline = incomingDeadline({ runtime });
    const incoming = request({ [EXPECTED]: '250' });
    await new Promise<void>((done) => {
      deadline(incoming, {}, done);
    });
    await runtime.advance(100);
    // Here nothing is known of the first hook any more, but the time runs from then.
    expect(await serve(deadline, incoming, timeLeft)).toBe(150);
  });

  /** A service over a socket. */
  async function service(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('a chain of services: each next one has less time, and nobody works for a caller that has gone', async () => {
    const deadline = incomingDeadline();
    const outcomes: Record<string, unknown> = {};
    const client = clientFor({ retry: false });
    const last = await service((incoming) => {
      // Never answers.
      outcomes.last = Number(incoming.headers[EXPECTED]);
    });
    const serve = async (
      name: string,
      next: string,
      incoming: IncomingMessage,
      response: ServerResponse,
    ): Promise<void> => {
      outcomes[name] = Number(incoming.headers[EXPECTED]);
      await new Promise((resolve) => setTimeout(resolve, 10));
      try {
        response.end(await (await client.fetch(next)).text());
      } catch (error) {
        outcomes[`${name} failed`] = error;
        response.writeHead(504).end();
      }
    };
    const second = await service((incoming, response) =>
      deadline(incoming, response, () => void serve('second', last, incoming, response)),
    );
    const first = await service((incoming, response) =>
      deadline(incoming, response, () => void serve('first', second, incoming, response)),
    );
    const error = await caught(client.fetch(first, { resilience: { timeout: 200 } }));
    expect(error).toMatchObject({ limit: 'timeout' });
    await expect
      .poll(() => Object.keys(outcomes).sort())
      .toEqual(['first', 'first failed', 'last', 'second', 'second failed']);
    expect(outcomes.first).toBe(200);
    // Each has waited 10 ms, less what Node's timers are early.
    expect(outcomes.second).toBeLessThan(195);
    expect(outcomes.last).toBeLessThan(outcomes.second as number);
    expect(outcomes.last).toBeGreaterThan(0);
    expect(outcomes['first failed']).toMatchObject({ limit: 'deadline' });
    expect(outcomes['second failed']).toMatchObject({ limit: 'deadline' });
  });
});
