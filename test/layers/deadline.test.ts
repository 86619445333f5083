/** The call's timeout, on the virtual clock where it can be, on real sockets where the body matters. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import type { AttemptLayer, CallLayer } from '../../src/core/layer.js';
import { Call } from '../../src/core/call.js';
import { deadline } from '../../src/layers/deadline.js';
import { ConnectionError, isOutriggerError, TimeoutError } from '../../src/index.js';
import { hold, virtualRuntime } from '../../src/testing/index.js';
import {
  ANSWERED,
  chainOver,
  Recorder,
  ScriptedUpstream,
  type Script,
} from '../core/scripted-upstream.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';

function timed(
  timeout: number,
  scripts: readonly (Script | 'no-endpoint')[],
  callLayers: readonly CallLayer[] = [],
  attemptLayers: readonly AttemptLayer[] = [],
) {
  const runtime = virtualRuntime();
  const upstream = new ScriptedUpstream(runtime, scripts);
  const recorder = new Recorder();
  const chain = chainOver(upstream, [deadline, ...callLayers], attemptLayers);
  const call = new Call(chain, recorder, 'GET', '/', [], null, undefined, { timeout });
  drive.start(call);
  return { runtime, upstream, recorder, call };
}

describe('the layer', () => {
  test('ends a call that waits for its head, at its time and not before', async () => {
    const { runtime, recorder, call, upstream } = timed(500, [{ ...ANSWERED, head: 1000 }]);
    await runtime.advance(499);
    expect(recorder.events).toEqual([]);
    await runtime.advance(1);
    expect(recorder.events).toEqual(['fail timeout']);
    expect(recorder.failure?.flag).toBe('UT');
    expect(call.attempts[0]?.failure?.kind).toBe('timeout');
    expect(upstream.exchanges[0]?.cancelled).toBe(1);
    expect(upstream.endpoint.active).toBe(0);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('includes the body', async () => {
    const { runtime, recorder } = timed(500, [{ ...ANSWERED, chunks: [100, 1000] }]);
    await runtime.advance(600);
    expect(recorder.events).toEqual(['head 200', 'data', 'fail timeout']);
  });

  test('includes the wait of a layer, and a back-off', async () => {
    const never: AttemptLayer = { name: 'never', start: () => new Promise(() => {}) };
    const waiting = timed(500, [ANSWERED], [], [never]);
    await waiting.runtime.advance(500);
    expect(waiting.recorder.events).toEqual(['fail timeout']);
    expect(waiting.upstream.endpoint.active).toBe(0);

    const retry: CallLayer = {
      name: 'retry',
      judge: () => ({ kind: 'another', after: 400, reason: 'test' }),
    };
    const retried = timed(500, [{ ...ANSWERED, connect: 200, refused: true }], [retry]);
    await retried.runtime.advance(499);
    expect(retried.call.attempts).toHaveLength(1);
    await retried.runtime.advance(1000);
    expect(retried.recorder.events).toEqual(['fail timeout']);
    expect(retried.call.attempts).toHaveLength(1);
    expect(retried.runtime.pendingTimers).toBe(0);
  });

  test('lets a call that is over in time alone, and gives its timer back', async () => {
    const { runtime, recorder } = timed(500, [ANSWERED]);
    await runtime.advance(3);
    expect(recorder.events).toEqual(['head 200', 'data', 'end']);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('0 is none', async () => {
    const { runtime, recorder } = timed(0, [{ ...ANSWERED, head: 100_000 }]);
    expect(runtime.pendingTimers).toBe(1);
    await runtime.advance(200_000);
    expect(recorder.events).toEqual(['head 200', 'data', 'end']);
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
      message: 'shop: no answer within 20 ms',
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
    const client = clientFor({ service: 'https://shop', endpoints, timeout: 50 });
    await expect(client.fetch('/')).rejects.toBeInstanceOf(TimeoutError);
    expect(client.endpoints()[0]).toMatchObject({ active: 0, connections: { open: 0 } });
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
