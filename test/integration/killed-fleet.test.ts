/** A thousand calls in flight while the whole fleet is killed and comes back, three times, on the same ports. */
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { ClientOptions, ResilientClient, ResilientRequestInit } from '../../src/index.js';
import {
  loopbackFleet,
  type LoopbackFleet,
  type PlanFunction,
  type Step,
} from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

const IN_FLIGHT = 1000;
/** Some of them are between two calls at any one time. */
const CALLERS = 1100;
const KILLS = 3;
const ENDPOINTS = 4;
const LIMITS = { maxConnections: 100, maxPendingRequests: 2 * CALLERS, maxRequests: 300 };

const STEPS: readonly Step[] = [200, 200, 200, 503, { delay: 2, body: { size: 100_000 } }, 'close'];
const plan: PlanFunction = (_index, _request, random) =>
  STEPS[Math.floor(random() * STEPS.length)] ?? 200;

const INITS: readonly ResilientRequestInit[] = [
  {},
  { method: 'HEAD' },
  { method: 'POST', body: 'order' },
  { method: 'PUT', body: () => new Blob(['order']).stream(), duplex: 'half' },
  { resilience: { retry: false } },
];

/** Keeps so many calls in flight until it is told to stop. */
class Callers {
  started = 0;
  readonly outcomes = new Map<string | number, number>();
  readonly #client: ResilientClient;
  #stopped = false;
  readonly #all: Promise<void>[];

  constructor(client: ResilientClient, count: number) {
    this.#client = client;
    this.#all = Array.from({ length: count }, () => this.#callOn());
  }

  get settled(): number {
    return [...this.outcomes.values()].reduce((sum, times) => sum + times, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#all);
  }

  async #callOn(): Promise<void> {
    while (!this.#stopped) {
      const init = INITS[this.started++ % INITS.length];
      const outcome = await outcomeOf(this.#client.fetch('/', init));
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      // Refusals come without any turn of the event loop.
      await setImmediate();
    }
  }
}

async function kill(fleet: LoopbackFleet): Promise<void> {
  await Promise.all(fleet.servers.map((server) => server.refuse()));
  for (const server of fleet.servers) server.dropConnections('reset');
}

/** Polls with time to spare: how fast all this goes is not what is tested. */
const eventually = (read: () => number) => expect.poll(read, { timeout: 20_000, interval: 5 });

test.each<[string, ClientOptions]>([
  ['retries', { retry: { backoff: { baseInterval: 1 } } }],
  [
    'retries, hedges and outlier detection',
    {
      retry: { backoff: { baseInterval: 1 }, perTryTimeout: '5s' },
      hedge: { delay: 20 },
      outlierDetection: { interval: '20ms', baseEjectionTime: '20ms', maxEjectionPercent: 100 },
    },
  ],
])('%s', { timeout: 100_000 }, async (_what, options) => {
  const fleet = await loopbackFleet({ endpoints: ENDPOINTS, plan });
  onTestFinished(() => fleet.close());
  const client = clientFor({
    service: 'http://shop',
    endpoints: fleet.endpoints,
    connectionPool: LIMITS,
    ...options,
  });
  const callers = new Callers(client, CALLERS);
  for (let round = 0; round < KILLS; round++) {
    const settled = callers.settled;
    await eventually(() => callers.settled).toBeGreaterThan(settled + IN_FLIGHT);
    expect(callers.started - callers.settled).toBeGreaterThanOrEqual(IN_FLIGHT);
    const failed = stat(client, 'upstream_cx_connect_fail');
    await kill(fleet);
    await eventually(() => stat(client, 'upstream_cx_connect_fail')).toBeGreaterThan(failed + 20);
    await Promise.all(fleet.servers.map((server) => server.accept()));
  }
  const answered = callers.outcomes.get(200) ?? 0;
  await eventually(() => callers.outcomes.get(200) ?? 0).toBeGreaterThan(answered + IN_FLIGHT);
  await callers.stop();

  expect(callers.settled).toBe(callers.started);
  for (const outcome of callers.outcomes.keys()) {
    expect([200, 503, 'TypeError', 'NoHealthyEndpointError', 'OverflowError']).toContain(outcome);
  }
  // Each of the three has been felt.
  expect(callers.outcomes.get('TypeError')).toBeGreaterThan(KILLS);
  expect(stat(client, 'upstream_rq_pending_failure_eject')).toBeGreaterThan(KILLS * 20);

  await expectNothingHeld(client, LIMITS);
  await fleet.connectionsAre(stat(client, 'upstream_cx_active'));
  fleet.plan(200);
  await eventually(() => client.endpoints().filter(({ healthy }) => healthy).length).toBe(
    ENDPOINTS,
  );
  const seen = fleet.servers.map(({ requests }) => requests.length);
  const calls = Array.from({ length: 200 }, () => outcomeOf(client.fetch('/')));
  expect(await Promise.all(calls)).toEqual(Array(200).fill(200));
  fleet.servers.forEach(({ requests }, index) => {
    expect(requests.length).toBeGreaterThan((seen[index] ?? 0) + 20);
  });
  await expectNothingHeld(client, LIMITS);
});
