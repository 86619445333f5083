/** Clients that are installed for a test, and what stands in the process's places. */
import { onTestFinished } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import { clientFor } from './client.js';

export function installed(options?: ClientOptions): ResilientClient {
  const client = clientFor(options);
  const installation = client.install();
  onTestFinished(() => installation[Symbol.dispose]());
  return client;
}

/** The fetch and the two dispatchers. */
export function places(): unknown[] {
  Reflect.get(globalThis, 'Response');
  return [
    globalThis.fetch,
    ...[1, 2].map(
      (number) =>
        (globalThis as Record<symbol, unknown>)[Symbol.for(`undici.globalDispatcher.${number}`)],
    ),
  ];
}

/** Puts them back as they are now when the test is over. */
export function restoredAfterwards(): void {
  const [fetchBefore, ...dispatchers] = places();
  onTestFinished(() => {
    globalThis.fetch = fetchBefore as typeof fetch;
    for (const [index, dispatcher] of dispatchers.entries()) {
      const slot = Symbol.for(`undici.globalDispatcher.${index + 1}`);
      // One that was not there on Node 20 or 22 cannot be taken away again.
      if (dispatcher !== undefined) (globalThis as Record<symbol, unknown>)[slot] = dispatcher;
    }
  });
}

/** Attempts of a client carry it, and nothing else does. */
export const MARK = 'x-envoy-attempt-count';
