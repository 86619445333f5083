/** A fleet, and a client before it, that are gone when the test is over. */
import { onTestFinished } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import {
  loopbackFleet,
  type LoopbackFleet,
  type LoopbackFleetOptions,
} from '../../src/testing/index.js';
import { clientFor } from './client.js';

export async function fleetOf(options: LoopbackFleetOptions): Promise<LoopbackFleet> {
  const fleet = await loopbackFleet(options);
  onTestFinished(() => fleet.close());
  return fleet;
}

export async function shop(
  fleetOptions: LoopbackFleetOptions = { endpoints: 1 },
  clientOptions: ClientOptions = {},
): Promise<{ fleet: LoopbackFleet; client: ResilientClient }> {
  const fleet = await fleetOf(fleetOptions);
  const client = clientFor({
    service: fleetOptions.tls === undefined ? 'http://shop' : 'https://shop',
    endpoints: fleet.endpoints,
    ...clientOptions,
  });
  return { fleet, client };
}

/** Runs after the turn in which connections are given back. */
export async function afterThisTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
