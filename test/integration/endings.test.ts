/** Calls that end where it is awkward: inside hooks, between hops, twice, or with nobody left to read. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  createResilientClient,
  LocalReply,
  type Attempt,
  type ClientOptions,
} from '../../src/index.js';
import { hold, virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { afterThisTurn, fleetOf, shop } from '../support/fleet.js';
import { serve } from '../support/server.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const active = (client: ReturnType<typeof clientFor>): number[] =>
  client.endpoints().map((endpoint) => endpoint.active);

describe('bodies that are read late', () => {
  test('a large body whose response is gone when its reader waits', async () => {
    const { client } = await shop({ endpoints: 1, plan: { body: { size: 300_000 } } });
    const reading = await (async () => {
      const response = await client.fetch('/');
      await afterThisTurn();
      await new Promise((resolve) => setImmediate(resolve));
      return { text: response.text() };
    })();
    collect();
    expect(await reading.text).toHaveLength(300_000);
  });

  test('a stream with several reads at once', async () => {
    const gates = [hold(), hold(), hold()];
    const { client } = await shop({
      endpoints: 1,
      plan: {
        framing: 'chunked',
        async *body() {
          for (const [index, gate] of gates.entries()) {
            await gate.released;
            yield `piece ${index}`;
          }
        },
      },
    });
    const reader = (await client.fetch('/')).body?.getReader();
    gates[0]?.release();
    await reader?.read();
    const both = Promise.all([reader?.read(), reader?.read()]);
    gates[1]?.release();
    await afterThisTurn();
    gates[2]?.release();
    const texts = (await both).map((part) => Buffer.from(part?.value as Uint8Array).toString());
    expect(texts.join(' ')).toBe('piece 1 piece 2');
    expect((await reader?.read())?.done).toBe(true);
    expect(active(client)).toEqual([0]);
  });

  test('a body that stalls before the bound, dropped with its response', async () => {
    const plan = {
      body: 'data: 1\n\n',
      cut: { at: 9, by: 'silence' },
      framing: 'chunked',
    } as const;
    const { fleet, client } = await shop({ endpoints: 1, plan });
    await (async () => void (await client.fetch('/')))();
    expect(active(client)).toEqual([1]);
    await expect
      .poll(() => {
        collect();
        return active(client);
      })
      .toEqual([0]);
    await fleet.connectionsAre(0);
  });

  test('an abort while a decoded body is read rejects with the reason', async () => {
    const server = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.write(gzipSync('x'.repeat(100_000)).subarray(0, 60));
    });
    const client = clientFor();
    const controller = new AbortController();
    const response = await client.fetch(server.url, { signal: controller.signal });
    const reading = response.text().catch((error: unknown) => error);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await reading).toBe(reason);
    expect(active(client)).toEqual([0]);
  });
});

describe('hops of a redirect', () => {
  test.each<[string, RequestInit, string]>([
    ['followed', {}, '/there'],
    ['refused', { redirect: 'error' }, '/there'],
    ['to a scheme that is none', {}, 'gopher://elsewhere/'],
  ])('with a body that nobody reads, %s, are given up', async (_, init, location) => {
    const { fleet, client } = await shop({
      endpoints: 1,
      plan: (_index, { path }) =>
        path === '/there' ? 200 : { status: 302, headers: { location }, body: { size: 3_000_000 } },
    });
    await client
      .fetch('/', init)
      .then((response) => response.text())
      .catch(() => {});
    await expect.poll(() => active(client)).toEqual([0]);
    await client.close();
    await fleet.connectionsAre(0);
  });

  test('carry what the caller gave, not what he has made of it since', async () => {
    const gate = hold();
    const { fleet, client } = await shop({
      endpoints: 1,
      plan: (_, { path }) =>
        path === '/there'
          ? 'echo'
          : { wait: gate.released, step: { status: 307, headers: { location: '/there' } } },
    });
    const headers: Record<string, string> = {};
    const body = new Uint8Array([0]);
    const answers = ['1', '2', '3'].map((id) => {
      headers['x-id'] = id;
      body[0] = id.charCodeAt(0);
      return client.fetch('/', { method: 'POST', headers, body });
    });
    for (let index = 0; index < 3; index++) await fleet.requestReceived();
    gate.release();
    const seen = await Promise.all(
      answers.map(async (answer) => {
        const echo = (await (await answer).json()) as { body: string; headers: [string, string][] };
        return [echo.headers.find(([name]) => name === 'x-id')?.[1], echo.body];
      }),
    );
    expect(seen).toEqual([
      ['1', '1'],
      ['2', '2'],
      ['3', '3'],
    ]);
  });
});

describe('hooks that end their own call', () => {
  function aborting(place: string, controller: AbortController, ends: string[]): ClientOptions {
    const abort = () => controller.abort(new Error('from inside'));
    const at = (here: string) => () => {
      if (here === place) abort();
      return undefined;
    };
    return {
      layers: {
        call: [{ name: 'c', start: at('call start'), end: () => void ends.push('call') }],
        attempt: [
          {
            name: 'a',
            start: at('attempt start'),
            connected: at('connected'),
            head: at('head'),
            end: () => void ends.push('attempt'),
          },
          { name: 'b', end: at('attempt end') },
        ],
      },
      loadBalancer: (endpoints) => ({
        name: 'own',
        pick() {
          at('pick')();
          return endpoints[0];
        },
        started: at('started'),
        ended: at('ended'),
      }),
      around: (_: Attempt, dispatch: () => void) => {
        at('around, before')();
        dispatch();
        at('around, after')();
      },
    };
  }

  test.each([
    'call start',
    'pick',
    'started',
    'attempt start',
    'around, before',
    'around, after',
    'connected',
    'head',
    'attempt end',
    'ended',
  ])('%s', async (place) => {
    const ends: string[] = [];
    const controller = new AbortController();
    const { fleet, client } = await shop({ endpoints: 1 }, aborting(place, controller, ends));
    const outcome = client
      .fetch('/', { signal: controller.signal })
      .then((response) => response.text());
    await expect(outcome).rejects.toThrow('from inside');
    await expect.poll(() => active(client)).toEqual([0]);
    expect(ends.filter((end) => end === 'call')).toHaveLength(1);
    expect(ends.filter((end) => end === 'attempt').length).toBeLessThanOrEqual(1);
    const stats = client.stats();
    expect(stats['cluster.shop.upstream_rq_active']).toBe(0);
    expect(stats['cluster.shop.upstream_rq_completed']).toBeLessThanOrEqual(1);
    const sent = ['call start', 'pick', 'started', 'attempt start', 'around, before'];
    if (sent.includes(place)) expect(fleet.servers[0]?.requests).toHaveLength(0);
    await client.close();
    await fleet.connectionsAre(0);
  });

  test('an around that throws after it has dispatched', async () => {
    const { fleet, client } = await shop(
      { endpoints: 1, plan: { body: { size: 1_000_000 } } },
      {
        around(_, dispatch) {
          dispatch();
          throw new Error('tracer');
        },
      },
    );
    for (let call = 0; call < 3; call++) await expect(client.fetch('/')).rejects.toThrow('tracer');
    await fleet.connectionsAre(0);
    expect(active(client)).toEqual([0]);
    expect(client.stats()['cluster.shop.upstream_rq_active']).toBe(0);
  });

  test('a promise that is not a native one is waited for', async () => {
    const thenable = { then: (resolve: (value: undefined) => void) => resolve(undefined) };
    const layers = { call: [{ name: 'slow', start: () => thenable as PromiseLike<undefined> }] };
    const { client } = await shop({ endpoints: 1 }, { layers });
    expect((await client.fetch('/')).status).toBe(200);
  });

  test('a dropped answer that stalls does not outlive its call', async () => {
    const plan = { status: 503, body: 'begun', cut: { at: 5, by: 'silence' } } as const;
    const judge = () => ({ kind: 'another', after: 10_000, reason: 'test' }) as const;
    const layers = { call: [{ name: 'later', judge }] };
    const { fleet, client } = await shop(
      { endpoints: 1, plan },
      { layers, runtime: virtualRuntime() },
    );
    const controller = new AbortController();
    const pending = client.fetch('/', { signal: controller.signal });
    await fleet.requestReceived();
    await expect.poll(() => client.endpoints()[0]?.success).toBe(0);
    await afterThisTurn();
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    expect(active(client)).toEqual([0]);
  });

  test('every hook runs in the async context of its own call', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const note = () => {
      seen.push(storage.getStore());
      return undefined;
    };
    const layers = {
      call: [{ name: 'c', start: note, judge: note, end: note }],
      attempt: [{ name: 'a', start: note, connected: note, head: note, end: note }],
    };
    const { client } = await shop({ endpoints: 1 }, { layers });
    for (const name of ['first', 'second']) {
      // The second call goes over the connection that the first one opened.
      await storage.run(name, async () => (await client.fetch('/')).text());
      await afterThisTurn();
      expect(seen.splice(0)).toEqual(Array(7).fill(name));
    }
  });
});

describe('whose fault it was', () => {
  async function* throwing() {
    yield await Promise.resolve(Buffer.from('begun'));
    throw new Error('my own');
  }

  test.each([
    ['a generator', () => throwing()],
    ['a Readable', () => Readable.from(throwing())],
  ])('%s that throws as a request body is not the endpoint’s', async (_, body) => {
    const { client } = await shop();
    const call = client.request('/', { method: 'POST', body: body() as Readable });
    await expect(call).rejects.toThrow('my own');
    expect(client.endpoints()[0]).toMatchObject({ active: 0, error: 0 });
  });

  test('nor is a body of another length than was announced', async () => {
    const { client } = await shop();
    const headers = { 'content-length': '100' };
    const call = client.request('/', { method: 'POST', body: 'short', headers });
    await expect(call).rejects.toMatchObject({
      cause: { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' },
    });
    expect(client.endpoints()[0]).toMatchObject({ active: 0, error: 0 });
  });
});

describe('closing', () => {
  test('twice at once, with deadlines of their own', async () => {
    const runtime = virtualRuntime();
    const gate = hold();
    const { fleet, client } = await shop({ endpoints: 1, plan: gate.step }, { runtime });
    const pending = client.fetch('/');
    await fleet.requestReceived();
    const closing = [client.close({ deadline: '4s' }), client.close({ deadline: '5s' })];
    gate.release();
    expect(await (await pending).text()).toBe('server-1');
    await Promise.all(closing);
    expect(runtime.pendingTimers).toBe(0);
  });

  test('destroy resolves when the sockets have closed', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: 'silence' });
    client.fetch('/').catch(() => {});
    await fleet.requestReceived();
    await client.destroy();
    expect(client.stats()['cluster.shop.upstream_cx_active']).toBe(0);
  });

  test('destroy(error) rejects with that error on every path', async () => {
    const { fleet, client } = await shop({ endpoints: 1, plan: 'silence' });
    const reason = new Error('going down');
    const failures = [client.fetch('/'), client.fetch(new Request('http://shop/'))].map((call) =>
      call.catch((error: unknown) => error),
    );
    for (const _ of failures) await fleet.requestReceived();
    await client.destroy(reason);
    expect(await Promise.all(failures)).toEqual([reason, reason]);
  });

  test('an attempt that is sent to an endpoint that has left', async () => {
    const gate = hold();
    const layers = {
      attempt: [{ name: 'wait', start: () => gate.released.then(() => undefined) }],
    };
    const { fleet, client } = await shop({ endpoints: 2 }, { layers, loadBalancer: 'round-robin' });
    const calls = [client.fetch('/'), client.fetch('/')];
    client.update({ endpoints: [] });
    gate.release();
    for (const call of calls) await (await call).text();
    await fleet.connectionsAre(0);
    await client.close();
  });
});

test('virtual time that begins at 0 counts and explains as any other', async () => {
  const runtime = virtualRuntime();
  const { client } = await shop({ endpoints: 1 }, { runtime });
  for (let call = 0; call < 5; call++) {
    const response = await client.fetch('/');
    await response.text();
    expect(client.explain(response)?.attempts[0]).toMatchObject({
      connectedAt: 0,
      headAt: 0,
      endedAt: 0,
    });
  }
  expect(client.stats()['cluster.shop.upstream_rq_active']).toBe(0);
});

test('a policy that cannot be built leaves the list as it was', async () => {
  const fleet = await fleetOf({ endpoints: 2 });
  const [first, second] = fleet.endpoints;
  const client = createResilientClient({
    service: 'http://shop',
    endpoints: [first?.url ?? ''],
    loadBalancer: (endpoints) => {
      if (endpoints.length > 1) throw new Error('one at most');
      return { name: 'one', pick: () => endpoints[0] };
    },
  });
  expect(() => client.update({ endpoints: [first?.url ?? '', second?.url ?? ''] })).toThrow(
    'one at most',
  );
  expect(client.endpoints().map(({ url }) => url)).toEqual([first?.url]);
  expect((await client.fetch('/')).status).toBe(200);
  await client.destroy();
});

test('a local reply has a status that an answer can have', () => {
  expect(() => new LocalReply(103, '', [], '')).toThrow(
    'a local reply has a status from 200 to 599, found 103',
  );
});
