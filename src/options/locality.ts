/** The `locality` option: where calls go by where their endpoints are, as Istio's `localityLbSetting`. */

/**
 * Localities are written `region/zone/subzone`, parts left out from the right. In patterns `*`, and parts that are left out,
 * stand for anything: `us-west1/*` and `us-west1` are every zone of the region. `distribute` and `zoneAware` each stand
 * alone; `failover` and `failoverPriority` go together as long as the latter names no place.
 */
export interface LocalityOptions {
  /**
   * Where this process runs.
   * @default `OUTRIGGER_LOCALITY` of the environment; else `OUTRIGGER_REGION`, `OUTRIGGER_ZONE` and `OUTRIGGER_SUBZONE`
   */
  readonly local?: string | undefined;
  /**
   * The labels of this process, as endpoints have theirs: what `failoverPriority` compares.
   * @default {}
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * Regions, without `/` and `*`. When the endpoints of the region `from` do not suffice, those of `to` are chosen before
   * those of other regions. It counts where `from` is the own region, and needs `outlierDetection` or `healthCheck`.
   * @default [] (all other regions alike)
   */
  readonly failover?: readonly { readonly from: string; readonly to: string }[] | undefined;
  /**
   * Labels in the order in which they count: `key` is to be as in `labels`, `key=value` has that value. The more of them an
   * endpoint matches from the first one on, the earlier it is chosen. `topology.kubernetes.io/region`,
   * `topology.kubernetes.io/zone` and `topology.istio.io/subzone` are parts of the locality where they are no labels. Needs
   * `outlierDetection` or `healthCheck`.
   * @default [] (nearness by locality)
   */
  readonly failoverPriority?: readonly string[] | undefined;
  /**
   * Which share of the calls from a locality goes where. The first entry whose `from` fits `local` counts; its `to` has
   * whole percentages by pattern, from 1 to 100, which make 100. Endpoints that no pattern fits get no calls at all.
   * @default [] (the nearest endpoints first)
   */
  readonly distribute?:
    readonly { readonly from: string; readonly to: Readonly<Record<string, number>> }[] | undefined;
  /**
   * Envoy's zone-aware routing: calls stay in the own locality as far as all endpoints still get the same load.
   * @default false
   */
  readonly zoneAware?: false | ZoneAwareOptions | undefined;
}

/** The zones of Envoy are localities: region, zone and subzone are compared. */
export interface ZoneAwareOptions {
  /**
   * How many instances of the calling service there are in each locality, this one included; or in percent of all: only
   * the relation counts. Whole numbers. A later object takes the place of an earlier one.
   */
  readonly callers: Readonly<Record<string, number>>;
  /**
   * With fewer healthy endpoints in the first priority zones play no role.
   * @default 6
   */
  readonly minClusterSize?: number | undefined;
  /**
   * The percentage of calls that go by zones; the rest goes to all zones by the weights of their endpoints.
   * @default 100
   */
  readonly routingEnabled?: number | undefined;
  /**
   * All calls stay in the own zone while `minSize` (by default 1) of its endpoints are healthy, however many callers there are.
   * @default false
   */
  readonly forceLocalZone?: false | { readonly minSize?: number | undefined } | undefined;
}
