import type { ResilientClient } from '../../../src/index.js';

/** Says which endpoints go and come back for as long as the work goes on, and where they stand afterwards. */
export async function watched(client: ResilientClient, work: () => Promise<void>): Promise<void> {
  using _ejections = client.onEjection(({ endpoint, reason, ejectionTime }) => {
    console.warn(`${endpoint} is out for ${ejectionTime} ms or longer: ${reason}`);
  });
  const returns = client.onReturn(({ endpoint, ejectedFor }) => {
    console.warn(`${endpoint} is back after ${ejectedFor} ms`);
  });
  try {
    await work();
  } finally {
    returns[Symbol.dispose](); // what `using` does by itself
  }
  for (const { url, healthy, active } of client.endpoints()) console.info(url, healthy, active);
}
