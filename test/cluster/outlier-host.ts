/** Outlier detection by itself: endpoints that are told of results, and what is heard of them. */
import { Endpoint } from '../../src/cluster/endpoint.js';
import { ClusterEvents } from '../../src/cluster/events.js';
import { OutlierDetection } from '../../src/cluster/outlier-detection.js';
import type { OutlierPolicy } from '../../src/cluster/outlier-policy.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { outlierPolicy } from '../support/virtual-cluster.js';

export class OutlierHost {
  readonly name = 'shop';
  readonly runtime;
  readonly events = new ClusterEvents();
  endpoints: Endpoint[];
  readonly outliers: OutlierDetection;
  /** Ejections and returns, in order. */
  readonly log: string[] = [];
  /** How often the cluster was told that the health of endpoints has changed. */
  changes = 0;
  /** The endpoints whose connections were closed, in order. */
  readonly drained: number[] = [];

  constructor(policy: Partial<OutlierPolicy> = {}, endpoints = 3, seed = 1) {
    this.runtime = virtualRuntime({ seed });
    this.endpoints = Array.from({ length: endpoints }, (_, index) => this.newEndpoint(index));
    this.outliers = new OutlierDetection(this);
    this.outliers.setPolicy(outlierPolicy(policy));
    this.events.ejection.add(({ endpoint, reason, ejectionTime, ejections }) => {
      this.log.push(`${endpoint.slice(-1)} out: ${reason}, ${ejectionTime} ms, ${ejections}`);
    });
    this.events.return.add(({ endpoint, reason, ejectedFor }) => {
      this.log.push(`${endpoint.slice(-1)} back: ${reason} after ${ejectedFor} ms`);
    });
  }

  newEndpoint(index: number): Endpoint {
    const endpoint = new Endpoint(
      { url: `http://e${index}`, weight: 1, locality: '', priority: 0, labels: {} },
      0,
    );
    endpoint.sender = {
      send() {},
      size: { open: 0, idle: 0 },
      isConnected: false,
      waiting: 0,
      limitsChanged() {},
      drain: () => void this.drained.push(index),
      renew() {},
      leave() {},
      destroy() {},
    };
    return endpoint;
  }

  healthChanged(): void {
    this.changes += 1;
  }

  at(index: number): Endpoint {
    return this.endpoints[index] as Endpoint;
  }

  /** Heads of this endpoint, one after the other. */
  answer(index: number, ...statuses: readonly number[]): void {
    for (const status of statuses) this.outliers.answered(this.at(index), status);
  }

  /** So many of the same. */
  answers(index: number, status: number, times: number): void {
    for (let time = 0; time < times; time++) this.answer(index, status);
  }

  /** Failures on the way. */
  fail(index: number, ...statuses: readonly number[]): void {
    for (const status of statuses) this.outliers.failed(this.at(index), status);
  }

  get ejected(): number[] {
    return this.endpoints.flatMap(({ ejected }, index) => (ejected ? [index] : []));
  }

  /** One of the counters, without its prefix. */
  count(counter: string): number | undefined {
    return this.outliers.stats()[`outlier_detection.${counter}`];
  }

  /** Those that are not 0. */
  get counted(): Record<string, number> {
    const all = Object.entries(this.outliers.stats()).filter(([, times]) => times !== 0);
    return Object.fromEntries(
      all.map(([name, times]) => [name.replace('outlier_detection.ejections_', ''), times]),
    );
  }
}
