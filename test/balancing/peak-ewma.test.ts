import { beforeEach, describe, expect, it } from 'vitest';
import type { AttemptResult, Balancer } from '../../src/balancing/balancer.js';
import { PeakEwma } from '../../src/balancing/peak-ewma.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import {
  anyCall,
  answersIn,
  cancelledAfter,
  countPicks,
  endpointsOf,
  failsIn,
  seededChance,
  StillRuntime,
} from './fleet.js';

const decayTime = 10_000;
let runtime: StillRuntime;

beforeEach(() => {
  runtime = new StillRuntime(seededChance(17));
});

const peakEwma = (endpoints: readonly Endpoint[], previous?: Balancer): Balancer =>
  new PeakEwma({ decayTime }, endpoints, { runtime, previous });

function pairOf(weights: readonly [number, number] = [1, 1]) {
  const [a, b] = endpointsOf(...weights) as [Endpoint, Endpoint];
  return { a, b, balancer: peakEwma([a, b]) };
}

/** An attempt that ends this very moment, whatever time it says it took. */
function attempt(balancer: Balancer, endpoint: Endpoint, result: AttemptResult): void {
  endpoint.active++;
  balancer.started?.(endpoint);
  endpoint.active--;
  balancer.ended?.(endpoint, result);
}

/** An attempt that goes on. */
function begin(balancer: Balancer, endpoint: Endpoint): void {
  endpoint.active++;
  balancer.started?.(endpoint);
}

function end(balancer: Balancer, endpoint: Endpoint, result: AttemptResult): void {
  endpoint.active--;
  balancer.ended?.(endpoint, result);
}

/** The one of two endpoints that is cheaper: every pick compares both, so one gets them all. */
function cheaper(balancer: Balancer, a: Endpoint, b: Endpoint): 'a' | 'b' | 'either' {
  const [picks] = countPicks(balancer, [a, b], 40);
  return picks === 40 ? 'a' : picks === 0 ? 'b' : 'either';
}

describe('PeakEwma', () => {
  it('picks nothing from an empty list, and the only one from a list of one', () => {
    expect(peakEwma([]).pick(anyCall)).toBeUndefined();
    const [a] = endpointsOf(1) as [Endpoint];
    expect(peakEwma([a]).pick(anyCall)).toBe(a);
  });

  it.each([
    { a: [100, 0], b: [101, 0], expected: 'a' },
    { a: [100, 1], b: [199, 0], expected: 'b' },
    { a: [100, 1], b: [201, 0], expected: 'a' },
    { a: [100, 9], b: [400, 1], expected: 'b' },
    { a: [100, 9], b: [400, 2], expected: 'a' },
    { a: [100, 3], b: [100, 3], expected: 'either' },
  ] as const)('multiplies latency by active attempts and one: $a against $b', (example) => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(example.a[0]));
    attempt(balancer, b, answersIn(example.b[0]));
    a.active = example.a[1];
    b.active = example.b[1];
    expect(cheaper(balancer, a, b)).toBe(example.expected);
  });

  it('always compares two different endpoints, each as often as the others', () => {
    const seed = 17;
    const endpoints = endpointsOf(1, 1, 1, 1);
    const balancer = peakEwma(endpoints);
    endpoints.forEach((endpoint, i) => attempt(balancer, endpoint, answersIn(10 + i)));
    // The cheapest wins each of its pairs, the dearest none.
    const shares = countPicks(balancer, endpoints, 60_000).map((count) => count / 60_000);
    [3 / 6, 2 / 6, 1 / 6, 0].forEach((share, i) => {
      expect(shares[i], `seed ${seed}, endpoint ${i}`).toBeCloseTo(share, 2);
    });
    expect(shares[3]).toBe(0);
  });

  it.each([
    { b: 399, expected: 'b' },
    { b: 401, expected: 'a' },
  ])('takes a higher latency at once: 400 against $b', ({ b: other, expected }) => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(10));
    attempt(balancer, a, answersIn(400));
    attempt(balancer, b, answersIn(other));
    expect(cheaper(balancer, a, b)).toBe(expected);
  });

  it.each([
    { b: 431, expected: 'b' },
    { b: 432, expected: 'a' },
  ])('comes down to a lower latency with time: 431.1 against $b', ({ b: other, expected }) => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(1000));
    runtime.time += decayTime;
    attempt(balancer, a, answersIn(100)); // 1000 / e + 100 * (1 - 1 / e)
    attempt(balancer, b, answersIn(other));
    expect(cheaper(balancer, a, b)).toBe(expected);
  });

  it.each([
    { b: 367, expected: 'b' },
    { b: 369, expected: 'a' },
  ])('forgets while nothing is heard: 1000 / e against $b', ({ b: other, expected }) => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(1000));
    runtime.time += decayTime;
    attempt(balancer, b, answersIn(other));
    expect(cheaper(balancer, a, b)).toBe(expected);
  });

  it('tries an endpoint that was slow again after a while', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(1000));
    let waited = 0;
    for (;;) {
      attempt(balancer, b, answersIn(100));
      if (cheaper(balancer, a, b) === 'a') break;
      runtime.time += 100;
      waited += 100;
    }
    expect(waited).toBe(Math.ceil((decayTime * Math.log(10)) / 100) * 100);
  });

  it('tells endpoints apart by their load even if the clock stands still', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(0));
    attempt(balancer, b, answersIn(0));
    a.active = 1;
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('reads the clock once for each pick and each end, and at a start only for a new endpoint', () => {
    const { a, balancer } = pairOf();
    const readingsOf = (event: () => unknown) => {
      const before = runtime.readings;
      event();
      return runtime.readings - before;
    };
    expect(readingsOf(() => balancer.pick(anyCall))).toBe(1);
    expect(readingsOf(() => begin(balancer, a))).toBe(1);
    expect(readingsOf(() => begin(balancer, a))).toBe(0);
    expect(readingsOf(() => end(balancer, a, answersIn(5)))).toBe(1);
    expect(readingsOf(() => end(balancer, a, failsIn(5)))).toBe(1);
    expect(readingsOf(() => peakEwma([a]).pick(anyCall))).toBe(0);
  });
});

describe('PeakEwma and new endpoints', () => {
  it('probes a new endpoint first, and waits for its answer before it sends more', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    expect(cheaper(balancer, a, b)).toBe('a');
    begin(balancer, a);
    b.active = 20;
    expect(cheaper(balancer, a, b)).toBe('b');
    end(balancer, a, answersIn(100));
    expect(cheaper(balancer, a, b)).toBe('a');
    a.active = 21;
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('takes the first answer as it is', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    attempt(balancer, a, answersIn(99));
    expect(cheaper(balancer, a, b)).toBe('a');
    attempt(balancer, b, answersIn(98));
    expect(cheaper(balancer, a, b)).toBe('a');
  });

  it('spreads by active attempts while nobody has answered', () => {
    const { a, b, balancer } = pairOf();
    begin(balancer, a);
    expect(cheaper(balancer, a, b)).toBe('b');
    begin(balancer, b);
    begin(balancer, b);
    expect(cheaper(balancer, a, b)).toBe('a');
  });

  it('treats an endpoint that is still busy with its first attempt as a usual one in the end', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    begin(balancer, a);
    runtime.time += 10 * decayTime;
    attempt(balancer, b, answersIn(100));
    b.active = 2;
    expect(cheaper(balancer, a, b)).toBe('a');
    a.active = 3;
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('keeps in mind what is usual when the list changes', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(100));
    const [c] = endpointsOf(1) as [Endpoint];
    const rebuilt = peakEwma([b, c], balancer);
    begin(rebuilt, c);
    b.active = 30; // 100 * 31 against 100 * 16 * 2
    expect(countPicks(rebuilt, [b, c], 40)).toEqual([40, 0]);
    b.active = 32;
    expect(countPicks(rebuilt, [b, c], 40)).toEqual([0, 40]);
  });

  it('knows an endpoint that stays in the list, and not one that has come back', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(300));
    const [c] = endpointsOf(1) as [Endpoint];
    const rebuilt = peakEwma([b, c], balancer);
    attempt(rebuilt, c, answersIn(200));
    expect(countPicks(rebuilt, [b, c], 40)).toEqual([0, 40]);
    const [again] = endpointsOf(1) as [Endpoint];
    const third = peakEwma([again, c], rebuilt);
    expect(countPicks(third, [again, c], 40)).toEqual([40, 0]);
  });

  it('takes attempts that another policy began for probes', () => {
    const [a, b] = endpointsOf(1, 1) as [Endpoint, Endpoint];
    a.active = 3;
    const balancer = peakEwma([a, b]);
    attempt(balancer, b, answersIn(100));
    b.active = 5;
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('leaves what another policy remembers of an endpoint alone', () => {
    const [a] = endpointsOf(1) as [Endpoint];
    const balancer = peakEwma([a]);
    a.balancing = 'mine';
    attempt(balancer, a, answersIn(100));
    expect(a.balancing).toBe('mine');
  });
});

describe('PeakEwma and failures', () => {
  it.each([0.1, 1, 50, 99])('does not take a failure after %d ms for a fast answer', (latency) => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    attempt(balancer, a, failsIn(latency));
    expect(cheaper(balancer, a, b)).toBe('b');
    b.active = 30;
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('makes an endpoint dearer with each failure, and cheaper with each success', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(100));
    /** How many active attempts the other needs until the first is picked. */
    const worth = () => {
      for (b.active = 0; b.active < 5000; b.active++) {
        if (cheaper(balancer, a, b) === 'a') return b.active;
      }
      return Infinity;
    };
    const worths = [failsIn(1), failsIn(1), failsIn(1), answersIn(100), answersIn(100)].map(
      (result) => {
        attempt(balancer, a, result);
        return worth();
      },
    );
    // The other is as dear with 1, 3 and 7 active attempts; with one more it is dearer.
    expect(worths).toEqual([2, 4, 8, 4, 2]);
    for (let i = 0; i < 100; i++) attempt(balancer, a, failsIn(1));
    expect(worth()).toBe(1024);
  });

  it('counts a slow failure by its time', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(100));
    attempt(balancer, a, failsIn(500));
    b.active = 9; // 100 * 10 against 500 * 2
    expect(cheaper(balancer, a, b)).toBe('either');
  });

  it('never lets a failure lower what an endpoint has shown', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(1));
    attempt(balancer, a, answersIn(5000));
    attempt(balancer, a, failsIn(1));
    b.active = 9998; // 1 * 9999 against 5000 * 2
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('finds an endpoint again some time after its last failure', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(100));
    for (let i = 0; i < 50; i++) attempt(balancer, a, failsIn(1));
    let waited = 0;
    do {
      runtime.time += 1000;
      waited += 1000;
      attempt(balancer, b, answersIn(100));
    } while (cheaper(balancer, a, b) !== 'a');
    // Latency and penalty both fade: x * (1 + 1023 * x) = 1 at x = 0.0308, after 3.48 decay times.
    expect(waited).toBe(35_000);
  });
});

describe('PeakEwma and attempts without an outcome', () => {
  it.each([
    { cancelledAt: 1, otherwise: 99, expected: 'b' },
    { cancelledAt: 99, otherwise: 101, expected: 'a' },
    { cancelledAt: 400, otherwise: 399, expected: 'b' },
    { cancelledAt: 400, otherwise: 401, expected: 'a' },
  ])(
    'takes an attempt given up after $cancelledAt ms for a lower bound: against $otherwise',
    ({ cancelledAt, otherwise, expected }) => {
      const { a, b, balancer } = pairOf();
      attempt(balancer, a, answersIn(100));
      attempt(balancer, a, cancelledAfter(cancelledAt));
      attempt(balancer, b, answersIn(otherwise));
      expect(cheaper(balancer, a, b)).toBe(expected);
    },
  );

  it.each([
    { other: 999, expected: 'b' },
    { other: 1001, expected: 'a' },
  ])(
    'a loser that shows the fading wrong brings back what was known: 1000 against $other',
    (example) => {
      const { a, b, balancer } = pairOf();
      attempt(balancer, a, answersIn(1000));
      runtime.time += 2 * decayTime; // 1000 has faded to 135
      attempt(balancer, a, cancelledAfter(300));
      attempt(balancer, b, answersIn(example.other));
      expect(cheaper(balancer, a, b)).toBe(example.expected);
    },
  );

  it('probes again when a probe was given up early', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    begin(balancer, a);
    begin(balancer, a);
    end(balancer, a, cancelledAfter(20));
    expect(cheaper(balancer, a, b)).toBe('b');
    end(balancer, a, cancelledAfter(20));
    expect(cheaper(balancer, a, b)).toBe('a');
  });

  it('learns from a probe that was given up late', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    attempt(balancer, a, cancelledAfter(2000));
    b.active = 10;
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('learns nothing from an attempt given up early beside a probe that goes on', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    begin(balancer, a);
    runtime.time += 5 * decayTime;
    attempt(balancer, b, answersIn(100));
    attempt(balancer, a, cancelledAfter(20));
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('forgets a peak even while an attempt goes on for long', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, b, answersIn(100));
    attempt(balancer, a, answersIn(5000));
    begin(balancer, a);
    runtime.time += 10 * decayTime;
    attempt(balancer, b, answersIn(100));
    b.active = 2; // 100 * 3 against 100 * 2
    expect(cheaper(balancer, a, b)).toBe('a');
  });

  it('does not take an endpoint that hangs for one that has become fast', () => {
    const { a, b, balancer } = pairOf();
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(100));
    begin(balancer, a);
    runtime.time += 100 * decayTime;
    attempt(balancer, b, answersIn(100));
    expect(cheaper(balancer, a, b)).toBe('b');
    b.active = 1;
    expect(cheaper(balancer, a, b)).toBe('either');
  });
});

describe('PeakEwma with weights', () => {
  it('lets an endpoint of double weight carry twice as many attempts at the same cost', () => {
    const { a, b, balancer } = pairOf([1, 2]);
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(100));
    expect(cheaper(balancer, a, b)).toBe('either');
    for (let i = 0; i < 300; i++) begin(balancer, balancer.pick(anyCall) as Endpoint);
    expect([a.active, b.active]).toEqual([100, 200]);
  });

  it('means the same by weights of 1 and 2 as by weights of 100 and 200', () => {
    const { a, b, balancer } = pairOf([100, 200]);
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(100));
    for (let i = 0; i < 300; i++) begin(balancer, balancer.pick(anyCall) as Endpoint);
    expect([a.active, b.active]).toEqual([100, 200]);
  });

  it('counts active attempts in full when all weights are equal, however large', () => {
    const { a, b, balancer } = pairOf([500, 500]);
    attempt(balancer, a, answersIn(100));
    attempt(balancer, b, answersIn(150));
    a.active = 1;
    expect(cheaper(balancer, a, b)).toBe('b');
  });

  it('draws heavy endpoints more often, and never one twice', () => {
    const endpoints = endpointsOf(1, 1, 1, 1, 1, 1, 1, 1, 1000);
    const balancer = peakEwma(endpoints);
    endpoints.forEach((endpoint, i) => attempt(balancer, endpoint, answersIn(100 + i)));
    const counts = countPicks(balancer, endpoints, 10_000);
    // The heavy one is drawn nearly always, so it is compared nearly always; it is the dearest and never wins.
    expect(counts[8]).toBe(0);
    for (const count of counts.slice(0, 8)) expect(count / 10_000).toBeCloseTo(1 / 8, 1);
  });
});
