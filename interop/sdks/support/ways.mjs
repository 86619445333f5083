/** The two ways a request of an SDK can go: through what the platform has, and through Outrigger. */
import { createResilientClient } from 'outrigger';

const ENDINGS = new Set();

/** Closes whatever the test has opened. */
export async function closeAll() {
  const endings = [...ENDINGS];
  ENDINGS.clear();
  await Promise.all(endings.map((end) => end()));
}

/** Calls back when the test is over. */
export function atTheEnd(end) {
  ENDINGS.add(end);
}

/**
 * `over` is 'fetch', or a version of undici, where a dispatcher is what is handed to the SDK; either is called `via`.
 * Where undici is imported, the fetch of Node 20 refuses a content-length of the caller's: so that is left to the tests.
 */
export function throughPlatform(over) {
  if (over === 'fetch') return { via: globalThis.fetch };
  const agent = new over.Agent();
  atTheEnd(() => agent.destroy());
  return { via: agent };
}

/** `explained` fills with the story of each answer of `fetch`. */
export function throughOutrigger(over, options = {}) {
  const client = createResilientClient(options);
  atTheEnd(() => client.destroy());
  if (over !== 'fetch') return { via: client.dispatcher, client, explained: [] };
  const explained = [];
  const { fetch, explain } = client;
  async function explainedFetch(...args) {
    const response = await fetch(...args);
    explained.push(() => explain(response));
    return response;
  }
  return { via: explainedFetch, client, explained };
}

/** The sum of a counter over all clusters. */
export function counted(client, stat) {
  return Object.entries(client.stats())
    .filter(([name]) => name.endsWith(`.${stat}`))
    .reduce((sum, [, value]) => sum + value, 0);
}

/** Resolves when nothing is in flight any more. */
export async function idle(client) {
  while (client.endpoints().some(({ active }) => active > 0)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
