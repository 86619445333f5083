/** How far an endpoint's labels match those that are wanted, as Istio's `failoverPriority` compares them. */

/** What has labels, and a place. */
export interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: string;
}

/** An entry of `failoverPriority`: a label, and the value it is to have; undefined: the client's own. */
export interface LabelRule {
  readonly label: string;
  readonly value: string | undefined;
}

/** What an endpoint's label is compared with. */
export interface LabelMatch {
  readonly label: string;
  readonly value: string;
}

/** Kubernetes' and Istio's labels for the parts of a locality. */
const PARTS: readonly string[] = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
];

/** True for the labels that say where something is. */
export function isOfPlace(label: string): boolean {
  return PARTS.includes(label);
}

/** One that is absent is empty; where something is says its locality, too. */
export function labelOf({ labels, locality }: Labelled, label: string): string {
  const given = Object.hasOwn(labels, label) ? labels[label] : undefined;
  return given ?? (isOfPlace(label) ? locality.split('/')[PARTS.indexOf(label)] : undefined) ?? '';
}

/** 0 when all match; else the more the earlier the first is that does not. What matches after it does not help. */
export function mismatch(endpoint: Labelled, matches: readonly LabelMatch[]): number {
  const first = matches.findIndex(({ label, value }) => labelOf(endpoint, label) !== value);
  return first === -1 ? 0 : matches.length - first;
}
