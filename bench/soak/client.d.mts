/** For the test that makes the same traffic. */
import type { createResilientClient, ResilientClient } from '../../src/index.js';

export declare function everyLayer(
  create: typeof createResilientClient,
  origins: readonly string[],
): ResilientClient;
