import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { seededRandom, virtualRuntime } from '../../src/testing/index.js';

test('time stands still until it is moved', async () => {
  const runtime = virtualRuntime();
  const fired: number[] = [];
  runtime.setTimer(() => fired.push(runtime.now()), 10);
  expect(runtime.now()).toBe(0);
  await runtime.advance(9);
  expect([runtime.now(), fired]).toEqual([9, []]);
  await runtime.advance(1);
  expect([runtime.now(), fired]).toEqual([10, [10]]);
  await runtime.advanceTo(1000);
  expect([runtime.now(), fired]).toEqual([1000, [10]]);
});

test('timers fire in the order in which they are due, equals in the order in which they were set', async () => {
  const runtime = virtualRuntime();
  const fired: string[] = [];
  const set = (name: string, delay: number) =>
    runtime.setTimer(() => fired.push(`${name}@${runtime.now()}`), delay);
  set('c', 20);
  set('a', 5);
  set('d', 20);
  set('b', 5);
  set('now', 0);
  set('past', -3);
  await runtime.advance(100);
  expect(fired).toEqual(['now@0', 'past@0', 'a@5', 'b@5', 'c@20', 'd@20']);
});

test('a timer that is set by a timer fires within the same move, when it is due', async () => {
  const runtime = virtualRuntime();
  const fired: string[] = [];
  runtime.setTimer(() => {
    fired.push(`outer@${runtime.now()}`);
    runtime.setTimer(() => fired.push(`at once@${runtime.now()}`), 0);
    runtime.setTimer(() => fired.push(`inner@${runtime.now()}`), 5);
    runtime.setTimer(() => fired.push('later'), 6);
  }, 10);
  runtime.setTimer(() => fired.push(`other@${runtime.now()}`), 10);
  await runtime.advance(15);
  expect(fired).toEqual(['outer@10', 'other@10', 'at once@10', 'inner@15']);
  expect(runtime.pendingTimers).toBe(1);
});

test('the promise jobs that a timer causes are done before the next timer fires, however many follow each other', async () => {
  const runtime = virtualRuntime();
  const order: string[] = [];
  runtime.setTimer(() => {
    void (async () => {
      for (let job = 0; job < 1000; job++) await Promise.resolve();
      order.push(`jobs done at ${runtime.now()}`);
    })();
  }, 1);
  runtime.setTimer(() => order.push('next timer'), 2);
  await runtime.advance(2);
  expect(order).toEqual(['jobs done at 1', 'next timer']);
});

test('jobs that were waiting before the move are done before its first timer', async () => {
  const runtime = virtualRuntime();
  let ready = false;
  void Promise.resolve()
    .then(() => Promise.resolve())
    .then(() => (ready = true));
  const seen: boolean[] = [];
  runtime.setTimer(() => seen.push(ready), 0);
  await runtime.advance(0);
  expect(seen).toEqual([true]);
});

test('deferred callbacks run before the next timer, and so do those that they defer', async () => {
  const runtime = virtualRuntime();
  const order: string[] = [];
  runtime.setTimer(() => {
    runtime.defer(() => {
      order.push('deferred');
      runtime.defer(() => order.push('deferred again'));
      void Promise.resolve().then(() => order.push('job of deferred'));
    });
    order.push('timer');
  }, 1);
  runtime.setTimer(() => order.push('next timer'), 1);
  runtime.defer(() => order.push('before all'));
  expect(order).toEqual([]);
  await runtime.advance(1);
  expect(order).toEqual([
    'before all',
    'timer',
    'deferred',
    'job of deferred',
    'deferred again',
    'next timer',
  ]);
});

test('a deferred callback does not need time to be moved: a turn of the event loop is enough', async () => {
  const runtime = virtualRuntime();
  await new Promise<void>((resolve) => runtime.defer(resolve));
  expect(runtime.now()).toBe(0);
});

test('a timer that was taken back does not fire; taking back twice, too late or nothing is no mistake', async () => {
  const runtime = virtualRuntime();
  const fired: string[] = [];
  const kept = runtime.setTimer(() => fired.push('kept'), 5);
  const equal = runtime.setTimer(() => fired.push('equal'), 5);
  const background = runtime.setTimer(() => fired.push('background'), 5, true);
  expect([runtime.pendingTimers, runtime.pendingBackgroundTimers]).toEqual([3, 1]);
  runtime.clearTimer(equal);
  runtime.clearTimer(equal);
  runtime.clearTimer(background);
  runtime.clearTimer(undefined);
  expect([runtime.pendingTimers, runtime.pendingBackgroundTimers]).toEqual([1, 0]);
  await runtime.advance(5);
  runtime.clearTimer(kept);
  expect(fired).toEqual(['kept']);
  expect(runtime.pendingTimers).toBe(0);
});

test('a timer can be taken back by one that is due at the same time', async () => {
  const runtime = virtualRuntime();
  const fired: string[] = [];
  runtime.setTimer(() => runtime.clearTimer(second), 5);
  const second = runtime.setTimer(() => fired.push('second'), 5);
  await runtime.advance(10);
  expect(fired).toEqual([]);
});

test('until idle: everything but what is in the background alone', async () => {
  const runtime = virtualRuntime();
  const fired: string[] = [];
  const sweep = () => {
    fired.push(`sweep@${runtime.now()}`);
    runtime.setTimer(sweep, 10, true);
  };
  runtime.setTimer(sweep, 10, true);
  runtime.setTimer(() => runtime.setTimer(() => fired.push('second'), 10), 15);
  runtime.setTimer(() => fired.push('never'), Infinity);
  await runtime.runUntilIdle();
  expect(fired).toEqual(['sweep@10', 'sweep@20', 'second']);
  expect(runtime.now()).toBe(25);
  expect([runtime.pendingTimers, runtime.pendingBackgroundTimers]).toEqual([2, 2]);
});

test('until idle waits for work that begins in a job', async () => {
  const runtime = virtualRuntime();
  let done = false;
  void (async () => {
    await Promise.resolve();
    await new Promise<void>((resolve) => runtime.setTimer(resolve, 7));
    done = true;
  })();
  await runtime.runUntilIdle();
  expect([done, runtime.now()]).toEqual([true, 7]);
});

test('what is never idle ends at the limit', async () => {
  const runtime = virtualRuntime();
  const again = () => void runtime.setTimer(again, 1);
  again();
  await expect(runtime.runUntilIdle({ limit: 50 })).rejects.toThrow(
    'Not idle at 50 ms, after 50 timers',
  );
  expect(runtime.now()).toBe(50);
});

test('an endless loop without time is told', { timeout: 60_000 }, async () => {
  const runtime = virtualRuntime();
  const again = () => void runtime.setTimer(again, 0);
  again();
  await expect(runtime.advance(1)).rejects.toThrow('100000 timers fired at 0 ms');
});

test('what a timer throws reaches who moves the time, and the rest is not lost', async () => {
  const runtime = virtualRuntime();
  const fired: string[] = [];
  const mistake = new Error('mistake');
  runtime.setTimer(() => {
    throw mistake;
  }, 5);
  runtime.setTimer(() => fired.push('rest'), 5);
  await expect(runtime.advance(10)).rejects.toBe(mistake);
  expect([runtime.now(), fired]).toEqual([5, []]);
  await runtime.advance(5);
  expect([runtime.now(), fired]).toEqual([10, ['rest']]);
});

test('what a deferred callback throws reaches who moves the time', async () => {
  const runtime = virtualRuntime();
  const mistake = new Error('mistake');
  runtime.setTimer(() => {
    runtime.defer(() => {
      throw mistake;
    });
  }, 5);
  await expect(runtime.runUntilIdle()).rejects.toBe(mistake);
  await runtime.advance(1);
});

test.each([-1, NaN, Infinity])('time does not move by %d', async (ms) => {
  const runtime = virtualRuntime();
  await expect(runtime.advance(ms)).rejects.toThrow(RangeError);
  expect(runtime.now()).toBe(0);
});

test('time does not move back, nor twice at once', async () => {
  const runtime = virtualRuntime();
  await runtime.advance(10);
  await expect(runtime.advanceTo(9)).rejects.toThrow(RangeError);
  const first = runtime.advance(1);
  await expect(runtime.advance(1)).rejects.toThrow('being moved already');
  await first;
  expect(runtime.now()).toBe(11);
  expect(() => runtime.setTimer(() => {}, NaN)).toThrow(RangeError);
});

test('a timer calls back in the async context in which it was set', async () => {
  const runtime = virtualRuntime();
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  storage.run('set here', () => {
    runtime.setTimer(() => seen.push(storage.getStore()), 1);
    runtime.defer(() => seen.push(storage.getStore()));
  });
  await storage.run('moved here', () => runtime.advance(1));
  expect(seen).toEqual(['set here', 'set here']);
});

test('its methods work on their own', async () => {
  const { now, setTimer, advance } = virtualRuntime();
  let fired = 0;
  setTimer(() => fired++, 1);
  await advance(1);
  expect([now(), fired]).toEqual([1, 1]);
});

test('chance comes from the seed', () => {
  const runtime = virtualRuntime({ seed: 42 });
  const random = seededRandom(42);
  expect(runtime.seed).toBe(42);
  expect(virtualRuntime().seed).toBe(1);
  for (let i = 0; i < 10; i++) expect(runtime.random()).toBe(random());
});
