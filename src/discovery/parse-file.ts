/** The text of a file as a list of endpoints: JSON, YAML by the package `yaml`, or whatever the user's own function reads. */
import { extname } from 'node:path';
import type { EndpointList } from '../options/discovery.js';
import { jsonErrorPosition, type Position } from './json-error.js';

/** Makes of a text what `JSON.parse` would: a list of endpoints, or an object with the list `endpoints`. */
export type ParseEndpoints = (text: string) => unknown;

/** What the file says; a list that is wrong in itself is found out by whoever takes it. Throws with the place of a mistake. */
export async function parseFile(
  text: string,
  path: string,
  parse: ParseEndpoints | undefined,
): Promise<EndpointList> {
  const content = await parserOf(path, parse)(text);
  const isObject = typeof content === 'object' && content !== null && !Array.isArray(content);
  if (isObject && 'endpoints' in content) return content.endpoints as EndpointList;
  return content as EndpointList;
}

function parserOf(path: string, own: ParseEndpoints | undefined): (text: string) => unknown {
  if (own !== undefined) return own;
  return isYaml(path) ? parseYaml : parseJson;
}

export function isYaml(path: string): boolean {
  return ['.yaml', '.yml'].includes(extname(path).toLowerCase());
}

/** An editor on Windows may put a mark of the byte order before it. */
function unmarked(text: string): string {
  return text.replace(/^\uFEFF/, '');
}

function parseJson(text: string): unknown {
  const json = unmarked(text);
  try {
    return JSON.parse(json);
  } catch (error) {
    // Some versions quote the text, over several lines: the place says as much.
    const words = (error as Error).message.replace(/, (?:\.{3})?".*" is not valid JSON$/s, '');
    throw mistake(words, jsonErrorPosition(json), error);
  }
}

async function parseYaml(text: string): Promise<unknown> {
  const { parse, YAMLParseError } = await import('yaml').catch((error: unknown) => {
    throw new Error("YAML needs the package 'yaml': npm install yaml, or give the option parse", {
      cause: error,
    });
  });
  try {
    const content: unknown = parse(unmarked(text));
    // Of a file that is written in place, there is nothing at first.
    if (content === null) throw new SyntaxError('there is nothing in it');
    return content;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const [place] = error.linePos ?? [];
    const [sentence = ''] = error.message.split('\n');
    const words = sentence.replace(/ at line \d+, column \d+:?$/, '');
    throw mistake(words, place && { line: place.line, column: place.col }, error);
  }
}

function mistake(words: string, place: Position | undefined, cause: unknown): Error {
  const [sentence = ''] = words.split('\n');
  const where = place === undefined ? '' : `line ${place.line}, column ${place.column}: `;
  return new SyntaxError(`${where}${sentence}`, { cause });
}
