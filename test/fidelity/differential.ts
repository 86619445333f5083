/**
 * One check, run with the platform's fetch and with ours against the same server: what was seen, and what the server was
 * asked, must be the same. The platform is the oracle: no expectation is written by hand where it can be observed.
 */
import { isDeepStrictEqual } from 'node:util';
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
  /** Behind `url`: its `answer` may be set, and what it was `asked` be looked at, in the middle of a check. */
  readonly server: ScriptServer;
  /** Behind `otherUrl`. */
  readonly otherServer: ScriptServer;
}

/** Gives back what was seen, as plain data. */
export type Observe = (bench: Bench) => unknown;

export interface CheckOptions {
  /** How the server answers; 'fine' otherwise. */
  readonly answer?: Answer;
  /** It must differ, for this reason: when it no longer does, the check fails, so that the list stays true. */
  readonly differs?: Deliberate;
  /** With `differs`: only some versions of the platform do; on the others both agree. */
  readonly onSome?: boolean;
  /** It may differ, for this reason, where `where` holds: on some versions of the platform. */
  readonly mayDiffer?: { readonly reason: Deliberate; readonly where: () => boolean };
  /** With `differs`: what is seen of ours instead, as far as it matters. */
  readonly ours?: unknown;
  /** False where what the server is asked, if anything, depends on who is faster. */
  readonly compareAsked?: boolean;
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
  outlierDetection: { consecutive5xxErrors: 1_000_000 },
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
    if (options.mayDiffer?.where() === true) return;
    if (options.differs === undefined) {
      expect(found).toEqual(expected);
      return;
    }
    if (options.onSome === true && isDeepStrictEqual(found, expected)) return;
    expect(found, `no longer differs: ${options.differs}`).not.toEqual(expected);
    if (options.ours !== undefined) expect(found.seen).toMatchObject({ value: options.ours });
  });
}

/** What came of it on one side, and what the servers were asked. */
export async function observed(
  side: Bench['side'],
  observe: Observe,
  { answer, compareAsked = true, clean = (asked) => asked, client: options }: CheckOptions = {},
): Promise<{ readonly seen: unknown; readonly asked: unknown }> {
  const [first, second] = servers as [ScriptServer, ScriptServer];
  for (const server of servers) {
    server.asked = [];
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
        server: first,
        otherServer: second,
        side,
      }),
    );
    await Promise.all([first.hasRead(), second.hasRead()]);
    const asked = [first.asked, second.asked].map((all) => all.map(clean).map(comparable));
    return { seen, asked: compareAsked ? asked : undefined };
  } finally {
    await client?.destroy();
  }
}

/** A boundary is drawn by chance. */
const BOUNDARY = /(formdata-undici-)\d+/g;

/** Headers by name: their order on the wire means nothing as long as equal names keep theirs. */
function comparable({ headers, body, ...asked }: Asked): unknown {
  const pairs = headers
    .map(([name, value]) => [name, value.replace(BOUNDARY, '$1')] as const)
    // Ours keeps the connection of a HEAD ('head-keeps-connection').
    .filter(([name]) => name.toLowerCase() !== 'connection' || !asked.line.startsWith('HEAD '))
    .toSorted(([a], [b]) => order(a.toLowerCase(), b.toLowerCase()));
  return { ...asked, headers: pairs, body: body.replace(BOUNDARY, '$1') };
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
