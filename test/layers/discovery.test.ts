import { describe, expect, test, vi } from 'vitest';
import {
  NoHealthyEndpointError,
  NotReadyError,
  TimeoutError,
  type ClientOptions,
  type ResilientClient,
} from '../../src/index.js';
import { hold, virtualRuntime, type VirtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { ManualDiscovery } from '../support/discovery.js';
import { fleetOf } from '../support/fleet.js';
import { outcomeOf, stat } from '../support/pool.js';

interface Waiting {
  readonly discovery: ManualDiscovery;
  readonly runtime: VirtualRuntime;
  readonly client: ResilientClient;
}

/** A client whose discovery has not said anything yet. */
function waiting(options: ClientOptions = {}): Waiting {
  vi.spyOn(process, 'emitWarning').mockReturnValue();
  const discovery = new ManualDiscovery('dns shop');
  const runtime = virtualRuntime();
  const client = clientFor({ service: 'http://shop', endpoints: discovery, runtime, ...options });
  return { discovery, runtime, client };
}

/** How a call ends that is waited for on virtual time. */
async function errorOf(
  call: Promise<unknown>,
  runtime: VirtualRuntime,
): Promise<{ error: unknown; at: number }> {
  let ended: { error: unknown; at: number } | undefined;
  call.then(
    () => (ended = { error: undefined, at: runtime.now() }),
    (error: unknown) => (ended = { error, at: runtime.now() }),
  );
  await runtime.runUntilIdle();
  if (ended === undefined) throw new Error('the call has not ended');
  return ended;
}

describe('a call before the first list', () => {
  test('waits for it, and is then made', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const { discovery, runtime, client } = waiting();
    const calls = [outcomeOf(client.fetch('/')), outcomeOf(client.fetch('/'))];
    await runtime.advance(3000);
    expect(fleet.server(0).requests).toHaveLength(0);
    discovery.update([fleet.server(0).url]);
    expect(await Promise.all(calls)).toEqual([200, 200]);
    // No timer of theirs is left.
    expect(runtime.pendingTimers - runtime.pendingBackgroundTimers).toBe(0);
  });

  test('does so once: the layer is gone with the list', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const { discovery, client } = waiting({ timeout: '1s' });
    expect(client.describe()).toContain('observe → deadline (1000 ms) → discovery → retry');
    expect(client.describe()).toContain('over 0 endpoints: dns shop has not answered yet');
    discovery.update([fleet.server(0).url]);
    expect(client.describe()).toContain('observe → deadline (1000 ms) → retry');
    expect(client.describe()).toContain('over 1 endpoint from dns shop');
    expect(await outcomeOf(client.fetch('/'))).toBe(200);
  });

  test('an empty list is an answer, too', async () => {
    const { discovery, runtime, client } = waiting();
    const call = client.fetch('/');
    discovery.update([]);
    const { error, at } = await errorOf(call, runtime);
    expect((error as Error).message).toBe('no healthy upstream: shop has no endpoint');
    expect(at).toBe(0);
  });

  test.each([
    [{}, 10_000],
    [{ discoveryTimeout: '2s' }, 2000],
  ])('without a time of its own it waits a bounded time: %j', async (options, limit) => {
    const { discovery, runtime, client } = waiting(options);
    discovery.fail(new Error('queryA ETIMEOUT shop'));
    const { error, at } = await errorOf(client.fetch('/'), runtime);
    expect(at).toBe(limit);
    expect(error).toBeInstanceOf(NoHealthyEndpointError);
    expect(error).toMatchObject({
      flag: 'UH',
      attempts: [],
      cause: { message: 'queryA ETIMEOUT shop' },
      message:
        'no healthy upstream: shop has no endpoint, since dns shop has not answered yet: queryA ETIMEOUT shop',
    });
    expect(stat(client, 'upstream_rq_503')).toBe(1);
    expect(runtime.pendingTimers).toBe(0);
  });

  test.each<[ClientOptions, number, string]>([
    [{ timeout: '30s' }, 30_000, 'no answer within 30000 ms'],
    [{ timeout: '1s', retry: false }, 1000, 'no answer within 1000 ms'],
    [{ timeout: { response: '20s' } }, 20_000, 'no answer within 20000 ms (timeout.response)'],
  ])('with a timeout it waits so long: %j', async (options, limit, words) => {
    const { discovery, runtime, client } = waiting(options);
    const call = client.fetch('/');
    discovery.fail(new Error('queryA ETIMEOUT shop'));
    const { error, at } = await errorOf(call, runtime);
    expect(at).toBe(limit);
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toBe(
      `shop: ${words}, before the first attempt: dns shop has not answered yet: queryA ETIMEOUT shop`,
    );
  });

  test('the idle timeout does not run', async () => {
    const { runtime, client } = waiting({ timeout: { idle: '1s' } });
    const { error, at } = await errorOf(client.fetch('/'), runtime);
    expect(error).toBeInstanceOf(NoHealthyEndpointError);
    expect(at).toBe(10_000);
  });

  test('the options of one call hold', async () => {
    const { runtime, client } = waiting();
    const call = client.fetch('/', { resilience: { timeout: '50ms', retry: { attempts: 9 } } });
    const { error, at } = await errorOf(call, runtime);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(at).toBe(50);
  });

  test('may be aborted, with the reason of its signal', async () => {
    const { discovery, runtime, client } = waiting();
    const controller = new AbortController();
    const call = client.fetch('/', { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(runtime.pendingTimers).toBe(0);
    discovery.update(['http://127.0.0.1:1']);
    expect(client.endpoints()).toMatchObject([{ total: 0 }]);
  });

  test('is not failed by the circuit breaker, nor counted by it', async () => {
    const { runtime, client } = waiting({ circuitBreaker: { minimumCalls: 1 } });
    for (let count = 0; count < 3; count++) await errorOf(client.fetch('/'), runtime);
    expect(stat(client, 'circuit_breaker.opened_total')).toBe(0);
  });

  test('fails when the client is destroyed', async () => {
    const { runtime, client } = waiting();
    const call = outcomeOf(client.fetch('/'));
    await client.destroy();
    expect(await call).toBe('ClosedError');
    expect(runtime.pendingTimers).toBe(0);
  });

  test('is made when its list comes while the client closes', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const { discovery, client } = waiting();
    const call = outcomeOf(client.fetch('/'));
    const closed = client.close();
    discovery.update([fleet.server(0).url]);
    expect(await call).toBe(200);
    await closed;
    expect(discovery.stops).toBe(1);
  });

  test('goes to the list that an update puts in place of the discovery', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const { client } = waiting();
    const call = outcomeOf(client.fetch('/'));
    client.update({ endpoints: [fleet.server(0).url] });
    expect(await call).toBe(200);
    expect(client.describe()).not.toContain('discovery');
  });

  test('goes to the first list of another discovery', async () => {
    const fleet = await fleetOf({ endpoints: 1 });
    const { discovery, client } = waiting();
    discovery.fail(new Error('no such name'));
    const call = outcomeOf(client.fetch('/'));
    const other = new ManualDiscovery('file x');
    client.update({ endpoints: other });
    expect(client.describe()).toContain('file x has not answered yet\n');
    other.update([fleet.server(0).url]);
    expect(await call).toBe(200);
  });

  test('holds nothing when it goes on beside others', async () => {
    const gate = hold();
    const fleet = await fleetOf({ endpoints: 1, plan: gate.step });
    const { discovery, runtime, client } = waiting({ timeout: '5s' });
    const calls = Array.from({ length: 20 }, () => outcomeOf(client.fetch('/')));
    discovery.update([fleet.server(0).url]);
    gate.release();
    expect(await Promise.all(calls)).toEqual(Array(20).fill(200));
    expect(runtime.pendingTimers - runtime.pendingBackgroundTimers).toBe(0);
  });
});

describe('client.ready', () => {
  test('resolves at once with lists of the user', async () => {
    await clientFor().ready();
    await clientFor({ service: 'http://a', endpoints: [] }).ready();
  });

  test('resolves with the first list of each service, and then at once', async () => {
    const first = new ManualDiscovery();
    const second = new ManualDiscovery();
    const runtime = virtualRuntime();
    const client = clientFor({
      services: { 'http://a': { endpoints: first }, 'http://b': { endpoints: second } },
      runtime,
    });
    const seen: string[] = [];
    const ready = client.ready().then(() => seen.push('ready'));
    first.update([]);
    await runtime.advance(1);
    expect(seen).toEqual([]);
    second.update(['http://x']);
    await ready;
    expect(runtime.pendingTimers).toBe(0);
    await client.ready({ timeout: 0 });
  });

  test('rejects with all that is missing, and why', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue();
    const [first, second, third] = ['dns a', 'file b', 'dns c'].map(
      (name) => new ManualDiscovery(name),
    );
    const runtime = virtualRuntime();
    const client = clientFor({
      services: {
        'http://a': { endpoints: first },
        'http://b': { endpoints: second, discoveryTimeout: '3s' },
        'http://c': { endpoints: third },
      },
      discoveryTimeout: '1s',
      runtime,
    });
    const ready = client.ready();
    second?.fail(new Error('no such file'));
    third?.update([]);
    const { error, at } = await errorOf(ready, runtime);
    expect(at).toBe(3000);
    expect(error).toBeInstanceOf(NotReadyError);
    expect(error).toMatchObject({ code: 'ERR_OUTRIGGER_NOT_READY', service: 'a' });
    expect((error as Error).message).toBe(
      'not ready after 3000 ms: a: dns a has not answered yet; b: file b has not answered yet: no such file',
    );
    expect(runtime.pendingTimers).toBe(0);
  });

  test('takes a time of its own', async () => {
    const { runtime, client } = waiting();
    const { error, at } = await errorOf(client.ready({ timeout: '250ms' }), runtime);
    expect(at).toBe(250);
    expect((error as Error).message).toBe(
      'not ready after 250 ms: shop: dns shop has not answered yet',
    );
    await expect(client.ready({ timeout: -1 })).rejects.toThrow('timeout: found -1');
  });

  test('rejects when the client is closed', async () => {
    const { runtime, client } = waiting();
    const ready = client.ready();
    const closed = client.close();
    await expect(ready).rejects.toThrow(
      'the client has been closed before it was ready: shop: dns shop has not answered yet',
    );
    await closed;
    await expect(client.ready()).rejects.toThrow('the client has been closed');
    expect(runtime.pendingTimers).toBe(0);
  });
});
