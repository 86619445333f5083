/** The times of a call, on the virtual clock where they can be, on real sockets where the body matters. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import { toError } from '../../src/core/errors.js';
import type { AttemptLayer, CallLayer } from '../../src/core/layer.js';
import type { TimeoutPolicy } from '../../src/core/policy.js';
import { deadline } from '../../src/layers/deadline.js';
import { ConnectionError, isOutriggerError, TimeoutError } from '../../src/index.js';
import { hold, virtualRuntime } from '../../src/testing/index.js';
import {
  ANSWERED,
  callOn,
  chainOver,
  NO_POLICY,
  Recorder,
  ScriptedUpstream,
  type Script,
} from '../core/scripted-upstream.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';

function timed(
  own: Partial<TimeoutPolicy>,
  scripts: readonly (Script | 'no-endpoint')[],
  callLayers: readonly CallLayer[] = [],
  attemptLayers: readonly AttemptLayer[] = [],
) {
  const runtime = virtualRuntime();
  const upstream = new ScriptedUpstream(runtime, scripts);
  const recorder = new Recorder();
  const policy = { ...NO_POLICY, timeout: { ...NO_POLICY.timeout, ...own } };
  const layers = [deadline, ...callLayers];
  const call = callOn(chainOver(upstream, layers, attemptLayers, undefined, policy), recorder);
  drive.start(call);
  return {
    runtime,
    upstream,
    recorder,
    call,
    error: () => toError(call, recorder.failure as never) as TimeoutError,
    /** Exactly then, and not before. */
    async timesOutAt(time: number, limit: TimeoutError['limit']): Promise<void> {
      await runtime.advance(time - runtime.now() - 0.001);
      expect(recorder.failure).toBeUndefined();
      await runtime.advanceTo(time);
      expect(recorder.failure).toMatchObject({
        kind: 'timeout',
        flag: 'UT',
        limit: { option: limit },
      });
      expect(upstream.endpoint.active).toBe(0);
      expect(runtime.pendingTimers).toBe(0);
    },
  };
}

const SILENT: Script = { ...ANSWERED, head: 100_000 };

const again = (after: number): CallLayer => ({
  name: 'again',
  judge: () => ({ kind: 'another', after, reason: 'test' }),
});

describe('total', () => {
  test('ends a call that waits for its head, at its time and not before', async () => {
    const { recorder, call, upstream, timesOutAt, error } = timed({ total: 500 }, [SILENT]);
    await timesOutAt(500, 'timeout');
    expect(recorder.events).toEqual(['fail timeout']);
    expect(call.attempts[0]?.failure?.kind).toBe('timeout');
    expect(upstream.exchanges[0]?.cancelled).toBe(1);
    expect(error()).toMatchObject({
      message: 'scripted: no answer within 500 ms',
      timeout: 500,
      limit: 'timeout',
      flag: 'UT',
      attempts: [{ outcome: 'timeout', flag: 'UT', endedAt: 500 }],
    });
  });

  test('includes the body', async () => {
    const { runtime, recorder, error } = timed({ total: 500 }, [
      { ...ANSWERED, chunks: [100, 1000] },
    ]);
    await runtime.advance(600);
    expect(recorder.events).toEqual(['head 200', 'data', 'fail timeout']);
    expect(error().message).toBe('scripted: the body was not complete within 500 ms');
  });

  test('includes the wait of a layer, and a back-off', async () => {
    const never: AttemptLayer = { name: 'never', start: () => new Promise(() => {}) };
    await timed({ total: 500 }, [ANSWERED], [], [never]).timesOutAt(500, 'timeout');
    const waits: CallLayer = { name: 'waits', start: () => new Promise(() => {}) };
    await timed({ total: 500 }, [ANSWERED], [waits]).timesOutAt(500, 'timeout');
    const refused = { ...ANSWERED, connect: 200, refused: true };
    const retried = timed({ total: 500 }, [refused], [again(400)]);
    await retried.timesOutAt(500, 'timeout');
    expect(retried.call.attempts).toHaveLength(1);
  });

  test('lets a call that is over in time alone, and gives its timer back', async () => {
    const { runtime, recorder } = timed({ total: 500 }, [ANSWERED]);
    await runtime.advance(3);
    expect(recorder.events).toEqual(['head 200', 'data', 'end']);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('0 is none', async () => {
    const { runtime, recorder } = timed({}, [SILENT]);
    expect(runtime.pendingTimers).toBe(1);
    await runtime.advance(200_000);
    expect(recorder.events).toEqual(['head 200', 'data', 'end']);
  });

  test('ask 37: a timeout under a second, and under a millisecond, is exactly that', async () => {
    await timed({ total: 0.25 }, [SILENT]).timesOutAt(0.25, 'timeout');
    await timed({ response: 1.5 }, [SILENT]).timesOutAt(1.5, 'timeout.response');
    await timed({ idle: 12.5 }, [SILENT]).timesOutAt(13.5, 'timeout.idle');
  });

  test('ask 39: an answer in time is not followed by an end of its body', async () => {
    const { runtime, recorder } = timed({ response: 50, total: 500 }, [
      { ...ANSWERED, head: 40, chunks: [100, 100, 100] },
    ]);
    await runtime.advance(499);
    expect(recorder.events).toEqual(['head 200', 'data', 'data', 'data', 'end']);
  });
});

describe('response', () => {
  test('is for the head, every attempt and every wait included', async () => {
    const { timesOutAt, error, call } = timed(
      { response: 300 },
      [{ ...ANSWERED, connect: 100, refused: true }, SILENT],
      [
        {
          ...again(50),
          judge: (_, { type }) =>
            type === 'failed' ? { kind: 'another', after: 50, reason: 'test' } : undefined,
        },
      ],
    );
    await timesOutAt(300, 'timeout.response');
    expect(call.attempts).toHaveLength(2);
    expect(error()).toMatchObject({
      message: 'scripted: no answer within 300 ms (timeout.response)',
      timeout: 300,
      limit: 'timeout.response',
    });
  });

  test('ends with the head: the body may take as long as it does', async () => {
    const { runtime, recorder } = timed({ response: 50 }, [{ ...ANSWERED, chunks: [1000, 1000] }]);
    await runtime.advance(2100);
    expect(recorder.events).toEqual(['head 200', 'data', 'data', 'end']);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('with a total, whichever is over first', async () => {
    await timed({ response: 50, total: 500 }, [SILENT]).timesOutAt(50, 'timeout.response');
    await timed({ response: 500, total: 50 }, [SILENT]).timesOutAt(50, 'timeout');
    const body = { ...ANSWERED, chunks: [1000] };
    await timed({ response: 50, total: 500 }, [body]).timesOutAt(500, 'timeout');
  });
});

describe('idle', () => {
  test('counts from the start, from the connection, from the head, from each piece', async () => {
    const waits = (own: Partial<Script>) => timed({ idle: 50 }, [{ ...ANSWERED, ...own }]);
    await waits({ connect: 1000 }).timesOutAt(50, 'timeout.idle');
    await waits({ connect: 40, head: 1000 }).timesOutAt(90, 'timeout.idle');
    await waits({ connect: 40, head: 40, chunks: [1000] }).timesOutAt(130, 'timeout.idle');
    await waits({ connect: 40, head: 40, chunks: [40, 1000] }).timesOutAt(170, 'timeout.idle');
  });

  test('lets a call go on for ever that goes on', async () => {
    const { runtime, recorder } = timed({ idle: 50 }, [
      { connect: 49, head: 49, status: 200, chunks: Array.from({ length: 100 }, () => 49) },
    ]);
    await runtime.advance(6000);
    expect(recorder.events.at(-1)).toBe('end');
    expect(runtime.pendingTimers).toBe(0);
  });

  test('a sign of life sets no timer', async () => {
    const virtual = virtualRuntime();
    let timers = 0;
    const runtime = {
      ...virtual,
      setTimer(callback: () => void, delay: number) {
        timers += 1;
        return virtual.setTimer(callback, delay);
      },
    };
    const script = { ...ANSWERED, chunks: Array.from({ length: 100 }, () => 1) };
    const policy = { ...NO_POLICY, timeout: { response: 0, idle: 50, total: 0 } };
    const upstream = new ScriptedUpstream(runtime, [script]);
    drive.start(callOn(chainOver(upstream, [deadline], [], undefined, policy), new Recorder()));
    await virtual.advance(200);
    // The script sets 103: for the connection, the head, each piece, the end.
    expect(timers).toBeLessThan(103 + 10);
  });

  test('a call that lasts for long keeps no more of it than a short one', async () => {
    const { runtime, call } = timed({ idle: 50, total: 1e6 }, [
      { ...ANSWERED, chunks: Array.from({ length: 1000 }, () => 40) },
    ]);
    await runtime.advance(39_000);
    expect(call.ended).toBe(false);
    let kept = 0;
    for (let { alarms } = call; alarms !== undefined; alarms = alarms.next) kept += 1;
    expect(kept).toBeLessThan(3);
    await runtime.advance(2000);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('a reader that holds the body back is not the endpoint being silent', async () => {
    const { runtime, call, timesOutAt } = timed({ idle: 50 }, [
      { ...ANSWERED, chunks: [10, 1000] },
    ]);
    await runtime.advance(20);
    const answer = call.answer as NonNullable<typeof call.answer>;
    answer.pause();
    await runtime.advanceTo(333);
    answer.resume();
    await timesOutAt(383, 'timeout.idle');
  });

  test('each piece of a body that is sent is a sign of life', async () => {
    const { runtime, call, timesOutAt } = timed({ idle: 50 }, [SILENT]);
    await runtime.advance(1);
    for (let piece = 0; piece < 10; piece++) {
      await runtime.advance(49);
      drive.sent(call.attempts[0] as never);
    }
    await timesOutAt(1 + 490 + 50, 'timeout.idle');
  });

  test('waits of the client itself do not count: a back-off, a layer', async () => {
    const waits: CallLayer = {
      name: 'waits',
      start: (call) =>
        new Promise((resolve) => {
          call.chain.runtime.setTimer(() => resolve(undefined), 333);
        }),
    };
    await timed({ idle: 50 }, [SILENT], [waits]).timesOutAt(333 + 1 + 50, 'timeout.idle');
    const refused = { ...ANSWERED, connect: 10, refused: true };
    const retried = timed({ idle: 50 }, [refused, SILENT], [again(333)]);
    await retried.timesOutAt(10 + 333 + 1 + 50, 'timeout.idle');
    expect(retried.call.attempts).toHaveLength(2);
    expect(retried.error()).toMatchObject({
      message: 'scripted: nothing came for 50 ms (timeout.idle)',
      timeout: 50,
    });
  });

  test('with two attempts under way, a sign of either counts', async () => {
    const beside: CallLayer = {
      name: 'beside',
      start(call) {
        call.wakeAt(call.startedAt + 40);
        return undefined;
      },
      judge: (call, { type }) =>
        type === 'woken' && call.attempts.length === 1
          ? { kind: 'another', after: 0, reason: 'test' }
          : undefined,
    };
    const slow = { ...ANSWERED, connect: 45, head: 100_000 };
    // The second starts at 40 and has its connection at 85.
    await timed({ idle: 50 }, [slow], [beside]).timesOutAt(135, 'timeout.idle');
  });
});

describe('a deadline that the call is made under', () => {
  test('with nothing left no attempt is made', async () => {
    const { recorder, call, upstream, error, runtime } = timed({ total: 0, inherited: true }, [
      ANSWERED,
    ]);
    expect(recorder.events).toEqual(['fail timeout']);
    expect(call.attempts).toEqual([]);
    expect(upstream.started_).toEqual([]);
    expect(runtime.pendingTimers).toBe(0);
    expect(error()).toMatchObject({
      message:
        'scripted: nothing was left of the deadline that the call was made under, so no attempt was made',
      limit: 'deadline',
      timeout: 0,
      attempts: [],
    });
  });

  test('what is left holds as the total', async () => {
    const { timesOutAt, error } = timed({ total: 123.456789, inherited: true }, [SILENT]);
    await timesOutAt(123.456789, 'deadline');
    expect(error()).toMatchObject({
      message: 'scripted: no answer within the 123.457 ms that were left of its deadline',
      timeout: 123.456789,
    });
  });
});

describe('timeout: of a client', () => {
  async function silent(options = {}) {
    const fleet = await fleetOf({ endpoints: 1, plan: 'silence' });
    const client = clientFor({
      service: 'http://shop',
      endpoints: fleet.endpoints,
      timeout: 20,
      ...options,
    });
    return { fleet, client };
  }

  test('a call that is not answered rejects with TimeoutError', async () => {
    const { fleet, client } = await silent();
    const error = await client.fetch('/').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).not.toBeInstanceOf(ConnectionError);
    expect(isOutriggerError(error)).toBe(true);
    expect(error).toMatchObject({
      name: 'TimeoutError',
      code: 'ERR_OUTRIGGER_TIMEOUT',
      flag: 'UT',
      service: 'shop',
      timeout: 20,
      message: 'shop: no answer within 20 ms, in 1 of 3 possible attempts',
      attempts: [{ endpoint: fleet.endpoints[0]?.url, outcome: 'timeout', flag: 'UT' }],
    });
    expect(client.stats()).toMatchObject({
      'cluster.shop.upstream_rq_timeout': 1,
      'cluster.shop.upstream_rq_504': 1,
      'cluster.shop.upstream_rq_active': 0,
    });
    // A timeout is the endpoint's failure, not the caller's.
    expect(client.endpoints()[0]).toMatchObject({ active: 0, error: 1, connections: { open: 0 } });
    await fleet.connectionsAre(0);
  });

  test('it covers the connecting', async () => {
    // Accepts, and answers no handshake.
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      sockets.push(socket.resume());
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const endpoints = [`https://127.0.0.1:${port}`];
    const connectionPool = { connectTimeout: '150ms' };
    const client = clientFor({ service: 'https://shop', endpoints, timeout: 50, connectionPool });
    await expect(client.fetch('/')).rejects.toBeInstanceOf(TimeoutError);
    // As in Envoy, the connection goes on being made for whoever comes next, until its own time is up.
    expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 1 } });
    await expect.poll(() => sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  test('a body that is not complete in time fails its reader', async () => {
    const plan = {
      body: 'begun',
      cut: { at: 5, by: 'silence' },
      headers: { 'content-length': '9' },
    } as const;
    const fleet = await fleetOf({ endpoints: 1, plan });
    const runtime = virtualRuntime();
    const client = clientFor({
      service: 'http://shop',
      endpoints: fleet.endpoints,
      timeout: 500,
      runtime,
    });
    const response = await client.fetch('/');
    expect(response.status).toBe(200);
    const text = response.text().catch((reason: unknown) => reason);
    const stream = (await client.fetch('/')).body?.getReader();
    await stream?.read();
    const rest = stream?.read().catch((reason: unknown) => reason);
    await runtime.advance(500);
    expect(await text).toBeInstanceOf(TimeoutError);
    expect(await text).toMatchObject({ message: 'shop: the body was not complete within 500 ms' });
    expect(await rest).toBeInstanceOf(TimeoutError);
    expect(client.stats()).toMatchObject({
      'cluster.shop.upstream_rq_timeout': 2,
      'cluster.shop.upstream_rq_200': 2,
    });
    expect(runtime.pendingTimers).toBe(0);
  });

  test("localReplies: 'respond' answers 504", async () => {
    const { client } = await silent({ localReplies: 'respond' });
    const response = await client.fetch('/');
    expect([response.status, response.statusText, await response.text()]).toEqual([
      504,
      'Gateway Timeout',
      'upstream request timeout',
    ]);
    expect(response.headers.get('x-outrigger-flags')).toBe('UT');
  });

  test('a call has its own, or none', async () => {
    const gate = hold();
    const fleet = await fleetOf({ endpoints: 1, plan: gate.step });
    const options = { service: 'http://shop', endpoints: fleet.endpoints };
    // One that the client has not: the layer joins for this call alone.
    const patient = clientFor(options);
    expect(patient.describe()).not.toContain('deadline');
    await expect(patient.fetch('/', { resilience: { timeout: 20 } })).rejects.toMatchObject({
      name: 'TimeoutError',
      timeout: 20,
    });
    const hasty = clientFor({ ...options, timeout: 20 });
    expect(hasty.describe()).toContain('call:     observe → deadline (20 ms)');
    const waiting = hasty.fetch('/', { resilience: { timeout: false } });
    const other = patient.fetch('/');
    await expect(hasty.fetch('/')).rejects.toBeInstanceOf(TimeoutError);
    gate.release();
    expect((await waiting).status).toBe(200);
    expect((await other).status).toBe(200);
    const wrong = { resilience: { timeout: 'soon' } };
    await expect(hasty.fetch('/', wrong)).rejects.toThrow("resilience.timeout: found 'soon'");
  });

  test('through middleware, the full path and the other faces', async () => {
    const { client } = await silent({
      timeout: false,
      middleware: [
        (request: Request, next: (request: Request) => Promise<Response>) => next(request),
      ],
    });
    const own = { resilience: { timeout: 20 } };
    await expect(client.fetch('/', own)).rejects.toBeInstanceOf(TimeoutError);
    await expect(client.fetch(new Request('http://shop/'), own)).rejects.toBeInstanceOf(
      TimeoutError,
    );
    await expect(client.request('/', own)).rejects.toBeInstanceOf(TimeoutError);
    const timed = (await silent()).client;
    await expect(timed.fetch('/', { redirect: 'error' })).rejects.toBeInstanceOf(TimeoutError);
    const init = { dispatcher: timed.dispatcher } as unknown as RequestInit;
    await expect(fetch('http://shop/', init)).rejects.toMatchObject({
      cause: { name: 'TimeoutError' },
    });
  });

  test('redirects share it', async () => {
    const gate = hold({ status: 302, headers: { location: '/there' } });
    const fleet = await fleetOf({
      endpoints: 1,
      plan: (_, { path }) => (path === '/there' ? 'silence' : gate.step),
    });
    const runtime = virtualRuntime();
    const client = clientFor({
      service: 'http://shop',
      endpoints: fleet.endpoints,
      timeout: 500,
      runtime,
    });
    const pending = client.fetch('/').catch((reason: unknown) => reason);
    await fleet.requestReceived();
    await runtime.advance(400);
    gate.release();
    await fleet.requestReceived();
    await runtime.advance(99);
    expect(client.endpoints()[0]?.active).toBe(1);
    await runtime.advance(1);
    expect(await pending).toBeInstanceOf(TimeoutError);
    // The second hop had what the first one left.
    expect(await pending).toMatchObject({ timeout: 100 });
  });

  test('update changes it for the next call', async () => {
    const { fleet, client } = await silent({ timeout: false });
    const controller = new AbortController();
    const before = client
      .fetch('/', { signal: controller.signal })
      .catch((reason: unknown) => reason);
    client.update({ timeout: '20ms' });
    await expect(client.fetch('/')).rejects.toBeInstanceOf(TimeoutError);
    expect(client.endpoints()[0]?.active).toBe(1);
    controller.abort('enough');
    expect(await before).toBe('enough');
    client.update({ timeout: false });
    expect(client.describe()).not.toContain('deadline');
    await fleet.connectionsAre(0);
  });
});
