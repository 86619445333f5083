/** One case of the fuzz: a request, what two servers say to it, and how the answer is read; and what is seen of it. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { createResilientClient, type ClientOptions } from '../../../src/index.js';
import { outcome, outside } from '../seen.js';
import { bytesOf, script, type DrawnAnswer } from './answers.js';
import { RawServer, type RawAsked } from './raw-server.js';
import { READINGS } from './readings.js';
import { argumentsOf, request, type DrawnRequest } from './requests.js';

export interface Case {
  readonly request: DrawnRequest;
  readonly here: readonly DrawnAnswer[];
  readonly other: readonly DrawnAnswer[];
  readonly reading: string;
}

export const anyCase: fc.Arbitrary<Case> = fc.record({
  request,
  here: script,
  other: script,
  reading: fc.constantFrom(...Object.keys(READINGS)),
});

/** Nothing is sent twice: the platform does not either. */
const POLICY: ClientOptions = {
  timeout: '30s',
  retry: false,
  envoyHeaders: false,
};

/** Milliseconds after which a call is taken for one that never ends. */
const NEVER = 8000;

/** How often a case that is seen differently is looked at. */
const TIMES = 3;

export interface Seen {
  readonly fetched: unknown;
  /** Of each server, in turn. */
  readonly asked: readonly (readonly unknown[])[];
}

/** Runs the case with the platform's fetch or with ours, against servers of its own. */
export async function see(side: 'platform' | 'ours', drawn: Case): Promise<Seen> {
  const servers: RawServer[] = [];
  const places = (text: string): string => {
    const hosts = servers.map(({ port }) => `127.0.0.1:${port}`);
    return text
      .replaceAll('{here-host}', hosts[0] ?? '')
      .replaceAll('{other-host}', hosts[1] ?? '')
      .replaceAll('{here}', `http://${hosts[0] ?? ''}`)
      .replaceAll('{other}', `http://${hosts[1] ?? ''}`)
      .replaceAll('{dead}', 'http://127.0.0.1:1024');
  };
  for (const answers of [drawn.here, drawn.other]) {
    let index = 0;
    servers.push(
      await RawServer.open((line) => {
        const answer = answers[Math.min(index++, answers.length - 1)] as DrawnAnswer;
        return bytesOf(answer, line, places);
      }),
    );
  }
  const client = side === 'ours' ? createResilientClient(POLICY) : undefined;
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise((resolve) => {
    timer = setTimeout(resolve, NEVER, 'never ends');
  });
  try {
    const fetch = client?.fetch ?? globalThis.fetch;
    const fetched = await Promise.race([
      outcome(async () => {
        const [input, init] = argumentsOf(drawn.request, places);
        const response = await fetch(input, init);
        const before = outside(response);
        const read = await outcome(() => READINGS[drawn.reading]?.(response));
        return { before, read, bodyUsed: response.bodyUsed };
      }),
      never,
    ]);
    const asked = servers.map((server) => server.asked.map(comparable));
    const ports = servers.map(({ port }) => String(port));
    return JSON.parse(
      withoutPorts(JSON.stringify({ fetched, asked }, withoutParser), ports),
    ) as Seen;
  } finally {
    clearTimeout(timer);
    await client?.destroy();
    for (const server of servers) await server[Symbol.asyncDispose]();
  }
}

/**
 * What is seen of both. What the platform makes of a race, such as an answer that ends while its redirect is followed,
 * may change from time to time: what is seen differently must be so each time.
 */
export async function compared(
  drawn: Case,
): Promise<{ readonly ours: Seen; readonly platform: Seen }> {
  for (let time = 1; ; time++) {
    const platform = withoutRace(drawn, await see('platform', drawn));
    const ours = withoutRace(drawn, await see('ours', drawn));
    if (time === TIMES || isDeepStrictEqual(ours, platform)) return { ours, platform };
  }
}

/**
 * Where a redirect breaks off as its head comes both fail. Whether the next hop has been asked for by then, and which of
 * two reasons is met first, is a matter of chance with the platform; ours does not ask for it.
 */
function withoutRace({ here, other }: Case, seen: Seen): Seen {
  const { error } = seen.fetched as { error?: { kind: string; message: string } };
  const isBroken = [...here, ...other].some(
    ({ status, cut, framing }) =>
      status > 300 && status < 309 && (cut !== undefined || framing.startsWith('too')),
  );
  if (!isBroken || error?.message !== 'fetch failed' || isLostBuffer(seen)) return seen;
  return { fetched: { error: { kind: error.kind, message: error.message } }, asked: [] };
}

/**
 * Node 20 and 22 cannot send bytes a second time: they have given the buffer away when a redirect asks for it, and fail.
 * Ours sends them.
 */
export function isLostBuffer({ fetched }: Seen): boolean {
  return JSON.stringify(fetched).includes('on a detached ArrayBuffer');
}

/** What is no HTTP is judged by the parser at hand, which is that of our own undici ('parser'). */
function withoutParser(_key: string, value: unknown): unknown {
  const isParser = (value as { name?: unknown } | null)?.name === 'HTTPParserError';
  return isParser ? { name: 'HTTPParserError' } : value;
}

function withoutPorts(text: string, ports: readonly string[]): string {
  return ports.reduce((all, port, index) => all.replaceAll(`:${port}`, `:<port ${index}>`), text);
}

/** A boundary is drawn by chance. */
const BOUNDARY = /(formdata-undici-)\d+/g;

/** Names of headers, and those of equal name in their order. The connection of a HEAD is kept by ours. */
function comparable({ line, headers, body, whole }: RawAsked): unknown {
  const pairs = headers
    .map(([name, value]) => [name.toLowerCase(), value.replace(BOUNDARY, '$1')] as const)
    .filter(([name]) => name !== 'connection' || !line.startsWith('HEAD '))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { line, headers: pairs, body: body.replace(BOUNDARY, '$1'), whole };
}
