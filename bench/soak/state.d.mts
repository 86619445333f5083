/** For the test that makes the same traffic. */
import type { ResilientClient } from '../../src/index.js';
import type { Traffic } from './traffic.mjs';

export interface State {
  readonly heap: number;
  readonly active: number;
  readonly open: number;
  readonly idle: number;
  readonly sockets: number;
  readonly listeners: number;
  readonly uncollected: number;
}

export declare function stateAtRest(
  client: ResilientClient,
  traffic: Traffic,
  sockets: () => Promise<number>,
  collect: () => void,
): Promise<State>;
