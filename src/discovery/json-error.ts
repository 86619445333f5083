/** Where JSON is wrong: the parsers of the Node versions do not say so in one way, and often not at all. */

/** One thing of JSON, with the white space before it. */
const TOKEN =
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|($))/y;

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** The place of the first thing that cannot stand where it stands; undefined when the text is right, or too long to say. */
export function jsonErrorPosition(text: string): Position | undefined {
  let offset: number | undefined;
  try {
    offset = errorOffset(text);
  } catch {
    return undefined; // a string of many megabytes is too much for the expression
  }
  if (offset === undefined) return undefined;
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** What may come next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'end';

function errorOffset(text: string): number | undefined {
  /** What comes after each list and object that is open. */
  const open: Expected[] = [];
  let expected: Expected = 'value';
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    const [, mark, string, , end] = match ?? [];
    if (end !== undefined && expected === 'end') return undefined;
    const isOver = match === null || end !== undefined;
    const next: Expected | undefined = isOver
      ? undefined
      : after(expected, mark, string !== undefined, open);
    if (next === undefined) return text.length - text.slice(from).replace(/^[ \t\r\n]+/, '').length;
    expected = next;
  }
}

/** What may come after this token; undefined when it must not stand here. Without a mark it is a string or another value. */
function after(
  expected: Expected,
  mark: string | undefined,
  isString: boolean,
  open: Expected[],
): Expected | undefined {
  const mayClose = (end: ']' | '}'): boolean => expected.endsWith(`or ${end}`);
  const isValue = expected === 'value' || expected === 'value or ]';
  switch (mark) {
    case '[':
    case '{':
      if (!isValue) return undefined;
      open.push(mark === '[' ? ', or ]' : ', or }');
      return mark === '[' ? 'value or ]' : 'key or }';
    case ']':
    case '}':
      if (!mayClose(mark)) return undefined;
      open.pop();
      return open.at(-1) ?? 'end';
    case ':':
      return expected === ':' ? 'value' : undefined;
    case ',':
      if (expected === ', or ]') return 'value';
      return expected === ', or }' ? 'key' : undefined;
    default:
      if (isString && (expected === 'key' || expected === 'key or }')) return ':';
      return isValue ? (open.at(-1) ?? 'end') : undefined;
  }
}
