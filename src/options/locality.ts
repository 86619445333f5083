/** The `locality` option: where calls go by where their endpoints are, as Istio's `localityLbSetting`. */

/**
 * Localities are written `region/zone/subzone`, parts left out from the right. In patterns `*`, and parts that are left out,
 * stand for anything: `us-west1/*` and `us-west1` are every zone of the region. `failover` and `distribute` exclude each
 * other, as in Istio.
 */
export interface LocalityOptions {
  /**
   * Where this process runs.
   * @default `OUTRIGGER_LOCALITY` of the environment; else `OUTRIGGER_REGION`, `OUTRIGGER_ZONE` and `OUTRIGGER_SUBZONE`
   */
  readonly local?: string | undefined;
  /**
   * Regions, without `/` and `*`. When the endpoints of the region `from` do not suffice, those of `to` are chosen before
   * those of other regions. It counts where `from` is the own region, and needs `outlierDetection` or `healthCheck`.
   * @default [] (all other regions alike)
   */
  readonly failover?: readonly { readonly from: string; readonly to: string }[] | undefined;
  /**
   * Which share of the calls from a locality goes where. The first entry whose `from` fits `local` counts; its `to` has
   * whole percentages by pattern, from 1 to 100, which make 100. Endpoints that no pattern fits get no calls at all.
   * @default [] (the nearest endpoints first)
   */
  readonly distribute?:
    readonly { readonly from: string; readonly to: Readonly<Record<string, number>> }[] | undefined;
}
