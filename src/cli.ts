#!/usr/bin/env node
/** The `outrigger` command. Exit codes: 0 done, 1 a failed check, 2 wrong use, 130 interrupted. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addLabCommand } from './lab/command.js';

const WRONG_USE = 2;

/** Both paths are the same from `src/` and from `dist/`. */
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};
const fleetEntry = new URL('./lab/fleet-process.js', import.meta.url);

const { stdout, stderr, env } = process;
const program = new Command('outrigger')
  .description('The command of the resilience client Outrigger')
  .version(manifest.version)
  .showHelpAfterError('(--help says more)')
  .exitOverride();

addLabCommand(program, {
  version: manifest.version,
  fleetEntry,
  output: {
    write: (text) => void stdout.write(text),
    colours: stdout.isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    errors: stderr,
  },
  done: (code) => {
    process.exitCode = code;
  },
});

// Until something has come to its end: a process that runs out of things to wait for must not look like a success.
process.exitCode = 1;
program.parseAsync().catch((error: unknown) => {
  // Commander has said what is wrong; asking for help or for the version is no mistake, but saying nothing is.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE;
});
