/** `outrigger lab`: its words and options, and what they start. */
import { randomInt } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import type { Experiment } from './experiment.js';
import { experiments as registry } from './experiments/index.js';
import { type LabOutput, type LabSettings, runLab } from './lab.js';
import { nearestName } from './nearest.js';
import { fullPace, quickPace } from './pace.js';

/** What the command needs of the process it runs in. */
export interface LabSurroundings {
  readonly version: string;
  /** The compiled `fleet-process`. */
  readonly fleetEntry: URL;
  readonly output: LabOutput;
  /** Told the exit code at the end, when the command was used rightly. */
  readonly done: (code: number) => void;
}

interface Flags {
  readonly full?: true;
  readonly json?: true;
  readonly seed?: number;
}

const LARGEST_SEED = 2 ** 32 - 1;
/** The exit code of a command that was interrupted, as a shell reports it. */
const INTERRUPTED = 130;
/** Milliseconds after a first Ctrl-C in which a further one means nothing. */
const PATIENCE = 1000;

/** Adds the command. A wrong use ends in commander's error. */
export function addLabCommand(program: Command, surroundings: LabSurroundings): void {
  const lab = program.command('lab');
  lab
    .description("run the chapter's experiments on an embedded fleet, on this machine alone")
    .argument('[experiments...]', 'names of experiments, or "list" to see them (default: all)')
    .option('--full', "the chapter's own times and durations: minutes in place of seconds")
    .option('--json', 'one JSON document on standard output and nothing else there')
    .option('--seed <number>', 'repeat the chance of an earlier run', seedOf)
    .version(surroundings.version)
    .addHelpText(
      'after',
      '\nExit codes: 0 every check passed, 1 a check failed, 2 wrong use, 130 interrupted.',
    )
    .action(async (names: readonly string[], flags: Flags) => {
      if (names[0] === 'list') {
        if (names.length > 1) lab.error("error: 'list' stands alone");
        surroundings.output.write(list(registry, flags.json === true));
        surroundings.done(0);
        return;
      }
      const settings = {
        experiments: choose(names, registry, (problem) => lab.error(problem)),
        pace: flags.full === true ? fullPace : quickPace,
        seed: flags.seed ?? randomInt(LARGEST_SEED),
        json: flags.json === true,
        version: surroundings.version,
        fleetEntry: surroundings.fleetEntry,
      };
      surroundings.done(await runUntilInterrupted(settings, surroundings.output));
    });
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > LARGEST_SEED) {
    throw new InvalidArgumentError(`It is a whole number from 0 to ${LARGEST_SEED}.`);
  }
  return seed;
}

/** Those that are named, each once and in the order of the registry; all when none is. */
function choose(
  names: readonly string[],
  known: readonly Experiment[],
  refuse: (problem: string) => never,
): readonly Experiment[] {
  const all = known.map(({ name }) => name);
  for (const name of names) {
    if (all.includes(name)) continue;
    const nearest = nearestName(name, all);
    const help =
      nearest === undefined ? `they are ${all.join(', ')}` : `did you mean '${nearest}'?`;
    refuse(`error: no experiment is called '${name}'; ${help}`);
  }
  return names.length === 0 ? known : known.filter(({ name }) => names.includes(name));
}

function list(known: readonly Experiment[], json: boolean): string {
  if (json) {
    const named = known.map(({ name, title }) => ({ name, title }));
    return `${JSON.stringify(named, undefined, 2)}\n`;
  }
  const width = Math.max(...known.map(({ name }) => name.length));
  return known.map(({ name, title }) => `${name.padEnd(width)}  ${title}\n`).join('');
}

/**
 * A first Ctrl-C ends the lab in order; one that comes a second later or more, when that seems to hang, at once. Those
 * in between are the same key press: under `npm start`, the terminal and npm both pass it on.
 */
async function runUntilInterrupted(settings: LabSettings, output: LabOutput): Promise<number> {
  const interruption = new AbortController();
  let first: number | undefined;
  const interrupt = (): void => {
    first ??= performance.now();
    if (performance.now() - first > PATIENCE) process.exit(INTERRUPTED);
    interruption.abort();
  };
  // It stays until the process ends, which it does not keep alive.
  process.on('SIGINT', interrupt);
  try {
    return await runLab(settings, output, interruption.signal);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    output.errors.write('\nInterrupted; the fleet has been stopped.\n');
    return INTERRUPTED;
  }
}
