/**
 * One check, run with the platform's fetch and with ours against the same server: what was seen, and what the server was
 * asked, must be the same. The platform is the oracle: no expectation is written by hand where it can be observed.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResilientClient, type ClientOptions } from '../../src/index.js';
import type { Deliberate } from './deliberate.js';
import { ScriptServer, type Answer, type Asked } from './script-server.js';
import { outcome } from './seen.js';

export type Fetch = typeof globalThis.fetch;

/** What a check has at hand. */
export interface Bench {
  /** The platform's, or ours. */
  readonly fetch: Fetch;
  /** Where the server is, as `http://127.0.0.1:1234`. */
  readonly url: string;
  /** Another origin, served by the same script. */
  readonly otherUrl: string;
  /** Which of them this is: for the few steps that are not the same in both, such as forcing a garbage collection. */
  readonly side: 'platform' | 'ours';
  /** Nothing listens there. */
  readonly deadUrl: string;
}

/** Gives back what was seen, as plain data. */
export type Observe = (bench: Bench) => unknown;

export interface CheckOptions {
  /** How the server answers; 'fine' otherwise. */
  readonly answer?: Answer;
  /** It must differ, for this reason: when it no longer does, the check fails, so that the list stays true. */
  readonly differs?: Deliberate;
  /** Parts of what the server was asked that are no matter here, such as a boundary drawn by chance. */
  readonly clean?: (asked: Asked) => Asked;
  /** Options of our client, above the usual. */
  readonly client?: ClientOptions;
}

/** Every layer is on, but nothing is sent twice: the platform does not either. */
const policy: ClientOptions = {
  timeout: '10s',
  retry: { attempts: 0 },
  hedge: { delay: '9s' },
  outlierDetection: { maxEjectionPercent: 0 },
  envoyHeaders: false,
};

const servers: ScriptServer[] = [];

/** Opens the servers of a test file. To be called once, at its top. */
export function useServers(): void {
  beforeAll(async () => {
    servers.push(await ScriptServer.open(), await ScriptServer.open());
  });
  afterAll(async () => {
    for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
  });
}

/** Registers a check as a test. */
export function sameAsPlatform(name: string, observe: Observe, options: CheckOptions = {}): void {
  test(name, async () => {
    const expected = await observed('platform', observe, options);
    const found = await observed('ours', observe, options);
    if (options.differs === undefined) expect(found).toEqual(expected);
    else expect(found, `no longer differs: ${options.differs}`).not.toEqual(expected);
  });
}

/** What came of it on one side, and what the servers were asked. */
export async function observed(
  side: Bench['side'],
  observe: Observe,
  { answer, clean = (asked) => asked, client: options }: CheckOptions = {},
): Promise<{ readonly seen: unknown; readonly asked: unknown }> {
  const [first, second] = servers as [ScriptServer, ScriptServer];
  for (const server of servers) {
    server.asked.length = 0;
    server.answer = answer ?? ((_, response) => response.end('fine'));
  }
  const client = side === 'ours' ? createResilientClient({ ...policy, ...options }) : undefined;
  try {
    const seen = await outcome(() =>
      observe({
        fetch: client?.fetch ?? globalThis.fetch,
        url: `http://127.0.0.1:${first.port}`,
        otherUrl: `http://127.0.0.1:${second.port}`,
        deadUrl: 'http://127.0.0.1:1024',
        side,
      }),
    );
    const asked = [first.asked, second.asked].map((all) => all.map(clean).map(comparable));
    return { seen, asked };
  } finally {
    await client?.destroy();
  }
}

/** Headers by name: their order on the wire means nothing as long as equal names keep theirs. */
function comparable({ headers, ...asked }: Asked): unknown {
  const pairs = headers
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    // Ours keeps the connection of a HEAD ('head-keeps-connection').
    .filter(([name]) => name !== 'connection' || !asked.line.startsWith('HEAD '))
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { ...asked, headers: pairs };
}
