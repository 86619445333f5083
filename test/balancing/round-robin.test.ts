import { describe, expect, it } from 'vitest';
import type { Balancer } from '../../src/balancing/balancer.js';
import { RoundRobin } from '../../src/balancing/round-robin.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { anyCall, countPicks, endpointsOf, seededChance, StillRuntime } from './fleet.js';

const roundRobin = (
  endpoints: readonly Endpoint[],
  {
    previous,
    runtime = new StillRuntime(() => 0),
  }: { previous?: Balancer; runtime?: StillRuntime },
): Balancer => new RoundRobin(endpoints, { runtime, previous });

const sequence = (balancer: Balancer, endpoints: readonly Endpoint[], picks: number) =>
  Array.from({ length: picks }, () => endpoints.indexOf(balancer.pick(anyCall) as Endpoint));

describe('RoundRobin', () => {
  it('picks each in turn', () => {
    const endpoints = endpointsOf(1, 1);
    expect(sequence(roundRobin(endpoints, {}), endpoints, 3)).toEqual([0, 1, 0]);
  });

  it('picks nothing from an empty list, and the only one from a list of one', () => {
    expect(roundRobin([], {}).pick(anyCall)).toBeUndefined();
    const endpoints = endpointsOf(3);
    expect(sequence(roundRobin(endpoints, {}), endpoints, 3)).toEqual([0, 0, 0]);
  });

  it.each([
    { form: 'plain', weights: [1, 1, 1, 1, 1] },
    { form: 'weighted', weights: [1, 1, 1, 1, 2] },
  ])('starts at a random place in its $form form', ({ weights }) => {
    const runtime = new StillRuntime(seededChance(7));
    const endpoints = endpointsOf(...weights);
    const starts = Array.from({ length: 200 }, () => roundRobin(endpoints, { runtime }));
    const firsts = starts.map((start) => endpoints.indexOf(start.pick(anyCall) as Endpoint));
    expect([...new Set(firsts)].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([
    { weights: [1, 2], picked: [1, 0, 1, 1, 0, 1] },
    { weights: [3, 1], picked: [0, 0, 1, 0] },
  ])('spreads the picks of weights $weights as $picked', ({ weights, picked }) => {
    const endpoints = endpointsOf(...weights);
    expect(sequence(roundRobin(endpoints, {}), endpoints, picked.length)).toEqual(picked);
  });

  it('gives 100,000 picks in exact proportion to the weights', () => {
    const seed = 3;
    const endpoints = endpointsOf(1, 2, 5, 2);
    const runtime = new StillRuntime(seededChance(seed));
    const counts = countPicks(roundRobin(endpoints, { runtime }), endpoints, 100_000);
    counts.forEach((count, i) => {
      // One pick more or less at either end, where several are due together.
      const expected = [10_000, 20_000, 50_000, 20_000][i] ?? 0;
      expect(Math.abs(count - expected), `seed ${seed}, endpoint ${i}`).toBeLessThanOrEqual(1);
    });
  });

  it('goes on where its predecessor was when an endpoint comes or goes', () => {
    const [a, b, c] = endpointsOf(1, 1, 1) as [Endpoint, Endpoint, Endpoint];
    const two = roundRobin([a, b], {});
    two.pick(anyCall);
    const three = roundRobin([a, b, c], { previous: two });
    expect(three.pick(anyCall)).toBe(b);
    const again = roundRobin([c, a], { previous: three });
    expect(again.pick(anyCall)).toBe(c);
    expect(again.pick(anyCall)).toBe(a);
  });

  it('goes on with the next one when the one whose turn it is goes', () => {
    const [a, b, c, d] = endpointsOf(1, 1, 1, 1) as [Endpoint, Endpoint, Endpoint, Endpoint];
    const four = roundRobin([a, b, c, d], {});
    four.pick(anyCall);
    expect(roundRobin([a, d], { previous: four }).pick(anyCall)).toBe(d);
    expect(roundRobin([a], { previous: four }).pick(anyCall)).toBe(a);
  });

  it('takes turns as before with the others while one goes and comes back', () => {
    const [a, b, c] = endpointsOf(1, 1, 1) as [Endpoint, Endpoint, Endpoint];
    let balancer = roundRobin([a, b, c], {});
    const others: (Endpoint | undefined)[] = [];
    for (let round = 0; round < 30; round++) {
      const list = round % 2 === 0 ? [a, b, c] : [a, b];
      balancer = roundRobin(list, { previous: balancer });
      for (let pick = 0; pick < (round % 5) + 1; pick++) others.push(balancer.pick(anyCall));
    }
    const turns = others.filter((picked) => picked !== c);
    turns.forEach((picked, i) => expect(picked).toBe([a, b][i % 2]));
  });

  it('goes on in its schedule when the list is built anew', () => {
    const endpoints = endpointsOf(1, 2, 4);
    const whole = sequence(roundRobin(endpoints, {}), endpoints, 21);
    let balancer = roundRobin(endpoints, {});
    const rebuilt = whole.map(() => {
      balancer = roundRobin(endpoints, { previous: balancer });
      return endpoints.indexOf(balancer.pick(anyCall) as Endpoint);
    });
    expect(rebuilt).toEqual(whole);
  });

  it('keeps its position while the list is empty', () => {
    const empty = roundRobin([], {});
    for (let i = 0; i < 4; i++) expect(empty.pick(anyCall)).toBeUndefined();
    const endpoints = endpointsOf(1, 1, 1);
    expect(roundRobin(endpoints, { previous: empty }).pick(anyCall)).toBe(endpoints[0]);
  });

  it('starts at a random place after another policy', () => {
    const endpoints = endpointsOf(1, 1, 1, 1);
    const previous: Balancer = { name: 'mine', pick: () => endpoints[0] };
    const runtime = new StillRuntime(() => 2 / 429_496_729);
    expect(roundRobin(endpoints, { previous, runtime }).pick(anyCall)).toBe(endpoints[2]);
  });
});
