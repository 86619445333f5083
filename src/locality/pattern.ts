/** Localities, `region/zone/subzone`, and the patterns of Istio that stand for several of them. */

/** True when the pattern stands for the locality: `*` and parts that are left out stand for anything. */
export function isCovered(locality: string, pattern: string): boolean {
  const parts = locality.split('/');
  return pattern.split('/').every((part, index) => part === '*' || part === (parts[index] ?? ''));
}
