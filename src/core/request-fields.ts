/** Headers of a request, and parameters of its query, as they stand in it. */

/** The values of the header, whose name is in lower case, without blanks around them; undefined when there is none. */
export function headerValues(headers: readonly string[], name: string): string[] | undefined {
  let values: string[] | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (!isNamed(headers[index] as string, name)) continue;
    const value = withoutBlanks(headers[index + 1] as string);
    if (values === undefined) values = [value];
    else values.push(value);
  }
  return values;
}

/** Space and tab alone are blanks in HTTP: `trim()` would take the second byte of an `à` in UTF-8 as well. */
function withoutBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start += 1;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** The first of that name, as it stands in the URL: neither is decoded, as in Envoy. One without a value is empty. */
export function queryValue(path: string, name: string): string | undefined {
  const question = path.indexOf('?');
  if (question === -1) return undefined;
  for (let start = question + 1; start < path.length;) {
    const ampersand = path.indexOf('&', start);
    const end = ampersand === -1 ? path.length : ampersand;
    if (end - start === name.length && path.startsWith(name, start)) return '';
    const value = valueBehind(path, name, start, end);
    if (value !== undefined) return value;
    start = end + 1;
  }
  return undefined;
}

/** What stands behind `name=` from `start` to `end`. */
export function valueBehind(
  text: string,
  name: string,
  start: number,
  end: number,
): string | undefined {
  const equals = start + name.length;
  if (equals >= end || text[equals] !== '=' || !text.startsWith(name, start)) return undefined;
  return text.slice(equals + 1, end);
}

/** True of that name in any case; `wanted` is in lower case. */
export function isNamed(name: string, wanted: string): boolean {
  return name === wanted || (name.length === wanted.length && name.toLowerCase() === wanted);
}
