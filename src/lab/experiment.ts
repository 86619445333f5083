/** What an experiment is: one pattern of the chapter, run on the fleet and checked. */
import type { Check } from './checks.js';
import type { Fleet } from './fleet.js';
import type { Pace } from './pace.js';
import type { Progress } from './progress.js';

/** One file in `experiments/` each. */
export interface Experiment {
  /** What one writes on the command line: `load-balancing`. */
  readonly name: string;
  /** One line. */
  readonly title: string;
  /** What the chapter did, as YAML. */
  readonly chapter: string;
  /** What one writes here, as code. */
  readonly code: string;
  /**
   * Lives through it.
   * @throws whatever keeps it from being finished; a figure that disappoints is a failed check instead.
   */
  run(context: ExperimentContext): Promise<Findings>;
}

/** What an experiment is given. */
export interface ExperimentContext {
  /** Empty at the start; what is left in it at the end is stopped. */
  readonly fleet: Fleet;
  readonly pace: Pace;
  /** Whatever is drawn is to come from this seed. */
  readonly seed: number;
  readonly progress: Progress;
  /** Aborted when the user has had enough, or the fleet is lost: end at once. */
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface Findings {
  /** For machines: plain data, in the chapter's scale. */
  readonly results: readonly Readonly<Record<string, unknown>>[];
  readonly tables: readonly Table[];
  readonly histograms: readonly Histogram[];
  /** One sentence on what it shows. */
  readonly words: string;
  readonly checks: readonly Check[];
}

export interface Table {
  readonly head: readonly string[];
  /** Text cells; a number is written by whoever knows its digits. All but the first `labels` columns stand right. */
  readonly rows: readonly (readonly string[])[];
  /** How many columns from the left hold words. */
  readonly labels: number;
  /** Sentences below it. */
  readonly notes: readonly string[];
}

/** How often which latency was seen. */
export interface Histogram {
  readonly title: string;
  /** Inner bounds of the buckets, rising. */
  readonly bounds: readonly number[];
  /** Rising. */
  readonly samples: Float64Array;
  readonly unit: string;
}
