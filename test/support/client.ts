/** A client that is destroyed when the test is over. */
import { onTestFinished } from 'vitest';
import {
  createResilientClient,
  type ClientOptions,
  type ResilientClient,
} from '../../src/index.js';

export function clientFor(options?: ClientOptions): ResilientClient {
  const client = createResilientClient(options);
  onTestFinished(() => client.destroy());
  return client;
}
