import { describe, expect, test } from 'vitest';
import {
  CircuitBreaker,
  type BreakerCall,
  type BreakerPolicy,
} from '../../src/cluster/circuit-breaker.js';
import { ClusterEvents, type CircuitEvent } from '../../src/cluster/events.js';
import type { Attempt } from '../../src/core/attempt.js';
import { failure, type FailureKind } from '../../src/core/failure.js';
import { virtualRuntime } from '../../src/testing/index.js';
import { breakerPolicy } from '../support/virtual-cluster.js';

interface FakeCall extends BreakerCall {
  answer: Attempt | undefined;
  failure: BreakerCall['failure'];
  endedAt: number;
  /** What `admit` has said. */
  readonly refusedFor: number;
}

function breakerWith(own: Partial<BreakerPolicy> = {}, chance = 0) {
  const time = virtualRuntime();
  const runtime = Object.create(time, { random: { value: () => chance } }) as typeof time;
  const events = new ClusterEvents();
  const breaker = new CircuitBreaker({ name: 'shop', runtime, events });
  breaker.setPolicy(breakerPolicy(own));

  const start = (): FakeCall => {
    const call = { answer: undefined, failure: undefined, readyAt: time.now(), circuitPeriod: 0 };
    const made = { ...call, endedAt: 0 };
    return Object.assign(made, { refusedFor: breaker.admit(made) });
  };
  const head = (call: FakeCall, status: number): void => {
    call.answer = { status, headAt: time.now() } as Partial<Attempt> as Attempt;
  };
  const end = (call: FakeCall, how: number | FailureKind): void => {
    if (typeof how === 'number') head(call, how);
    else call.failure = failure(how, undefined, undefined, true);
    call.endedAt = time.now();
    breaker.ended(call);
  };
  /** So many calls, one after the other. */
  const make = (count: number, how: number | FailureKind): void => {
    for (let call = 0; call < count; call++) end(start(), how);
  };
  return { time, events, breaker, start, head, end, make };
}

/** One that has just opened. */
function opened(own: Partial<BreakerPolicy> = {}, chance = 0) {
  const all = breakerWith({ minimumCalls: 1, ...own }, chance);
  all.make(1, 503);
  expect(all.breaker.state).toBe('open');
  return all;
}

/** One whose open time is over. */
async function onTrial(own: Partial<BreakerPolicy> = {}) {
  const all = opened(own);
  await all.time.advance(5000);
  return all;
}

describe('closed', () => {
  test('opens at the share of failures, and not below', () => {
    const { breaker, make } = breakerWith();
    make(11, 200);
    make(9, 'reset');
    expect(breaker.state).toBe('closed');
    make(1, 500);
    expect(breaker.state).toBe('closed');
    make(1, 500);
    expect(breaker.state).toBe('open');
  });

  test('never opens on fewer calls than it takes', () => {
    const { breaker, make } = breakerWith();
    make(19, 'connect-failure');
    expect(breaker.state).toBe('closed');
    make(1, 200);
    expect(breaker.state).toBe('open');
  });

  test('forgets what lies behind the window', async () => {
    const { breaker, make, time } = breakerWith();
    make(19, 503);
    await time.advance(10_000);
    make(1, 503);
    expect(breaker.state).toBe('closed');
  });

  test('endings that say nothing are no calls at all', () => {
    const { breaker, make } = breakerWith({ minimumCalls: 4 });
    make(3, 503);
    for (const how of ['aborted', 'closed', 'refused', 'overflow', 'invalid'] as const) {
      make(5, how);
    }
    expect(breaker.state).toBe('closed');
    make(1, 503);
    expect(breaker.state).toBe('open');
  });

  test('slow calls count where they are to', async () => {
    for (const [slowCallDuration, state] of [
      [0, 'closed'],
      [50, 'open'],
      [51, 'closed'],
    ] as const) {
      const { breaker, start, end, time } = breakerWith({ minimumCalls: 1, slowCallDuration });
      const call = start();
      await time.advance(51);
      end(call, 200);
      expect(breaker.state).toBe(state);
    }
  });
});

describe('open', () => {
  test('refuses until its time is over, and says how long that is', async () => {
    const { start, time, breaker } = opened();
    expect(start().refusedFor).toBe(5000);
    await time.advance(1000.5);
    expect(start().refusedFor).toBe(4000);
    await time.advance(3999.4);
    expect(start().refusedFor).toBe(1);
    expect(breaker.state).toBe('open');
    await time.advance(0.1);
    expect(start().refusedFor).toBe(0);
    expect(breaker.state).toBe('half-open');
    expect(breaker.stats()).toEqual({
      'circuit_breaker.open': 0,
      'circuit_breaker.half_open': 1,
      'circuit_breaker.opened_total': 1,
      'circuit_breaker.rejected_total': 3,
    });
  });

  test.each([
    [0, 5000],
    [0.5, 5500],
    [0.999, 5999],
  ])('chance %d makes it %d ms: jitter only lengthens', (chance, expected) => {
    expect(opened({ openTimeJitterPercent: 20 }, chance).start().refusedFor).toBe(expected);
  });

  test('has no timer', () => {
    expect(opened().time.pendingTimers).toBe(0);
  });

  test('calls that were under way when it opened have no say any more', async () => {
    const { breaker, start, end, make, time } = breakerWith({ minimumCalls: 2, halfOpenCalls: 2 });
    const early = [start(), start(), start(), start()] as const;
    make(2, 503);
    end(early[0], 200);
    expect(breaker.state).toBe('open');
    await time.advance(5000);
    const trial = start();
    end(early[1], 503);
    end(early[2], 503);
    expect(breaker.state).toBe('half-open');
    end(trial, 200);
    end(start(), 200);
    expect(breaker.state).toBe('closed');
    end(early[3], 503);
    make(1, 503);
    expect(breaker.state).toBe('closed');
  });
});

describe('half-open', () => {
  test('lets so many through at once, and refuses the others', async () => {
    const { start, end } = await onTrial({ halfOpenCalls: 3 });
    const trials = [start(), start(), start()] as const;
    expect(trials.map(({ refusedFor }) => refusedFor)).toEqual([0, 0, 0]);
    expect(start().refusedFor).toBe(5000);
    // One with a verdict has had its place.
    end(trials[0], 200);
    expect(start().refusedFor).toBe(5000);
  });

  test.each([
    [10, 50, 6, 5],
    [3, 50, 2, 2],
    [4, 50, 3, 2],
    [1, 1, 1, 1],
    [10, 100, 1, 10],
    [10, 1, 10, 1],
    [3, 34, 2, 2],
  ])(
    'of %i, with %i %%, %i successes close it and %i failures open it',
    async (halfOpenCalls, failurePercent, successes, failures) => {
      const good = await onTrial({ halfOpenCalls, failurePercent });
      good.make(successes - 1, 200);
      if (successes > 1) expect(good.breaker.state).toBe('half-open');
      good.make(1, 200);
      expect(good.breaker.state).toBe('closed');
      const bad = await onTrial({ halfOpenCalls, failurePercent });
      bad.make(failures - 1, 'timeout');
      if (failures > 1) expect(bad.breaker.state).toBe('half-open');
      bad.make(1, 'timeout');
      expect(bad.breaker.state).toBe('open');
    },
  );

  test('closed again, it counts anew', async () => {
    const { breaker, make } = await onTrial({ minimumCalls: 1, halfOpenCalls: 1 });
    make(1, 200);
    expect(breaker.state).toBe('closed');
    make(1, 200);
    make(1, 503);
    expect(breaker.state).toBe('open');
  });

  test.each(['aborted', 'closed', 'refused', 'overflow', 'unsendable', 'invalid'] as const)(
    'a call on trial that is %s frees its place',
    async (how) => {
      const { breaker, start, end } = await onTrial({ halfOpenCalls: 1 });
      for (let round = 0; round < 100; round++) {
        const trial = start();
        expect(trial.refusedFor).toBe(0);
        expect(start().refusedFor).toBe(5000);
        end(trial, how);
      }
      end(start(), 200);
      expect(breaker.state).toBe('closed');
    },
  );

  test('a call that was refused gives back nothing', async () => {
    const { start, end } = await onTrial({ halfOpenCalls: 1 });
    start();
    end(start(), 'circuit-open');
    expect(start().refusedFor).toBe(5000);
  });

  test('calls that do not end lose their place, and keep their say', async () => {
    const { breaker, start, end, time } = await onTrial({ halfOpenCalls: 2 });
    const endless = [start(), start()] as const;
    await time.advance(4999);
    expect(start().refusedFor).toBe(1);
    await time.advance(1);
    const second = start();
    expect(second.refusedFor).toBe(0);
    end(second, 200);
    expect(breaker.state).toBe('half-open');
    end(endless[0], 200);
    expect(breaker.state).toBe('closed');
    end(endless[1], 503);
    expect(breaker.state).toBe('closed');
  });

  test('calls that do not end and have their head are judged by that, once', async () => {
    const { breaker, start, head, end, time } = await onTrial({ halfOpenCalls: 3 });
    const streams = [start(), start(), start()] as const;
    head(streams[0], 200);
    head(streams[1], 500);
    await time.advance(5000);
    expect(start().refusedFor).toBe(0);
    expect(breaker.state).toBe('half-open');
    end(streams[1], 'body-cut');
    expect(breaker.state).toBe('half-open');
    end(streams[2], 200);
    expect(breaker.state).toBe('closed');
  });

  test('endless streams alone close it', async () => {
    const { breaker, start, head, time } = await onTrial({ halfOpenCalls: 2 });
    for (const stream of [start(), start()]) head(stream, 200);
    await time.advance(5000);
    expect(start().refusedFor).toBe(0);
    expect(breaker.state).toBe('closed');
  });

  test('the open time stays the same, or grows to its maximum and begins anew when it has closed', async () => {
    const rounds = async (own: Partial<BreakerPolicy>) => {
      const { start, end, time, make } = opened({ halfOpenCalls: 1, ...own });
      const waits: number[] = [];
      for (const how of [503, 503, 503, 200]) {
        waits.push(start().refusedFor);
        await time.advance(waits.at(-1) ?? 0);
        end(start(), how);
      }
      make(1, 503);
      return [...waits, start().refusedFor];
    };
    expect(await rounds({})).toEqual([5000, 5000, 5000, 5000, 5000]);
    expect(await rounds({ maxOpenTime: 15_000 })).toEqual([5000, 10_000, 15_000, 15_000, 5000]);
  });

  test('ten thousand trials that fail leave it at its maximum', async () => {
    const { breaker, start, end, time } = opened({ halfOpenCalls: 1, maxOpenTime: 60_000 });
    for (let round = 0; round < 10_000; round++) {
      await time.advanceTo(time.now() + start().refusedFor);
      end(start(), 503);
    }
    expect(start().refusedFor).toBe(60_000);
    expect(breaker.stats()).toMatchObject({ 'circuit_breaker.opened_total': 10_001 });
  }, 20_000);
});

describe('other figures', () => {
  test('leave its state as it is', async () => {
    const { breaker, start, time } = opened();
    breaker.setPolicy(breakerPolicy({ minimumCalls: 100, openTime: 60_000 }));
    expect(start().refusedFor).toBe(5000);
    await time.advance(5000);
    expect(start().refusedFor).toBe(0);
    breaker.setPolicy(breakerPolicy({ failurePercent: 90 }));
    expect(breaker.state).toBe('half-open');
  });

  test('keep what was counted, unless the window is another', () => {
    for (const [window, state] of [
      [10_000, 'open'],
      [20_000, 'closed'],
    ] as const) {
      const { breaker, make } = breakerWith({ minimumCalls: 20 });
      make(9, 503);
      breaker.setPolicy(breakerPolicy({ minimumCalls: 10, window }));
      make(1, 503);
      expect(breaker.state).toBe(state);
    }
  });

  test('judge the calls on trial at once, where fewer are enough', async () => {
    const { breaker, make } = await onTrial({ halfOpenCalls: 10 });
    make(2, 200);
    breaker.setPolicy(breakerPolicy({ halfOpenCalls: 2 }));
    expect(breaker.state).toBe('closed');
  });
});

describe('switched off', () => {
  test('it lets every call through, and closes', () => {
    const { breaker, start, make } = opened();
    breaker.setPolicy(undefined);
    expect(breaker.state).toBe('closed');
    expect(start().refusedFor).toBe(0);
    make(100, 503);
    expect(breaker.state).toBe('closed');
    expect(breaker.stats()).toMatchObject({
      'circuit_breaker.open': 0,
      'circuit_breaker.opened_total': 1,
    });
  });

  test('and on again, it counts anew, and calls of before have no say', () => {
    const { breaker, start, end, make } = breakerWith({ minimumCalls: 2 });
    make(1, 503);
    const early = start();
    breaker.setPolicy(undefined);
    const between = start();
    breaker.setPolicy(breakerPolicy({ minimumCalls: 2 }));
    end(early, 503);
    end(between, 503);
    make(1, 503);
    expect(breaker.state).toBe('closed');
    make(1, 503);
    expect(breaker.state).toBe('open');
  });

  test('one that was never on has no figures', () => {
    const { breaker } = breakerWith();
    expect(Object.values(breaker.stats())).toEqual([0, 0, 0, 0]);
    breaker.setPolicy(undefined);
    expect(breaker.stats()).toEqual({});
  });
});

describe('listeners', () => {
  test('are told of each change, with the time until calls are let through', async () => {
    const { events, make, time, start, breaker } = breakerWith({
      minimumCalls: 1,
      halfOpenCalls: 1,
    });
    const told: CircuitEvent[] = [];
    events.circuit.add((event) => told.push(event));
    make(1, 503);
    await time.advance(5000);
    make(1, 503);
    await time.advance(5000);
    make(1, 200);
    make(1, 503);
    breaker.setPolicy(undefined);
    start();
    const service = 'shop';
    expect(told).toEqual([
      { service, from: 'closed', to: 'open', retryAfterMs: 5000 },
      { service, from: 'open', to: 'half-open', retryAfterMs: 0 },
      { service, from: 'half-open', to: 'open', retryAfterMs: 5000 },
      { service, from: 'open', to: 'half-open', retryAfterMs: 0 },
      { service, from: 'half-open', to: 'closed', retryAfterMs: 0 },
      { service, from: 'closed', to: 'open', retryAfterMs: 5000 },
      { service, from: 'open', to: 'closed', retryAfterMs: 0 },
    ]);
  });

  test('may make calls and change the figures themselves', async () => {
    const taken = await onTrial({ halfOpenCalls: 1 });
    taken.events.circuit.add(({ to }) => {
      if (to === 'half-open') taken.start();
    });
    expect(taken.start().refusedFor).toBe(5000);

    const failing = await onTrial({ halfOpenCalls: 1 });
    failing.events.circuit.add(({ to }) => {
      if (to === 'half-open') failing.make(1, 503);
    });
    expect(failing.start().refusedFor).toBe(5000);
    expect(failing.breaker.state).toBe('open');

    const off = await onTrial();
    off.events.circuit.add(() => off.breaker.setPolicy(undefined));
    expect(off.start().refusedFor).toBe(0);
    expect(off.breaker.state).toBe('closed');
  });
});
