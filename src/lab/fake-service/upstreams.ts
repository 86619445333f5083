/** The calls that a backend makes to the services behind it, through a resilient client of its own. */
import { createResilientClient } from '../../index.js';
import { seededRuntime } from '../runtime.js';
import type { FakeServiceOptions } from './options.js';

/** By URI: what the upstream answered, as JSON; or its code alone, when what it said is no JSON. */
export type UpstreamCalls = Readonly<Record<string, unknown>>;

/** What came of the calls made for one request. */
export interface UpstreamResult {
  readonly calls: UpstreamCalls;
  /** The status of the first upstream that failed; those after it were not called. */
  readonly failed?: number;
}

export interface Upstreams {
  call(): Promise<UpstreamResult>;
  /** Fails what is under way. */
  stop(): Promise<void>;
}

/** Undefined for a backend that calls nobody. */
export function upstreamsOf(options: FakeServiceOptions): Upstreams | undefined {
  const { upstreamUris = [], upstreamOptions, seed = 1 } = options;
  if (upstreamUris.length === 0) return undefined;
  const client = createResilientClient({
    ...upstreamOptions,
    // What Envoy would answer in the client's place (503, 504) is then a status like any other.
    localReplies: 'respond',
    runtime: seededRuntime(seed),
  });
  return {
    async call() {
      const calls: Record<string, unknown> = {};
      for (const uri of upstreamUris) {
        const { status, text } = await send(() => client.fetch(uri));
        calls[uri] = parse(text) ?? { uri, code: status };
        if (status >= 400) return { calls, failed: status };
      }
      return { calls };
    },
    stop: () => client.destroy(),
  };
}

/** A body that breaks off, and a client that is being stopped, leave no status to pass on: then it is 503. */
async function send(
  fetch: () => Promise<Response>,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch();
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 503, text: JSON.stringify({ code: 503, error: String(error) }) };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
