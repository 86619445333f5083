/** `node --import outrigger/register app.js`: a client as the environment says, installed before the application begins. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type { ResilientClient } from './index.js';
import { readConfig } from './register/config.js';
import { inOneLine } from './register/in-one-line.js';

/** In the global scope: both forms of the package, and whatever loads them again, register once. */
const REGISTERED = Symbol.for('outrigger.registered');
const scope = globalThis as unknown as Record<typeof REGISTERED, ResilientClient | undefined>;

/** The client that is installed, for `client.stats()` and the like. */
export const client: ResilientClient = (scope[REGISTERED] ??= register());

function register(): ResilientClient {
  const { env, stderr } = process;
  // For `yaml`, which stands beside this package.
  const config = readConfig(env.OUTRIGGER_CONFIG, createRequire(import.meta.url));
  config.client.install();
  if (isMainThread && !isOn(env.OUTRIGGER_SILENT))
    stderr.write(`${inOneLine(version(), config)}\n`);
  return config.client;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value);
}

/** The path is the same from `src/` and from `dist/`. */
function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
