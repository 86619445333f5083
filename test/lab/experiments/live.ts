/** Runs an experiment over the real fleet, at a pace too short for its checks to be held to. */
import { PassThrough } from 'node:stream';
import { expect } from 'vitest';
import type { Check } from '../../../src/lab/checks.js';
import type { Experiment } from '../../../src/lab/experiment.js';
import { runLab } from '../../../src/lab/lab.js';
import type { Pace } from '../../../src/lab/pace.js';
import { fleetEntry } from '../built-command.js';

export interface Told<Row> {
  readonly results: readonly Row[];
  readonly words: string;
  readonly checks: readonly Check[];
}

/** What it tells as JSON; the exit code agrees with its checks. */
export async function tellOf<Row>(experiment: Experiment, pace: Pace): Promise<Told<Row>> {
  let out = '';
  const errors = new PassThrough();
  const settings = {
    experiments: [experiment],
    pace,
    seed: 1,
    json: true,
    version: '1.2.3',
    fleetEntry,
  };
  const output = { write: (text: string) => void (out += text), colours: false, errors };
  const code = await runLab(settings, output, new AbortController().signal);
  const { passed, experiments } = JSON.parse(out) as {
    passed: boolean;
    experiments: [Told<Row> & { error?: string }];
  };
  const [told] = experiments;
  expect(told.error).toBeUndefined();
  expect(passed).toBe(told.checks.every((check) => check.passed));
  expect(code).toBe(passed ? 0 : 1);
  expect(told.words).toMatch(/^What it shows: /);
  return told;
}
