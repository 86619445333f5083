/**
 * The pools of a cluster against a plain re-statement of Envoy's rules: whatever comes, goes, breaks and changes, the
 * limits hold, nobody waits while a place is free, nobody is forgotten, and the order is kept.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import { FakePools, stateOf, type FakeCall } from '../transport/fake-connections.js';

const RUNS = 1500;
const ENDPOINTS = 3;

interface ModelLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRequestsPerConnection: number;
}

interface ModelConnection {
  readonly number: number;
  readonly pool: number;
  open: boolean;
  served: number;
  call: number | undefined;
  /** Its place among those that have become free, in their order. */
  freed: number;
}

/** What should be the case, in the plainest words there are. */
class Model {
  readonly states = new Map<number, string>();
  connections: ModelConnection[] = [];
  lines: number[][] = Array.from({ length: ENDPOINTS }, () => []);
  starved: number[] = [];
  made = 0;
  freed = 0;
  overflowed = 0;

  constructor(public limits: ModelLimits) {}

  of(pool: number): ModelConnection[] {
    return this.connections.filter((connection) => connection.pool === pool);
  }

  arrive(call: number, pool: number): void {
    const [free] = this.of(pool)
      .filter((one) => one.open && one.call === undefined)
      .sort((one, other) => other.freed - one.freed);
    if (free !== undefined) {
      if (this.running() >= this.limits.maxRequests) this.states.set(call, 'maxRequests');
      else this.attach(call, free);
      return;
    }
    const waiting = this.lines.flat().length;
    const opensOwn =
      this.limits.maxPendingRequests === 0 && (this.spare(pool) > 0 || this.mayOpen(pool));
    if (waiting >= this.limits.maxPendingRequests && !opensOwn) {
      this.states.set(call, 'maxPendingRequests');
      return;
    }
    this.states.set(call, 'waiting');
    this.line(pool).push(call);
    const isFull = this.connections.length >= this.limits.maxConnections;
    if (this.spare(pool) < 0 && isFull) this.overflowed += 1;
    this.openFor(pool);
  }

  connected(connection: ModelConnection): void {
    connection.open = true;
    this.serve(connection);
  }

  refused(connection: ModelConnection): void {
    for (const call of this.line(connection.pool).splice(0)) {
      this.states.set(call, 'connect-failure');
    }
    this.gone(connection);
  }

  answered(connection: ModelConnection): void {
    this.states.set(connection.call as number, 'answered');
    connection.call = undefined;
    if (connection.served === Number.POSITIVE_INFINITY) this.gone(connection);
    else this.serve(connection);
  }

  cut(connection: ModelConnection, how: string): void {
    if (connection.call !== undefined) this.states.set(connection.call, how);
    this.gone(connection);
  }

  aborted(call: number): void {
    const connection = this.connections.find((one) => one.call === call);
    if (connection !== undefined) {
      this.cut(connection, 'aborted');
    } else if (this.states.get(call) === 'waiting') {
      this.states.set(call, 'aborted');
      this.lines = this.lines.map((line) => line.filter((one) => one !== call));
    }
  }

  change(limits: ModelLimits): void {
    this.limits = limits;
    this.feed();
  }

  private serve(connection: ModelConnection): void {
    connection.freed = ++this.freed;
    const line = this.line(connection.pool);
    while (line.length > 0) {
      const call = line.shift() as number;
      if (this.running() < this.limits.maxRequests) {
        this.attach(call, connection);
        return;
      }
      this.states.set(call, 'maxRequests');
    }
  }

  private attach(call: number, connection: ModelConnection): void {
    connection.call = call;
    connection.served += 1;
    // It serves no other, whatever the limit may be by then.
    const { maxRequestsPerConnection: most } = this.limits;
    if (most > 0 && connection.served >= most) {
      connection.served = Number.POSITIVE_INFINITY;
    }
    this.states.set(call, 'running');
  }

  private gone(connection: ModelConnection): void {
    this.connections = this.connections.filter((one) => one !== connection);
    this.feed();
    this.openFor(connection.pool);
  }

  private feed(): void {
    while (this.starved.length > 0 && this.connections.length < this.limits.maxConnections) {
      this.openFor(this.starved.shift() as number);
    }
  }

  private openFor(pool: number): void {
    while (this.spare(pool) < 0) {
      if (!this.mayOpen(pool)) {
        if (!this.starved.includes(pool)) this.starved.push(pool);
        return;
      }
      const number = this.made++;
      this.connections.push({ number, pool, open: false, served: 0, call: undefined, freed: 0 });
    }
  }

  /** Connections that are being made beyond those who wait. */
  private spare(pool: number): number {
    return this.of(pool).filter((one) => !one.open).length - this.line(pool).length;
  }

  private mayOpen(pool: number): boolean {
    return this.connections.length < this.limits.maxConnections || this.of(pool).length === 0;
  }

  private running(): number {
    return this.connections.filter(({ call }) => call !== undefined).length;
  }

  private line(pool: number): number[] {
    return this.lines[pool] as number[];
  }
}

const limits: fc.Arbitrary<ModelLimits> = fc.record({
  maxConnections: fc.integer({ min: 1, max: 4 }),
  maxPendingRequests: fc.integer({ min: 0, max: 4 }),
  maxRequests: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(1024)),
  maxRequestsPerConnection: fc.constantFrom(0, 0, 1, 2, 3),
});

const which = fc.nat({ max: 1000 });
const command = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('arrive' as const), which) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('connect' as const), which) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('answer' as const), which) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom('refuse' as const, 'cut' as const, 'abort' as const),
      which,
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('limits' as const), limits) },
);

/** Both sides by the side of each other. */
class Pair {
  readonly real: FakePools;
  readonly model: Model;
  readonly calls: FakeCall[] = [];

  constructor(start: ModelLimits) {
    this.real = new FakePools(start, ENDPOINTS);
    this.model = new Model(start);
    this.real.opening = (pool) => {
      const { counters, limits: real } = this.real;
      const open = (pool as unknown as { readonly size: { readonly open: number } }).size.open;
      // The one that is being made counts already.
      expect(counters.upstream_cx_active <= real.policy.maxConnections || open === 0).toBe(true);
    };
  }

  async obey([kind, what]: readonly [string, number | ModelLimits]): Promise<void> {
    if (typeof what === 'object') {
      this.real.setLimits(what);
      this.model.change(what);
    } else {
      this.act(kind, what);
    }
    await this.real.turn();
    this.compare();
  }

  private act(kind: string, index: number): void {
    const { model, real } = this;
    const pick = (from: readonly ModelConnection[]) => from[index % Math.max(from.length, 1)];
    const connecting = pick(model.connections.filter((one) => !one.open));
    const open = pick(model.connections.filter((one) => one.open));
    const busy = pick(model.connections.filter(({ call }) => call !== undefined));
    const realOf = (one: ModelConnection) =>
      real.connections[one.number] as (typeof real.connections)[number];
    if (kind === 'arrive') {
      model.arrive(this.calls.length, index % ENDPOINTS);
      this.calls.push(real.start(index % ENDPOINTS));
    } else if (kind === 'connect' && connecting !== undefined) {
      realOf(connecting).connect();
      model.connected(connecting);
    } else if (kind === 'refuse' && connecting !== undefined) {
      realOf(connecting).refuse();
      model.refused(connecting);
    } else if (kind === 'answer' && busy !== undefined) {
      realOf(busy).answer();
      model.answered(busy);
    } else if (kind === 'cut' && open !== undefined) {
      realOf(open).cut();
      model.cut(open, 'reset');
    } else if (kind === 'abort' && this.calls.length > 0) {
      const call = index % this.calls.length;
      drive.abort((this.calls[call] as FakeCall).call, new Error('enough'));
      model.aborted(call);
    }
  }

  private compare(): void {
    const { model, real } = this;
    expect(this.calls.map(stateOf)).toEqual(this.calls.map((_, call) => model.states.get(call)));
    const live = real.connections.filter(({ lost }) => !lost).map(({ number }) => number);
    expect(live).toEqual(model.connections.map(({ number }) => number));
    expect(real.pools.map(({ waiting }) => waiting)).toEqual(
      model.lines.map((line) => line.length),
    );
    const running = model.connections.filter(({ call }) => call !== undefined);
    expect(real.limits.requests).toBe(running.length);
    const { counters } = real;
    expect(counters.upstream_cx_active).toBe(model.connections.length);
    expect(counters.upstream_cx_total).toBe(model.made);
    expect(counters.upstream_cx_overflow).toBe(model.overflowed);
    expect(counters.upstream_rq_pending_active).toBe(model.lines.flat().length);
    const states = [...model.states.values()];
    const count = (state: string) => states.filter((one) => one === state).length;
    expect(counters.upstream_rq_pending_overflow).toBe(count('maxPendingRequests'));
    expect(counters.upstream_rq_active_overflow).toBe(count('maxRequests'));
    expect(counters.upstream_rq_pending_failure_eject).toBe(count('connect-failure'));
  }

  /** Everything that is left is answered, and nothing is left of it. */
  async end(): Promise<void> {
    for (let round = 0; this.real.cluster.activeCalls > 0; round++) {
      expect(round).toBeLessThan(1000);
      const connecting = this.model.connections.find((one) => !one.open);
      await this.obey([connecting === undefined ? 'answer' : 'connect', 0]);
    }
    expect(this.real.limits.requests).toBe(0);
    expect(this.real.counters.upstream_rq_active).toBe(0);
    expect(this.real.cluster.endpoints.map(({ active }) => active)).toEqual([0, 0, 0]);
    this.real.cluster.destroy(undefined);
    expect(this.real.counters.upstream_cx_active).toBe(0);
    expect(this.real.runtime.pendingTimers).toBe(0);
  }
}

test('random arrivals, answers, losses, aborts and changes of the limits', async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.array(command, { maxLength: 60 }), async (start, commands) => {
      const pair = new Pair(start);
      for (const one of commands) await pair.obey(one);
      await pair.end();
    }),
    { numRuns: RUNS },
  );
}, 120_000);
