/** Sets of status codes: single ones, and ranges of them. */
import type { StatusRange } from '../cluster/health-check-policy.js';
import { describe, quote } from './describe.js';
import type { Reader } from './place.js';
import { isPlainObject } from './plain-object.js';
import { list } from './readers.js';

const EXPECTED = "a status code from 200 to 599, or a range such as '200-299'";

const RANGE = /^([2-5]\d\d)-([2-5]\d\d)$/;
/** `2xx`, `200..299`, `200 - 299`, `204` */
const NEARLY = /^([2-5])xx$|^([2-5]\d\d)\s*(?:-|\.{2,3}|–|to|:)\s*([2-5]\d\d)$|^([2-5]\d\d)$/i;

const readStatusRange: Reader<StatusRange> = (value, at) => {
  if (typeof value === 'string') return readRange(value, at);
  if (Number.isInteger(value) && (value as number) >= 200 && (value as number) <= 599) {
    return { from: value as number, to: value as number };
  }
  return at.refuse(value, EXPECTED, isPlainObject(value) ? hintForEnvoy(value) : '');
};

const readRange: Reader<StatusRange> = (value, at) => {
  const text = value as string;
  const [, first, last] = RANGE.exec(text) ?? [];
  if (first === undefined || last === undefined) return at.refuse(text, EXPECTED, hintFor(text));
  if (Number(first) <= Number(last)) return { from: Number(first), to: Number(last) };
  return at.refuse(text, 'a range whose first status is not above its last');
};

export const readStatusRanges = list(readStatusRange, 'a list of status codes');

function hintFor(text: string): string {
  const [, hundred, first, last, single] = NEARLY.exec(text.trim()) ?? [];
  if (hundred !== undefined) return `; did you mean ${quote(`${hundred}00-${hundred}99`)}?`;
  if (single !== undefined) return `; did you mean ${single}?`;
  if (first === undefined || last === undefined) return '';
  return `; did you mean ${quote(`${first}-${last}`)}?`;
}

/** Envoy's ranges leave out their end. */
function hintForEnvoy({ start, end }: Readonly<Record<string, unknown>>): string {
  if (typeof start !== 'number' || typeof end !== 'number') return '';
  const last = end - 1;
  return `; did you mean ${start === last ? describe(start) : quote(`${start}-${last}`)}?`;
}
