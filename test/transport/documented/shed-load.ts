import { OverflowError, type ResilientClient } from '../../../src/index.js';

/** Passes an order on; where there is no room for it, says so at once, and nobody waits for nothing. */
export async function passOn(backend: ResilientClient, order: string): Promise<Response> {
  try {
    return await backend.fetch('/orders', { method: 'POST', body: order });
  } catch (error) {
    if (!(error instanceof OverflowError)) throw error;
    console.warn(error.message, error.limit, error.value);
    return new Response('too many orders', { status: 503, headers: { 'retry-after': '1' } });
  }
}
