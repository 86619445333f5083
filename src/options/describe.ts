/** Values and paths as messages show them: short, on one line, without secrets. */

const LONGEST = 60;

/** Text in single quotes, cut when long; credentials of a URL and PEM are masked. */
export function quote(text: string): string {
  const masked = text.replace(/\/\/.*@/s, '//***@').replace(/-----BEGIN .*/s, '-----BEGIN …');
  const short = masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
  const escaped = JSON.stringify(short).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped}'`;
}

/** What was found, for the end of "found …". */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
    const prototype: unknown = Object.getPrototypeOf(value);
    const maker: unknown =
      typeof prototype === 'object' && prototype !== null && 'constructor' in prototype
        ? prototype.constructor
        : undefined;
    const name = typeof maker === 'function' ? maker.name : '';
    return name === '' || name === 'Object' ? 'an object' : `an instance of ${name}`;
  } catch {
    return 'an object that cannot be read'; // a revoked proxy, or one that throws
  }
}

/** `'a', 'b' or 'c'` */
export function listOf(names: readonly string[], last = 'or'): string {
  const quoted = names.map(quote);
  const end = quoted.pop() ?? '';
  return quoted.length === 0 ? end : `${quoted.join(', ')} ${last} ${end}`;
}

/** The path of an entry: `tls.ca`, `services['http://a'].tls`. */
export function pathOf(parent: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key) || key.length > LONGEST) return `${parent}[${quote(key)}]`;
  return parent === '' ? key : `${parent}.${key}`;
}
