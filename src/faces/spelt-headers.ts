/**
 * What stands in a `Headers` object, as the platform sends it: it keeps how names were spelt, and their order, but tells
 * that nowhere except where it prints them.
 */
import { inspect, type InspectOptions } from 'node:util';

/** Names only, in one line, whatever the defaults of printing have been set to. */
const PRINTED: InspectOptions = {
  breakLength: Infinity,
  colors: false,
  customInspect: true,
  maxStringLength: 0,
  showHidden: false,
  sorted: false,
};

/** As a key is printed: a name has neither double quotes nor anything that is escaped. */
const NAME = /(?:'([^']+)'|"([^"]+)"|([A-Za-z_]\w*)): ''/g;

/** As pairs. Undefined where what is printed are not the names that are there. */
export function speltHeaders(headers: Headers): [name: string, value: string][] | undefined {
  const pairs: [string, string][] = [];
  for (const [, single, double, plain] of inspect(headers, PRINTED).matchAll(NAME)) {
    const name = (single ?? double ?? plain) as string;
    const value = headers.get(name);
    if (value === null) return undefined;
    pairs.push([name, value]);
  }
  return pairs.length === [...headers.keys()].length ? pairs : undefined;
}
