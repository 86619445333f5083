/** The routes of a service: from a call to the cluster it goes to, and what it is held to there. */
import { AliasTable } from '../balancing/alias-table.js';
import type { Cluster } from '../cluster/cluster.js';
import { Way, type RoutePlan, type Router } from '../cluster/way.js';
import type { NormalizedRoute } from '../options/normalized.js';
import { describeMatches } from './describe-match.js';
import { RouteTable } from './route-table.js';

/** Undefined where there is no route. */
export function routerFor(
  routes: readonly NormalizedRoute[],
  whole: Cluster,
  subsets: ReadonlyMap<string, Cluster>,
): Router | undefined {
  if (routes.length === 0) return undefined;
  const table = new RouteTable(routes);
  const plans = routes.map((route) => planOf(route, whole, subsets));
  const draws = plans.map(({ ways }) => new AliasTable(ways.map(({ percent }) => percent)));
  return {
    routes: plans,
    wayOf(method, path, headers) {
      const route = table.find(String(method), String(path), headers);
      if (route === -1) return undefined;
      const { ways } = plans[route] as RoutePlan;
      const drawn = ways.length === 1 ? 0 : draws[route]?.draw(whole.runtime.random());
      return ways[drawn ?? 0]?.way;
    },
  };
}

function planOf(
  { name, matches, shares, overrides }: NormalizedRoute,
  whole: Cluster,
  subsets: ReadonlyMap<string, Cluster>,
): RoutePlan {
  const all = shares.reduce((sum, { weight }) => sum + weight, 0);
  const parts = shares.flatMap(({ subset, weight }) => {
    const cluster = subsets.get(subset);
    if (cluster === undefined || weight === 0) return [];
    return [{ way: new Way(name, cluster, overrides), percent: (100 * weight) / all }];
  });
  const ways = shares.length > 0 ? parts : [{ way: new Way(name, whole, overrides), percent: 100 }];
  return { name, takes: describeMatches(matches), ways };
}
