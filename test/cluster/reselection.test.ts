/** The endpoint of a further attempt: one that the call has not tried, among those that may be chosen. */
import { describe, expect, test } from 'vitest';
import { Counters } from '../../src/cluster/counters.js';
import type { Endpoint } from '../../src/cluster/endpoint.js';
import { Rotation } from '../../src/cluster/rotation.js';
import type { Call } from '../../src/core/call.js';
import { endpointsOf, seededChance, StillRuntime } from '../balancing/fleet.js';

/** A balancer that always draws the first of its list, and the call that has tried these. */
function rotating(size: number, ...tried: readonly number[]) {
  const endpoints = endpointsOf(...Array.from({ length: size }, () => 1));
  let draws = 0;
  const runtime = new StillRuntime(seededChance(7));
  const rotation = new Rotation(
    endpoints,
    (list) => ({
      name: 'first',
      pick() {
        draws += 1;
        return list[0];
      },
    }),
    runtime,
    new Counters(),
  );
  const call = {
    attempts: tried.map((index) => ({ endpoint: endpoints[index] })),
  } as unknown as Call;
  const pick = (): number => {
    const first = rotation.pick(call) as Endpoint;
    return endpoints.indexOf(rotation.pickUntried(call, first));
  };
  return { endpoints, rotation, pick, draws: () => draws };
}

describe('a further attempt', () => {
  test('goes where the balancer says, when that has not been tried', () => {
    const { pick, draws } = rotating(3, 1);
    expect(pick()).toBe(0);
    expect(draws()).toBe(1);
  });

  test('goes elsewhere after five draws more', () => {
    const { pick, draws } = rotating(3, 0, 1);
    expect(pick()).toBe(2);
    expect(draws()).toBe(6);
  });

  test('goes to each of those that are left', () => {
    const { pick } = rotating(4, 0, 2);
    const picked = new Set(Array.from({ length: 50 }, pick));
    expect([...picked].sort()).toEqual([1, 3]);
  });

  test('never goes to one that is out, though it has not been tried', () => {
    const { endpoints, rotation, pick } = rotating(3, 0);
    (endpoints[1] as Endpoint).ejected = true;
    rotation.refresh();
    expect(new Set(Array.from({ length: 50 }, pick))).toEqual(new Set([2]));
  });

  test('nor to one that is held, while there are others', () => {
    const { endpoints, rotation, pick } = rotating(3, 0);
    (endpoints[1] as Endpoint).heldUntil = 1000;
    rotation.refresh();
    expect(new Set(Array.from({ length: 50 }, pick))).toEqual(new Set([2]));
  });

  test('goes to one that was tried, when all were that may be chosen', () => {
    const { endpoints, rotation, pick } = rotating(3, 0, 1);
    (endpoints[2] as Endpoint).ejected = true;
    rotation.refresh();
    expect(pick()).toBe(0);
  });
});
