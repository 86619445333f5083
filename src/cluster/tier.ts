/** The endpoints of one priority: who of them may be chosen now, and the balancers that choose. */
import type { Balancer, BalancerFactory } from '../balancing/balancer.js';
import { EdfScheduler, PRE_PICK_LIMIT } from '../balancing/edf.js';
import type { Call } from '../core/call.js';
import type { Hash64 } from '../core/hash64.js';
import type { Runtime } from '../core/runtime.js';
import { OVERPROVISIONING } from '../locality/priority-loads.js';
import type { Priority } from '../locality/arrangement.js';
import { goesByZones, ZoneRouting, type ZoneAwarePolicy } from '../locality/zone-aware.js';
import type { Counters } from './counters.js';
import type { Endpoint } from './endpoint.js';
import type { Standing } from './standing.js';

/** What a tier is made of besides its endpoints. */
export interface TierContext {
  readonly runtime: Runtime;
  readonly factory: BalancerFactory;
  readonly counters: Counters;
  /** In its place until now. */
  readonly previous: Tier | undefined;
  /** Balancers are made anew, also where the same endpoints may be chosen as before. */
  readonly anew: boolean;
}

/** Endpoints that one balancer chooses among. */
interface Group {
  /** The locality, or `ALL`. */
  readonly name: string;
  /** Those whose attempts its balancer hears of. */
  readonly members: readonly Endpoint[];
  readonly candidates: readonly Endpoint[];
  readonly balancer: Balancer;
  /** As it was given, and as much of it as its health leaves. */
  readonly weight: number;
  readonly effective: number;
}

/** No locality is called so. */
const ALL = '*';

/** Which of the endpoints a tier has: in panic all of them. */
export type TierKind = 'healthy' | 'degraded' | 'all';

export class Tier {
  readonly #endpoints: readonly Endpoint[];
  /** In panic: those that would be in it otherwise. */
  readonly #isMeant: (endpoint: Endpoint) => boolean;
  readonly #meant: number;
  readonly inPanic: boolean;
  /** Those that may be chosen. */
  readonly candidates: readonly Endpoint[];
  /** When the first hold of its endpoints is over. */
  readonly heldUntil: number;
  readonly #groups: readonly Group[];
  /** Undefined where there is one group. */
  readonly #turns: EdfScheduler | undefined;
  /** In place of turns. */
  readonly #zones: ZoneRouting | undefined;

  /** A policy of the user's may throw. */
  constructor(
    priority: Priority<Endpoint>,
    kind: TierKind,
    standing: Standing,
    context: TierContext,
  ) {
    const { endpoints, localities, zoneAware } = priority;
    const now = context.runtime.now();
    const inPanic = kind === 'all';
    const [isMeant, meant, free] =
      kind === 'degraded'
        ? [isDegraded, standing.degraded, standing.freeDegraded]
        : [isHealthy, standing.healthy, standing.freeHealthy];
    this.#isMeant = isMeant;
    this.#meant = meant;
    // Nearly always all of them, and none of them held: a long list is not looked through again.
    const usable = inPanic || meant === endpoints.length ? endpoints : endpoints.filter(isMeant);
    const isAnyHeld = inPanic || free < meant;
    const held = isAnyHeld ? usable.filter(({ heldUntil }) => heldUntil > now) : [];
    this.#endpoints = endpoints;
    this.inPanic = inPanic;
    this.candidates = held.length === 0 ? usable : withoutHeld(usable, held);
    this.heldUntil = held.reduce((first, one) => Math.min(first, one.heldUntil), Infinity);
    const isApart =
      localities !== undefined &&
      !inPanic &&
      (zoneAware === undefined ||
        // Zones are those of the healthy endpoints.
        (kind === 'healthy' &&
          goesByZones(zoneAware, localities.length, usable.length, context.counters)));
    this.#groups = this.#grouped(isApart ? priority : { endpoints }, context);
    const isByZone = zoneAware !== undefined && this.#first.name !== ALL;
    this.#zones = isByZone ? this.#zoneRouting(zoneAware, context) : undefined;
    this.#turns = isByZone ? undefined : this.#scheduled(context);
  }

  get policy(): string {
    return this.#first.balancer.name;
  }

  get stats(): Readonly<Record<string, number>> {
    return this.#first.balancer.stats?.() ?? {};
  }

  /** What a sticky policy has made of the call; undefined when it is not to stick to anybody. */
  hashOf(call: Call): Hash64 | undefined {
    if (this.#first.balancer.isSticky?.(call) !== true) return undefined;
    return call.hash ?? undefined;
  }

  pick(call: Call): Endpoint | undefined {
    const turns = this.#turns;
    const zones = this.#zones;
    if (zones !== undefined) return this.#groups[zones.pick()]?.balancer.pick(call);
    const group = turns === undefined ? this.#first : this.#groupFor(call, turns);
    return group?.balancer.pick(call);
  }

  /** From now on its balancers hear of its endpoints. */
  takeOver(priority: number): void {
    if (!this.isWhole) for (const endpoint of this.#endpoints) endpoint.priority = priority;
    for (const { members, balancer } of this.#groups) {
      for (const endpoint of members) {
        endpoint.priority = priority;
        endpoint.balancer = balancer;
      }
    }
  }

  /** One balancer hears of all its endpoints. */
  get isWhole(): boolean {
    return this.#groups.length === 1 && this.#first.members === this.#endpoints;
  }

  #groupFor(call: Call, turns: EdfScheduler): Group | undefined {
    const hash = this.hashOf(call);
    if (hash === undefined) return this.#groups[turns.pick()];
    // By the weights as they were given, as in Envoy: health that comes and goes would move calls to and fro.
    const all = this.#groups.reduce((sum, { weight }) => sum + weight, 0);
    let left = ((hash.low >>> 0) / 2 ** 32) * all;
    return this.#groups.find(({ weight }) => (left -= weight) < 0);
  }

  static #groupsOf(tier: Tier | undefined): readonly Group[] {
    return tier === undefined ? [] : tier.#groups;
  }

  get #first(): Group {
    return this.#groups[0] as Group;
  }

  /** By locality where those have weights; else, and where no locality has anybody to offer, all together. */
  #grouped(
    { endpoints, localities, zoneAware }: Priority<Endpoint>,
    context: TierContext,
  ): readonly Group[] {
    const all = () => [this.#group(ALL, endpoints, this.candidates, 1, context)];
    if (localities === undefined) return all();
    const candidates = new Set(this.candidates);
    const groups = localities.flatMap(({ name, weight, endpoints: members }) => {
      const free = members.filter((endpoint) => candidates.has(endpoint));
      if (free.length === 0) return [];
      return [this.#group(name, members, free, weight, context)];
    });
    // As in Envoy a sticky policy takes no notice of zones.
    const isSticky = zoneAware !== undefined && groups[0]?.balancer.isSticky !== undefined;
    return groups.length === 0 || isSticky ? all() : groups;
  }

  #zoneRouting(policy: ZoneAwarePolicy, { runtime, counters }: TierContext): ZoneRouting {
    const zones = this.#groups.map(({ name, candidates }) => ({
      name,
      count: candidates.length,
      weight: candidates.reduce((sum, { weight }) => sum + weight, 0),
    }));
    return new ZoneRouting(zones, policy, runtime, counters);
  }

  #group(
    name: string,
    members: readonly Endpoint[],
    candidates: readonly Endpoint[],
    weight: number,
    { runtime, factory, previous, anew }: TierContext,
  ): Group {
    const before = Tier.#groupsOf(previous).find((group) => group.name === name);
    const isKept = !anew && before !== undefined && isSame(candidates, before.candidates);
    const balancer = isKept
      ? before.balancer
      : factory(candidates, { runtime, previous: before?.balancer });
    const isWhole = members === this.#endpoints;
    const meant = isWhole ? this.#meant : members.filter(this.#isMeant).length;
    const effective = weight * capacity(meant, members.length);
    // How attempts at those that are out go is told to the healthy ones' balancer.
    const heard = this.#isMeant === isDegraded ? members.filter(isDegraded) : members;
    return { name, members: heard, candidates, balancer, weight, effective };
  }

  /** Envoy's locality scheduler: the weights that the localities have now, from a random start. */
  #scheduled({ runtime, previous }: TierContext): EdfScheduler | undefined {
    const groups = this.#groups;
    if (groups.length < 2) return undefined;
    const before = Tier.#groupsOf(previous);
    const isUnchanged =
      groups.length === before.length &&
      groups.every(
        ({ name, effective }, i) => name === before[i]?.name && effective === before[i].effective,
      );
    const turns = previous === undefined ? undefined : previous.#turns;
    if (isUnchanged && turns !== undefined) return turns;
    const start = Math.floor(runtime.random() * PRE_PICK_LIMIT);
    return new EdfScheduler(groups.length, (group) => groups[group]?.effective ?? 1, start);
  }
}

function isHealthy({ healthy }: Endpoint): boolean {
  return healthy;
}

function isDegraded({ degraded }: Endpoint): boolean {
  return degraded;
}

/** How much of its weight a locality still carries, as in Envoy: all of it while 72 % of its endpoints are there. */
function capacity(meant: number, all: number): number {
  return Math.min(1, ((OVERPROVISIONING / 100) * meant) / all);
}

/**
 * Endpoints that are held are chosen last. Where the others are out and there for panic's sake alone, they take their
 * part like everybody: load is to be spread.
 */
function withoutHeld(usable: readonly Endpoint[], held: readonly Endpoint[]): readonly Endpoint[] {
  const isHeld = new Set(held);
  const free = usable.filter((endpoint) => !isHeld.has(endpoint));
  const isEnough = free.some(isHealthy) || (free.length > 0 && !held.some(isHealthy));
  return isEnough ? free : usable;
}

function isSame(one: readonly Endpoint[], other: readonly Endpoint[]): boolean {
  return one.length === other.length && one.every((endpoint, index) => endpoint === other[index]);
}
