/** The match of a route in words: `GET /reports/*, header x-debug`. */
import type { FieldMatch, PathMatch, RouteMatch } from '../options/normalized.js';

export function describeMatches(matches: readonly RouteMatch[]): string {
  return matches.length === 0 ? 'every call' : matches.map(describeMatch).join(' or ');
}

function describeMatch({ path, methods, headers, query }: RouteMatch): string {
  const place = [...(methods === undefined ? [] : [[...methods].join('|')]), pathWords(path)];
  const parts = [
    place.filter((part) => part !== '').join(' '),
    ...headers.map((field) => `header ${fieldWords(field)}`),
    ...query.map((field) => `query ${fieldWords(field)}`),
  ];
  return parts.filter((part) => part !== '').join(', ') || 'every call';
}

function pathWords(path: PathMatch | undefined): string {
  if (path === undefined) return '';
  if (path.kind === 'pattern') return String(path.pattern);
  return path.kind === 'prefix' ? `${path.text}*` : path.text;
}

function fieldWords({ name, value }: FieldMatch): string {
  if (typeof value === 'boolean') return value ? name : `${name} absent`;
  return `${name}=${String(value)}`;
}
