/** For the test that makes the same traffic. */
import type { ResilientFetch } from '../../src/index.js';

export declare class Traffic {
  readonly calls: number;
  readonly bytes: number;
  readonly endings: ReadonlyMap<string, number>;
  readonly drawn: ReadonlyMap<string, number>;
  readonly uncollected: ReadonlyMap<number, string>;
  readonly wrong: readonly string[];
  readonly shared: AbortController;
  constructor(options: {
    readonly fetch: ResilientFetch;
    readonly randomOf: (index: number) => () => number;
    readonly across: string;
    readonly largest?: number;
    readonly pace?: number;
  });
  call(): Promise<void>;
}
