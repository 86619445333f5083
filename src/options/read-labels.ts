/** Labels, of an endpoint or to tell endpoints by: names and values of text. */
import type { Labels } from '../cluster/endpoint.js';
import type { Reader } from './place.js';
import { readEntries, text } from './readers.js';

const readName = text(/^\S+$/, 'a name without white space');
const readValue = text(/^/, 'text');

export const readLabels: Reader<Labels> = (value, at) => {
  const entries = readEntries(value, at, "an object with labels, such as { version: 'v2' }");
  if (entries === null) return null;
  for (const [name, label] of entries) {
    const place = at.key(name);
    // The name is that of its entry, and told as such.
    if (readName(name, place) !== null) readValue(label, place);
  }
  return at.isSound() ? (Object.fromEntries(entries) as Labels) : null;
};
