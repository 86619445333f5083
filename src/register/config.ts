/** What `OUTRIGGER_CONFIG` says: JSON itself, or a file of JSON, YAML, or a module with options or a client. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { types } from 'node:util';
import { jsonErrorPosition } from '../discovery/json-error.js';
import { createResilientClient, type ClientOptions, type ResilientClient } from '../index.js';

export interface Config {
  readonly client: ResilientClient;
  /** What it is made of; undefined for a client that the module has made. */
  readonly options: ClientOptions | undefined;
  /** For messages; undefined where there is none. */
  readonly source: string | undefined;
}

const VARIABLE = 'OUTRIGGER_CONFIG';
const MODULES = ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'];

/**
 * `own` loads what stands beside this package.
 * @throws Error whose message says where the mistake is, and whose stack says no more: it is nobody's code that is wrong
 */
export function readConfig(given: string | undefined, own: NodeJS.Require): Config {
  if (given === undefined || given.trim() === '') return configOf({}, undefined);
  const isInline = given.trimStart().startsWith('{');
  const source = isInline ? VARIABLE : given;
  try {
    return configOf(isInline ? parseJson(given) : load(given, own), source);
  } catch (error) {
    throw mistake(source, error);
  }
}

function configOf(content: unknown, source: string | undefined): Config {
  if (isClient(content)) return { client: content, options: undefined, source };
  const options = content as ClientOptions;
  return { client: createResilientClient(options), options, source };
}

function isClient(content: unknown): content is ResilientClient {
  return typeof (content as Partial<ResilientClient> | null | undefined)?.install === 'function';
}

function load(given: string, own: NodeJS.Require): unknown {
  const path = resolve(given);
  const ending = extname(path).toLowerCase();
  if (MODULES.includes(ending)) return loadModule(path);
  if (ending === '.json') return parseJson(read(path));
  if (ending === '.yaml' || ending === '.yml') return parseYaml(read(path), path, own);
  const known = ['.json', '.yaml', '.yml', ...MODULES].join(', ');
  throw new Error(`found a file that ends in '${ending}', expected JSON text or one of ${known}`);
}

function read(path: string): string {
  try {
    // An editor on Windows may put a mark of the byte order before it.
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new Error(`there is no such file (${path})`, { cause: error });
  }
}

/** Without waiting: the application begins when this has ended. */
function loadModule(path: string): unknown {
  const required = requiredFrom(path);
  const isObject = typeof required === 'object' && required !== null;
  if (isObject && types.isModuleNamespaceObject(required) && !('default' in required)) {
    throw new Error('expected options, or a client, as its default export');
  }
  return isObject && 'default' in required ? required.default : required;
}

function requiredFrom(path: string): unknown {
  try {
    return createRequire(path)(path);
  } catch (error) {
    throw new Error(wordsOf(error, path), { cause: error });
  }
}

function wordsOf(error: unknown, path: string): string {
  switch (codeOf(error)) {
    case 'ERR_REQUIRE_ASYNC_MODULE':
      return 'it waits at its top level (await), which cannot be waited for here';
    case 'ERR_REQUIRE_ESM':
      return `Node ${process.version} cannot load an ES module here, expected a .cjs or .json file, or Node 20.19 or newer`;
    case 'MODULE_NOT_FOUND':
      if (String(error).includes(`'${path}'`)) return `there is no such file (${path})`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = jsonErrorPosition(text);
    const where = place === undefined ? '' : `line ${place.line}, column ${place.column}: `;
    throw new Error(`${where}this is not JSON`, { cause: error });
  }
}

function parseYaml(text: string, path: string, own: NodeJS.Require): unknown {
  return yaml(path, own).parse(text);
}

/** The application's, by where its configuration stands; otherwise the one beside this package. */
function yaml(path: string, own: NodeJS.Require): { parse(text: string): unknown } {
  let cause: unknown;
  for (const from of [createRequire(path), own]) {
    try {
      return from('yaml') as ReturnType<typeof yaml>;
    } catch (error) {
      cause = error;
    }
  }
  throw new Error("YAML needs the package 'yaml': npm install yaml, or write it as JSON", {
    cause,
  });
}

function mistake(source: string, cause: unknown): Error {
  const words = cause instanceof Error ? cause.message : String(cause);
  const lines = words.trimEnd().replaceAll('\n', '\n  ');
  const error = new Error(`outrigger/register: ${source}:\n  ${lines}`);
  // Whatever Node prints besides would bury the message, so it has no cause either.
  error.stack = error.message;
  return error;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null | undefined)?.code;
}
