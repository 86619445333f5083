/** Old servers end as in a deployment: once nobody is connected to them any more. */
import type { ResilientClient } from '../index.js';
import type { Fleet } from './fleet.js';
import type { Backend } from './fleet-messages.js';
import { type Patience, until } from './until.js';

export interface Retirement {
  /** Real milliseconds until the last connection was closed; undefined when patience was over first. */
  readonly after: number | undefined;
  /** Connections that were still open when they were stopped. */
  readonly left: number;
}

/** Waits until every connection to them is closed, and stops them. */
export async function retire(
  fleet: Fleet,
  all: readonly Backend[],
  old: readonly Backend[],
  patience: Patience,
): Promise<Retirement> {
  const open = async (): Promise<number> => sumOf(await fleet.connections(), all, old);
  const after = await until(async () => (await open()) === 0, patience);
  const left = await open();
  for (const { name } of old) await fleet.halt(name);
  return { after, left };
}

/** Closes the client; answers how many of its connections the servers still have then. */
export async function socketsLeft(
  client: ResilientClient,
  fleet: Fleet,
  patience: Patience,
): Promise<number> {
  await client.close();
  const open = async (): Promise<number> => sum(await fleet.connections());
  await until(async () => (await open()) === 0, patience);
  return open();
}

/** Of counts in the order of `all`, those of `some`. */
export function countsOf(
  counts: readonly number[],
  all: readonly Backend[],
  some: readonly Backend[],
): number[] {
  return some.map((backend) => counts[all.indexOf(backend)] ?? 0);
}

export function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function sumOf(
  counts: readonly number[],
  all: readonly Backend[],
  some: readonly Backend[],
): number {
  return sum(countsOf(counts, all, some));
}
