/** The virtual runtime against a model that is too simple to be wrong: a list, searched for its smallest. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { virtualRuntime } from '../../src/testing/index.js';

/** A timer with what it does when it fires. */
interface Plan {
  readonly delay: number;
  readonly background: boolean;
  /** Set when it fires. */
  readonly children: readonly Plan[];
  /** When it fires, takes back the timer with this number, if there is one. */
  readonly clears: number | null;
}

type Command =
  | { readonly kind: 'set'; readonly plan: Plan }
  | { readonly kind: 'clear'; readonly index: number }
  | { readonly kind: 'advance'; readonly ms: number };

interface Scheduler {
  now(): number;
  set(fire: () => void, delay: number, background: boolean): unknown;
  clear(timer: unknown): void;
}

/** What a plan does on either of the two: the log names timers by the order in which they were set. */
function player(scheduler: Scheduler) {
  const log: string[] = [];
  const timers: unknown[] = [];
  const play = (plan: Plan): void => {
    const number = timers.length;
    timers.push(undefined);
    const fire = () => {
      log.push(`${number}@${scheduler.now()}`);
      if (plan.clears !== null) scheduler.clear(timers[plan.clears]);
      plan.children.forEach(play);
    };
    timers[number] = scheduler.set(fire, plan.delay, plan.background);
  };
  return { log, timers, play };
}

function model() {
  let time = 0;
  let pending: { due: number; fire: () => void; background: boolean }[] = [];
  const next = () =>
    pending.reduce<(typeof pending)[number] | undefined>(
      (first, timer) => (first === undefined || timer.due < first.due ? timer : first),
      undefined,
    );
  const fireWhile = (wanted: (due: number) => boolean) => {
    for (let timer = next(); timer !== undefined && wanted(timer.due); timer = next()) {
      const { due, fire } = timer;
      pending = pending.filter((other) => other !== timer);
      time = due;
      fire();
    }
  };
  return {
    now: () => time,
    set(fire: () => void, delay: number, background: boolean) {
      const timer = { due: time + delay, fire, background };
      pending.push(timer);
      return timer;
    },
    clear(timer: unknown) {
      pending = pending.filter((other) => other !== timer);
    },
    advance(ms: number) {
      const target = time + ms;
      fireWhile((due) => due <= target);
      time = target;
    },
    runUntilIdle: () => fireWhile(() => pending.some(({ background }) => !background)),
    count: () => pending.length,
  };
}

/** Timers that set further timers, so many generations deep. */
function plans(generations: number): fc.Arbitrary<Plan> {
  const children =
    generations === 1 ? fc.constant([]) : fc.array(plans(generations - 1), { maxLength: 2 });
  return fc.record({
    delay: fc.integer({ min: 0, max: 6 }),
    background: fc.boolean(),
    children,
    clears: fc.option(fc.nat(12), { freq: 3 }),
  });
}

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), plan: plans(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), index: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(10) }) },
);

test('what fires, when and in which order is as in the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 20 }), async (commands) => {
      const runtime = virtualRuntime();
      const real = player({
        now: runtime.now,
        set: (fire, delay, background) => runtime.setTimer(fire, delay, background),
        clear: runtime.clearTimer,
      });
      const simple = model();
      const expected = player(simple);
      for (const command of commands) {
        if (command.kind === 'set') {
          real.play(command.plan);
          expected.play(command.plan);
        } else if (command.kind === 'clear') {
          runtime.clearTimer(real.timers[command.index]);
          simple.clear(expected.timers[command.index]);
        } else {
          await runtime.advance(command.ms);
          simple.advance(command.ms);
        }
        expect(real.log).toEqual(expected.log);
        expect(runtime.now()).toBe(simple.now());
        expect(runtime.pendingTimers).toBe(simple.count());
      }
      await runtime.runUntilIdle();
      simple.runUntilIdle();
      expect(real.log).toEqual(expected.log);
      expect(runtime.pendingTimers).toBe(runtime.pendingBackgroundTimers);
      expect(runtime.pendingTimers).toBe(simple.count());
    }),
    { numRuns: 1000 },
  );
});
