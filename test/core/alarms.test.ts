import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Alarms, type Alarm } from '../../src/core/alarms.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

test('rings each alarm at its time, in order, from one timer', async () => {
  const runtime = virtualRuntime();
  const alarms = new Alarms(runtime);
  const rung: string[] = [];
  for (const at of [30, 10, 20, 10]) {
    alarms.set(at, (name) => rung.push(`${name} at ${runtime.now()}`), `${at}`);
  }
  expect(runtime.pendingTimers).toBe(1);
  await runtime.advance(100);
  expect(rung).toEqual(['10 at 10', '10 at 10', '20 at 20', '30 at 30']);
  expect(runtime.pendingTimers).toBe(0);
});

test('of those for the same time the first that was set rings first, whatever was taken back between', async () => {
  const runtime = virtualRuntime();
  const alarms = new Alarms(runtime);
  const rung: string[] = [];
  const early = alarms.set(5, (name) => rung.push(name), 'taken back');
  for (const name of ['a', 'b', 'c']) alarms.set(10, (own) => rung.push(own), name);
  alarms.clear(early);
  await runtime.advance(10);
  expect(rung).toEqual(['a', 'b', 'c']);
});

test('without an alarm there is no timer', () => {
  const runtime = virtualRuntime();
  const alarms = new Alarms(runtime);
  const one = alarms.set(10, () => {}, undefined);
  const other = alarms.set(20, () => {}, undefined);
  alarms.clear(one);
  expect(runtime.pendingTimers).toBe(1);
  alarms.clear(other);
  alarms.clear(other);
  expect(runtime.pendingTimers).toBe(0);
});

test('an alarm that throws does not keep the others from ringing', async () => {
  const runtime = virtualRuntime();
  const alarms = new Alarms(runtime);
  let rung = 0;
  const fail = (): void => {
    throw new Error('alarm');
  };
  alarms.set(10, fail, undefined);
  alarms.set(10, (by) => void (rung += by), 1);
  alarms.set(20, (by) => void (rung += by), 1);
  await expect(runtime.advance(15)).rejects.toThrow('alarm');
  await runtime.advance(15);
  expect(rung).toBe(2);
});

test('what has arrived by the time it is due is looked at first', () => {
  const timers: (() => void)[] = [];
  const deferred: (() => void)[] = [];
  const runtime = {
    ...virtualRuntime(),
    now: () => 10,
    setTimer: (callback: () => void) => timers.push(callback),
    defer: (callback: () => void) => void deferred.push(callback),
  };
  const alarms = new Alarms(runtime);
  const rung: string[] = [];
  const answered = alarms.set(10, (name) => rung.push(name), 'answered');
  alarms.set(10, (name) => rung.push(name), 'silent');
  timers[0]?.();
  expect(rung).toEqual([]);
  // As the events of sockets come: after the timers of a turn, before what was deferred.
  alarms.clear(answered);
  deferred[0]?.();
  expect(rung).toEqual(['silent']);
});

test('each alarm rings once, never early, unless it is taken back, whatever the others do', async () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 20 }),
    takesBack: fc.option(fc.nat(30), { nil: undefined }),
    sets: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      const runtime = virtualRuntime();
      const alarms = new Alarms(runtime);
      const all: { alarm: Alarm; takenBack: boolean; rung: number[] }[] = [];
      const set = (wait: number, then?: () => void): void => {
        const entry = { takenBack: false, rung: [] as number[] } as (typeof all)[number];
        const ring = (of: typeof entry): void => {
          of.rung.push(runtime.now());
          then?.();
        };
        entry.alarm = alarms.set(runtime.now() + wait, ring, entry);
        all.push(entry);
      };
      for (const { wait, takesBack, sets } of steps) {
        set(wait, () => {
          const other = takesBack === undefined ? undefined : all[takesBack];
          if (other?.rung.length === 0) {
            other.takenBack = true;
            alarms.clear(other.alarm);
          }
          if (sets !== undefined) set(sets);
        });
        await runtime.advance(wait % 7);
      }
      await runtime.advance(1000);
      for (const { alarm, takenBack, rung } of all) {
        expect(rung).toEqual(takenBack ? [] : [alarm.at]);
      }
      expect(runtime.pendingTimers).toBe(0);
    }),
    { numRuns: 500 },
  );
});
