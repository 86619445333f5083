/** Where the calls of a route go, and what they are held to there. */
import type { Chain, Chains, Overrides } from '../core/call.js';
import type { Policy } from '../core/policy.js';
import type { Cluster } from './cluster.js';

/** The routes of a service. */
export interface Router {
  readonly routes: readonly RoutePlan[];
  /**
   * Undefined when no route fits: the cluster itself, under its own policy. A dispatcher may be handed anything as method and
   * path: the transport says what is wrong with it.
   */
  wayOf(method: unknown, path: unknown, headers: readonly string[]): Way | undefined;
}

/** One of them, to look at. */
export interface RoutePlan {
  readonly name: string;
  /** Which calls take it, in words. */
  readonly takes: string;
  /** Where they go, and to each the share of them in percent. */
  readonly ways: readonly { readonly way: Way; readonly percent: number }[];
}

export class Way {
  #chains: Chains | undefined = undefined;
  #policy!: Policy;
  #chain!: Chain;

  constructor(
    /** The name of the route. */
    readonly route: string,
    readonly cluster: Cluster,
    private readonly overrides: Overrides | undefined,
  ) {}

  get policy(): Policy {
    this.#look();
    return this.#policy;
  }

  get chain(): Chain {
    this.#look();
    return this.#chain;
  }

  /** The chains of a cluster are made anew when its options change. */
  #look(): void {
    const { chains } = this.cluster;
    if (chains === this.#chains) return;
    const { usual } = chains;
    this.#chains = chains;
    this.#policy = this.overrides === undefined ? usual.policy : this.overrides.apply(usual.policy);
    this.#chain = this.#policy === usual.policy ? usual : chains.for(this.#policy);
  }
}
