/** Real servers on loopback that fail as they are told to. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { seededRandom } from '../seeded-random.js';
import { checkKeys } from './check-plan.js';
import type { Plan } from './plan.js';
import type { ReceivedRequest } from './request-record.js';
import {
  FleetServer,
  type LoopbackEndpoint,
  type LoopbackServer,
  type ServerParts,
} from './server.js';
import { Waiters } from './waiters.js';

/** One server of a fleet that is to be made. */
export interface LoopbackServerOptions {
  /** Default: `server-1`, `server-2`, … by its place in the list. */
  readonly name?: string;
  /** What it does with its requests. Default: the fleet's plan. */
  readonly plan?: Plan;
  /** Speaks TLS with this key and certificate. Default: the fleet's. */
  readonly tls?: TlsOptions;
  /** Listens on a unix socket in the system's folder for temporary files. Default: false. */
  readonly unix?: boolean;
  /** Passed on to the fleet's list of endpoints. */
  readonly weight?: number;
  /** Passed on to the fleet's list of endpoints. */
  readonly locality?: string;
}

export interface LoopbackFleetOptions {
  /** How many servers, or each of them. */
  readonly endpoints: number | readonly LoopbackServerOptions[];
  /** The plan of every server that has none of its own. Default: 200, the server's name as the body. */
  readonly plan?: Plan;
  /** The key and certificate of every server that has none of its own. Default: no TLS. */
  readonly tls?: TlsOptions;
  /** Where the chance of plans and garbage starts: any safe integer. Default: 1. */
  readonly seed?: number;
}

/** Servers on loopback, each on a port of its own, that do what their plans say. */
export interface LoopbackFleet extends AsyncDisposable {
  readonly seed: number;
  /** For the `endpoints` option of `createResilientClient`. */
  readonly endpoints: readonly LoopbackEndpoint[];
  /** In the order of the options. */
  readonly servers: readonly LoopbackServer[];
  /** How many connections are open now, at all servers together. */
  readonly openConnections: number;
  /**
   * A server by its name or its place in the list.
   *
   * @throws RangeError when there is none.
   */
  server(nameOrIndex: string | number): LoopbackServer;
  /** Gives all servers the same plan, from the next request on. */
  plan(plan: Plan): void;
  /**
   * The next request at any server that this method has not given out yet; waits until its head has arrived.
   * Rejects when the fleet is closed before.
   */
  requestReceived(): Promise<ReceivedRequest>;
  /** Resolves when exactly `count` connections are open in all. Rejects when the fleet is closed before. */
  connectionsAre(count: number): Promise<void>;
  /**
   * Ends all servers and connections at once; resolves when every socket is gone. Rejects then if a plan had
   * failed: a function that threw, or an answer that could not be sent.
   */
  close(): Promise<void>;
}

const FLEET_KEYS = ['endpoints', 'plan', 'tls', 'seed'];
const SERVER_KEYS = ['name', 'plan', 'tls', 'unix', 'weight', 'locality'];

/**
 * Starts a fleet; resolves when all its servers listen. Close it, or declare it with `await using`.
 *
 * Rejects with a TypeError or RangeError for options that cannot be met.
 */
export async function loopbackFleet(options: LoopbackFleetOptions): Promise<LoopbackFleet> {
  checkKeys(options, FLEET_KEYS, 'A fleet');
  const { seed = 1 } = options;
  const waiters = new Waiters();
  const failures: unknown[] = [];
  const requests: ReceivedRequest[] = [];
  const servers = serversOf(options, seed, {
    waiters,
    received: (request) => requests.push(request),
    failed: (error) => failures.push(error),
  });
  let given = 0;
  let closing: Promise<void> | undefined;

  function openConnections(): number {
    return servers.reduce((sum, server) => sum + server.openConnections, 0);
  }

  async function close(): Promise<void> {
    const ended = Promise.all(servers.map((server) => server.close()));
    waiters.close(new Error('The fleet was closed while something was waited for'));
    await ended;
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} plans failed`);
  }

  const fleet: LoopbackFleet = {
    seed,
    servers,
    get endpoints() {
      return servers.map((server) => server.endpoint);
    },
    get openConnections() {
      return openConnections();
    },
    server(nameOrIndex) {
      const found =
        typeof nameOrIndex === 'number'
          ? servers[nameOrIndex]
          : servers.find(({ name }) => name === nameOrIndex);
      if (found !== undefined) return found;
      const names = servers.map(({ name }) => name).join(', ');
      throw new RangeError(`No server ${nameOrIndex} in the fleet; it has ${names}`);
    },
    plan(plan) {
      for (const server of servers) server.plan(plan);
    },
    requestReceived: async () => {
      const index = given++;
      return waiters.until(() => requests[index]);
    },
    connectionsAre: async (count) => {
      await waiters.until(() => (openConnections() === count ? true : undefined));
    },
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => fleet.close(),
  };

  const opened = await Promise.allSettled(servers.map((server) => server.accept()));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed === undefined) return fleet;
  await fleet.close();
  throw failed.reason;
}

function serversOf(
  { endpoints, plan = 200, tls: commonTls }: LoopbackFleetOptions,
  seed: number,
  shared: Pick<ServerParts, 'waiters' | 'received' | 'failed'>,
): readonly FleetServer[] {
  const chance = seededRandom(seed);
  const names = new Set<string>();
  return listOf(endpoints).map((each, index) => {
    checkKeys(each, SERVER_KEYS, 'A server of a fleet');
    const { name = `server-${index + 1}`, unix = false, tls = commonTls, weight, locality } = each;
    if (names.has(name)) throw new TypeError(`Two servers of the fleet are called ${name}`);
    names.add(name);
    if (unix && tls !== undefined)
      throw new TypeError('No TLS on unix sockets; leave one of them out');
    return new FleetServer({
      ...shared,
      name,
      plan: each.plan ?? plan,
      tls,
      path: unix ? join(tmpdir(), `outrigger-${randomUUID().slice(0, 13)}.sock`) : undefined,
      // Each draws from a stream of its own, so that what one draws does not depend on the others' requests.
      random: seededRandom(Math.floor(chance() * Number.MAX_SAFE_INTEGER)),
      place: {
        ...(weight !== undefined && { weight }),
        ...(locality !== undefined && { locality }),
      },
    });
  });
}

function listOf(endpoints: LoopbackFleetOptions['endpoints']): readonly LoopbackServerOptions[] {
  const length = typeof endpoints === 'number' ? endpoints : endpoints.length;
  if (!Number.isInteger(length) || length < 1) {
    throw new RangeError(`A fleet has one server or more; found ${length}`);
  }
  return typeof endpoints === 'number' ? Array.from({ length }, () => ({})) : endpoints;
}
