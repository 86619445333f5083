/** Runs experiments one after the other, each on a fleet of its own, and reports them. */
import type { Check } from './checks.js';
import type { Experiment, Findings } from './experiment.js';
import { Fleet } from './fleet.js';
import { type Pace, describePace, isFull } from './pace.js';
import { type ProgressStream, progressOn } from './progress.js';
import { conclude, introduce, paintWith, tell, wrapped } from './report.js';

export interface LabSettings {
  readonly experiments: readonly Experiment[];
  readonly pace: Pace;
  readonly seed: number;
  /** One JSON document in place of the report. */
  readonly json: boolean;
  /** Of the package, for the JSON document. */
  readonly version: string;
  /** The compiled `fleet-process`. */
  readonly fleetEntry: URL;
}

/** Where the lab writes. */
export interface LabOutput {
  /** The report, or the JSON document: standard output. */
  write(text: string): void;
  readonly colours: boolean;
  /** Progress and trouble: standard error. */
  readonly errors: ProgressStream;
}

/** An experiment that could not be finished. */
interface Broken {
  readonly error: string;
}

/**
 * Answers the exit code: 0 when every check passed, 1 when one failed or an experiment could not be finished.
 * @throws the signal's reason when it is aborted; nothing is left running then.
 */
export async function runLab(
  settings: LabSettings,
  output: LabOutput,
  signal: AbortSignal,
): Promise<0 | 1> {
  const { experiments, pace, seed, json } = settings;
  const paint = paintWith(output.colours && !json);
  const say = (text: string): void => {
    if (!json) output.write(text);
  };
  const outcomes: { experiment: Experiment; outcome: Findings | Broken }[] = [];
  const checks: Check[] = [];
  let broken = 0;

  say(`${wrapped(`Seed ${seed}. ${describePace(pace)}`).join('\n')}\n\n`);
  for (const experiment of experiments) {
    say(introduce(experiment, paint));
    const outcome = await runOne(experiment, settings, output.errors, signal);
    outcomes.push({ experiment, outcome });
    if ('error' in outcome) {
      broken += 1;
      output.errors.write(`${experiment.name} could not be finished: ${outcome.error}\n`);
    } else {
      checks.push(...outcome.checks);
      say(tell(outcome, paint));
    }
  }

  const passed = broken === 0 && checks.every((check) => check.passed);
  if (json) output.write(`${JSON.stringify(document(settings, outcomes, passed), undefined, 2)}\n`);
  else if (checks.length > 0) say(conclude(checks, paint));
  return passed ? 0 : 1;
}

async function runOne(
  experiment: Experiment,
  { pace, seed, fleetEntry }: LabSettings,
  errors: ProgressStream,
  signal: AbortSignal,
): Promise<Findings | Broken> {
  signal.throwIfAborted();
  let fleet: Fleet | undefined;
  try {
    fleet = await Fleet.start(fleetEntry);
    const either = AbortSignal.any([signal, fleet.lost]);
    const progress = progressOn(errors);
    const findings = await experiment.run({ fleet, pace, seed, progress, signal: either });
    either.throwIfAborted();
    return findings;
  } catch (error) {
    signal.throwIfAborted();
    const cause: unknown = fleet?.lost.aborted === true ? fleet.lost.reason : error;
    return { error: cause instanceof Error ? cause.message : String(cause) };
  } finally {
    await fleet?.stop();
  }
}

function document(
  { pace, seed, version }: LabSettings,
  outcomes: readonly { experiment: Experiment; outcome: Findings | Broken }[],
  passed: boolean,
): unknown {
  return {
    outrigger: version,
    node: process.version,
    seed,
    full: isFull(pace),
    speedup: pace.speedup,
    secondsPerRun: pace.seconds,
    passed,
    experiments: outcomes.map(({ experiment: { name, title }, outcome }) =>
      'error' in outcome
        ? { name, title, passed: false, error: outcome.error }
        : {
            name,
            title,
            passed: outcome.checks.every((check) => check.passed),
            results: outcome.results,
            words: outcome.words,
            checks: outcome.checks,
          },
    ),
  };
}
