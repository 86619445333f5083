/** What tests of the connection pool ask again and again. */
import { expect } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import { hold, type Hold, type LoopbackFleet, type Plan } from '../../src/testing/index.js';
import { afterThisTurn, shop } from './fleet.js';

/** A counter or gauge of the service `http://shop`. */
export function stat(client: ResilientClient, name: string, service = 'shop'): number {
  return client.stats()[`cluster.${service}.${name}`] ?? NaN;
}

/** So many at once; each with its status, or with the name of its error. */
export function callsAtOnce(
  client: ResilientClient,
  count: number,
  init?: Parameters<ResilientClient['fetch']>[1],
): Promise<string | number>[] {
  return Array.from({ length: count }, (_, index) => outcomeOf(client.fetch(`/${index}`, init)));
}

/** The status of an answer that has been read, or the name of the error. */
export async function outcomeOf(call: Promise<Response>): Promise<string | number> {
  try {
    const response = await call;
    await response.text();
    return response.status;
  } catch (error) {
    return (error as Error).name;
  }
}

/** Nobody waits, nothing runs, every limit is free again, and only what waits for work is open. */
export async function expectNothingHeld(
  client: ResilientClient,
  limits: { readonly maxRequests?: number; readonly maxPendingRequests?: number } = {},
): Promise<void> {
  await afterThisTurn();
  for (const { active, connections } of client.endpoints()) {
    expect(active).toBe(0);
    expect(connections.open).toBe(connections.idle);
  }
  const { maxRequests = 1024, maxPendingRequests = 1024 } = limits;
  expect(stat(client, 'upstream_rq_active')).toBe(0);
  expect(stat(client, 'upstream_rq_pending_active')).toBe(0);
  expect(stat(client, 'circuit_breakers.default.remaining_rq')).toBe(maxRequests);
  expect(stat(client, 'circuit_breakers.default.remaining_pending')).toBe(maxPendingRequests);
  const open = client.endpoints().reduce((sum, { connections }) => sum + connections.open, 0);
  expect(stat(client, 'upstream_cx_active')).toBe(open);
}

export interface Busy {
  readonly fleet: LoopbackFleet;
  readonly client: ResilientClient;
  readonly gate: Hold;
  /** What becomes of the call that has the connection. */
  readonly first: Promise<string | number>;
}

/** One connection, which a call keeps busy until the gate is opened; then the plan holds. */
export async function busy(
  options: ClientOptions = {},
  then: Plan = 200,
  endpoints = 1,
): Promise<Busy> {
  const gate = hold();
  const { fleet, client } = await shop(
    { endpoints, plan: gate.step },
    { ...options, connectionPool: { maxConnections: 1, ...options.connectionPool } },
  );
  const first = outcomeOf(client.fetch('/first'));
  await fleet.requestReceived();
  fleet.plan(then);
  return { fleet, client, gate, first };
}
