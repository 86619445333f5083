/** Any endpoint, by chance alone and in proportion to the weights. */
import type { Endpoint } from '../cluster/endpoint.js';
import type { Runtime } from '../core/runtime.js';
import { AliasTable } from './alias-table.js';
import type { Balancer, BalancerContext } from './balancer.js';
import { weightsAreEqual } from './weights.js';

export class RandomChoice implements Balancer {
  readonly name = 'random';
  private readonly runtime: Runtime;
  private readonly table: AliasTable | undefined;

  constructor(
    private readonly endpoints: readonly Endpoint[],
    { runtime }: BalancerContext,
  ) {
    this.runtime = runtime;
    if (weightsAreEqual(endpoints)) return;
    this.table = new AliasTable(endpoints.map((endpoint) => endpoint.weight));
  }

  pick(): Endpoint | undefined {
    const { endpoints, table } = this;
    const chance = this.runtime.random();
    return endpoints[
      table === undefined ? Math.floor(chance * endpoints.length) : table.draw(chance)
    ];
  }
}
