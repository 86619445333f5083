/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { rows } from './rows.mjs';
import { works } from './works.mjs';

export const help = `npm run bench -- [options]

What a call costs with Outrigger and with other clients, side by side on 127.0.0.1.

  --rounds N      rounds in which every row gets one batch (default 15; with --quick 4)
  --requests N    requests in a batch of a cheap row, dear ones make a quarter of it
                  (default 2000; with --quick 1000)
  --sets N        sets of fresh processes in which client.fetch is compared closely
                  with one or two others alone, to judge the ceilings: 6 or more
                  (default 9; 0 with --quick or --rows)
  --works A,B     only these kinds of work in the close comparisons:
                  ${works.map(({ id }) => id).join(', ')}
  --rows A,B      only these rows, and those that are measured only when named:
                  ${rows
                    .map(({ id }) => id)
                    .join(', ')
                    .replace(/(.{60,75}?) /g, '$1\n                  ')}
  --only PART     'calls' (the table of clients), 'close' (the close comparisons)
                  or 'micro' (picks, updates, imports, size, memory)
  --quick         fewer rounds, under 90 seconds
  --seed N        the order of the rows within each round (default: drawn, and printed)
  --svg           write the picture docs/bench.svg and the figures in docs/bench.md
  --check         exit code 1 when a ceiling is surely exceeded (not when undecided)
  --json          one JSON document on standard output and nothing else there
  --help          this text
`;

/**
 * @typedef {object} BenchOptions
 * @property {number} rounds
 * @property {number} requests
 * @property {number} sets
 * @property {readonly import('./rows.mjs').Row[]} rows
 * @property {readonly import('./works.mjs').Work[]} works
 * @property {boolean} calls
 * @property {boolean} micro
 * @property {boolean} quick
 * @property {number} seed
 * @property {boolean} svg
 * @property {boolean} check
 * @property {boolean} json
 * @property {boolean} help
 */

/** A wrong use of the command line; `run.mjs` prints the message and exits with 2. */
export class UsageError extends Error {}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 */
function wholeNumber(name, text, least) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`--${name} takes a whole number from ${least}, not '${text}'`);
  }
  return value;
}

/** @param {string | undefined} names */
function chooseRows(names) {
  if (names === undefined) return rows.filter(({ extra }) => extra !== true);
  return names.split(',').map((name) => {
    const row = rows.find(({ id }) => id === name);
    if (row !== undefined) return row;
    throw new UsageError(
      `--rows: no row is called '${name}'; there are ${rows.map(({ id }) => id).join(', ')}`,
    );
  });
}

/** @param {string | undefined} names */
function chooseWorks(names) {
  if (names === undefined) return works;
  return names.split(',').map((name) => {
    const work = works.find(({ id }) => id === name);
    if (work !== undefined) return work;
    throw new UsageError(
      `--works: no kind of work is called '${name}'; there are ${works.map(({ id }) => id).join(', ')}`,
    );
  });
}

/**
 * @param {readonly string[]} args
 * @returns {BenchOptions}
 */
export function parseOptions(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string' },
        requests: { type: 'string' },
        sets: { type: 'string' },
        rows: { type: 'string' },
        works: { type: 'string' },
        only: { type: 'string' },
        seed: { type: 'string' },
        quick: { type: 'boolean', default: false },
        svg: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
  const { quick = false, only } = values;
  if (only !== undefined && !['calls', 'close', 'micro'].includes(only)) {
    throw new UsageError(`--only takes 'calls', 'close' or 'micro', not '${only}'`);
  }
  const chosen = chooseRows(values.rows);
  const isPart = [only, values.rows, values.works].some((choice) => choice !== undefined);
  if (values.svg === true && isPart) {
    throw new UsageError(
      '--svg writes the whole page: it goes with none of --only, --rows, --works',
    );
  }
  const isClose = (!quick && values.rows === undefined) || only === 'close';
  return {
    rounds: wholeNumber('rounds', values.rounds ?? (quick ? '4' : '15'), 1),
    requests: wholeNumber('requests', values.requests ?? (quick ? '1000' : '2000'), 100),
    sets: wholeNumber('sets', values.sets ?? (isClose && only !== 'micro' ? '9' : '0'), 0),
    rows: chosen,
    works: chooseWorks(values.works),
    calls: only === undefined || only === 'calls',
    // Whoever names rows wants those rows alone.
    micro: only === 'micro' || (only === undefined && values.rows === undefined),
    quick,
    seed:
      values.seed === undefined
        ? Math.floor(Math.random() * 2 ** 32)
        : wholeNumber('seed', values.seed, 0),
    svg: values.svg ?? false,
    check: values.check ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}
