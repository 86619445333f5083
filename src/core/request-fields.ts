/** Headers of a request, and parameters of its query, as they stand in it. */

/** The values of the header, whose name is in lower case, without blanks around them; undefined when there is none. */
export function headerValues(headers: readonly string[], name: string): string[] | undefined {
  let values: string[] | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (!isNamed(headers[index] as string, name)) continue;
    const value = (headers[index + 1] as string).trim();
    if (values === undefined) values = [value];
    else values.push(value);
  }
  return values;
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
