/** What a match was meant to be that is written as in Istio, as a URL, or as a regular expression in quotes. */
import { quote } from './describe.js';
import { isPlainObject } from './plain-object.js';
import { readEntries } from './readers.js';
import { Place } from './place.js';

/** `{ exact: 'a' }`, `{ prefix: 'a' }` or `{ regex: 'a' }`, as a hint; `beginning` is how a prefix is written here. */
export function meantByObject(
  value: unknown,
  beginning: (prefix: string) => string = (prefix) => patternOf(`^${escaped(prefix)}`),
): string {
  if (!isPlainObject(value)) return '';
  const [[kind, text] = []] = readEntries(value, new Place('', []), '') ?? [];
  if (typeof text !== 'string') return '';
  if (kind === 'exact') return didYouMean(quote(text));
  if (kind === 'prefix') return didYouMean(beginning(text));
  return kind === 'regex' || kind === 'safeRegex' ? didYouMean(patternOf(`^(?:${text})$`)) : '';
}

/** Of text that is no path. */
export function meantByPath(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return didYouMean(quote(new URL(text).pathname));
  if (text.startsWith('^')) return didYouMean(patternOf(text));
  if (/^[^/\s?#*]+(?:\/[^\s?#*]*)?\*?$/.test(text)) return didYouMean(quote(`/${text}`));
  return text.includes('?') ? "; a parameter of the query has its place in 'query'" : '';
}

/** A path as it stands in a URL. The beginning of one may end within a segment. */
export function pathAsSent(path: string, isBeginning: boolean): string {
  const end = isBeginning ? 'x' : '';
  const { pathname } = new URL(`http://x${path}${end}`);
  return isBeginning ? pathname.slice(0, -1) : pathname;
}

/** The name or value of a parameter as it stands in a URL. */
export function parameterAsSent(text: string): string {
  return new URL(`http://x/?${text.replaceAll('#', '%23').replaceAll('&', '%26')}`).search.slice(1);
}

export function didYouMean(what: string): string {
  return what === '' ? '' : `; did you mean ${what}?`;
}

/** Empty for what is no regular expression. */
function patternOf(source: string): string {
  try {
    return String(new RegExp(source));
  } catch {
    return '';
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
