/** Pools over connections without sockets: what happens on each of them is told by hand. */
import { Cluster } from '../../src/cluster/cluster.js';
import { Counters } from '../../src/cluster/counters.js';
import { ClusterEvents, type OverflowEvent } from '../../src/cluster/events.js';
import { Limits, type PoolPolicy } from '../../src/cluster/limits.js';
import type { Attempt } from '../../src/core/attempt.js';
import { Call } from '../../src/core/call.js';
import * as drive from '../../src/core/drive.js';
import { failure } from '../../src/core/failure.js';
import { chainsFor } from '../../src/layers/chain.js';
import { defaultConnectionPool } from '../../src/options/read-connection-pool.js';
import { virtualRuntime, type VirtualRuntime } from '../../src/testing/virtual-runtime.js';
import { EndpointPool } from '../../src/transport/endpoint-pool.js';
import type { ConnectionPool, PooledConnection } from '../../src/transport/pooled-connection.js';
import { Releases } from '../../src/transport/releases.js';
import { NO_POLICY, Recorder } from '../core/scripted-upstream.js';

/** As `Connection`, without a wire. */
export class FakeConnection implements PooledConnection {
  attempt: Attempt | undefined = undefined;
  served = 0;
  lost = false;
  retired = false;
  idleSince = 0;
  isOpen = false;
  readonly isShared = false;
  readonly capacity = 1;
  holdsProcess = true;

  constructor(
    readonly number: number,
    readonly pool: ConnectionPool,
  ) {}

  get hasRoom(): boolean {
    return this.attempt === undefined;
  }

  open(): void {}

  ref(): void {
    this.holdsProcess = true;
  }

  unref(): void {
    this.holdsProcess = false;
  }

  send(attempt: Attempt): void {
    const { limits } = this.pool.share;
    this.attempt = attempt;
    this.served += 1;
    limits.requests += 1;
    const { maxRequestsPerConnection: most } = limits.policy;
    if (most > 0 && this.served >= most) this.retired = true;
    attempt.exchange = { cancel: () => this.withdraw(), pause() {}, resume() {} };
    drive.connected(attempt);
  }

  connect(): void {
    this.isOpen = true;
    this.pool.connected(this);
  }

  refuse(): void {
    this.pool.connectFailed(this, new Error('refused'));
  }

  /** Its exchange ends well. */
  answer(): void {
    const attempt = this.end();
    this.pool.giveBack(this, []);
    drive.head(attempt, 200, 'OK', []);
    drive.end(attempt, []);
  }

  /** It is cut off. */
  cut(): void {
    const { attempt } = this;
    if (attempt === undefined) {
      this.discard();
      return;
    }
    this.end();
    this.discard();
    drive.fail(attempt, failure('reset', 'UC', new Error('cut'), true));
  }

  withdraw(): void {
    this.end();
    this.discard();
  }

  endRest(now: number): void {
    if (this.lost || !this.hasRoom) return;
    this.idleSince = now;
    this.pool.takeBack(this);
  }

  discard(): void {
    if (this.lost) return;
    this.lost = true;
    this.pool.forget(this);
  }

  private end(): Attempt {
    const attempt = this.attempt as Attempt;
    this.attempt = undefined;
    this.pool.share.limits.requests -= 1;
    return attempt;
  }
}

export interface FakeCall {
  readonly call: Call;
  readonly recorder: Recorder;
}

/** A cluster of such pools, in which each call says itself which endpoint it wants. */
export class FakePools {
  readonly runtime: VirtualRuntime = virtualRuntime();
  readonly counters = new Counters();
  readonly limits: Limits;
  readonly cluster: Cluster;
  readonly pools: EndpointPool[] = [];
  /** Every connection that was made, by its number. */
  readonly connections: FakeConnection[] = [];
  readonly overflows: OverflowEvent[] = [];
  /** Called before a connection is made. */
  opening: (pool: ConnectionPool) => void = () => {};

  constructor(policy: Partial<PoolPolicy> = {}, endpoints = 1) {
    const { runtime, counters } = this;
    this.limits = new Limits({ ...defaultConnectionPool(), ...policy }, counters);
    const events = new ClusterEvents();
    events.overflow.add((event) => this.overflows.push(event));
    const share = { runtime, counters, limits: this.limits, releases: new Releases(runtime) };
    this.cluster = new Cluster({
      name: 'shop',
      service: new URL('http://shop'),
      runtime,
      balancer: (list) => ({
        name: 'by path',
        pick: (call) => list[Number(call.path.slice(1))],
      }),
      endpoints: Array.from({ length: endpoints }, (_, index) => ({
        url: `http://127.0.0.1:${index}`,
        weight: 1,
        locality: '',
        priority: 0,
        labels: {},
      })),
      counters,
      limits: this.limits,
      events,
      connect: (endpoint) => {
        const pool = new EndpointPool(
          (of) => this.#make(of),
          share,
          ({ option, value }) =>
            events.overflow.tell({
              service: 'shop',
              endpoint: endpoint.url,
              limit: `connectionPool.${option}`,
              value,
            }),
        );
        this.pools.push(pool);
        return pool;
      },
      idle: () => {},
    });
    this.cluster.chains = chainsFor(
      this.cluster,
      { runtime, callLayers: [], attemptLayers: [], around: undefined },
      { ...NO_POLICY, loadBalancer: () => undefined, envoyHeaders: false },
    );
  }

  #make(pool: ConnectionPool): FakeConnection {
    this.opening(pool);
    const connection = new FakeConnection(this.connections.length, pool);
    this.connections.push(connection);
    return connection;
  }

  /** A call to that endpoint. */
  start(endpoint = 0): FakeCall {
    const { usual } = this.cluster.chains;
    const recorder = new Recorder();
    const path = `/${endpoint}`;
    const call = new Call(usual, recorder, 'GET', path, [], null, undefined, usual.policy);
    this.cluster.start(call);
    return { call, recorder };
  }

  setLimits(policy: Partial<PoolPolicy>): void {
    this.limits.setPolicy({ ...this.limits.policy, ...policy });
    for (const pool of this.pools) pool.limitsChanged();
  }

  /** The turn ends, and with it the rest of connections. */
  async turn(): Promise<void> {
    await this.runtime.advance(0);
  }
}

/** Where a call stands. */
export function stateOf({ call, recorder }: FakeCall): string {
  if (recorder.failure !== undefined) {
    const { kind, overflow } = recorder.failure;
    return overflow === undefined ? kind : overflow.option;
  }
  if (call.ended) return 'answered';
  return call.attempts[0]?.connectedAt === -1 ? 'waiting' : 'running';
}
