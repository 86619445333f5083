/**
 * `npm run soak`: minutes of mixed traffic through one client with every layer on, after which nothing of it may be left.
 * The exit code is 1 when something is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Child } from '../child.mjs';
import { everyLayer } from './client.mjs';
import { line, heading, summary } from './report.mjs';
import { stateAtRest } from './state.mjs';
import { Traffic } from './traffic.mjs';
import { notFlat } from './verdict.mjs';

const help = `npm run soak -- [options]

Mixed traffic through one client with every layer on; memory, connections and listeners must be flat afterwards.

  --minutes N   how long (default 5); the first counts as warm-up
  --workers N   calls at once (default 32)
  --seed N      what the calls are (default: drawn, and printed)
  --help        this text
`;

/** Minutes between two samples. */
const STEP = 0.5;
const WARM_UP = 1;
/** Milliseconds within which idle connections, and those of a client that is closed, must be gone. */
const GONE = 5000;

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

/** @param {string} name @param {string | undefined} text @param {number} usual */
function numberOf(name, text, usual) {
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  process.stderr.write(`--${name} takes a number above zero, not '${text}'\n\n${help}`);
  return process.exit(2);
}

/** @param {() => boolean | Promise<boolean>} isSo */
async function within(isSo) {
  for (const until = performance.now() + GONE; performance.now() < until; await sleep(50)) {
    if (await isSo()) return true;
  }
  return false;
}

/** @param {{ minutes: number, workers: number, seed: number }} options */
async function soak({ minutes, workers, seed }) {
  const { createResilientClient } = await import('../../dist/index.js');
  const { seededRandom } = await import('../../dist/testing.js');
  const collect = globalThis.gc;
  if (collect === undefined)
    throw new Error('start it with node --expose-gc, as npm run soak does');
  say(
    `Node ${process.versions.node}, ${minutes} minutes, ${workers} calls at once, --seed ${seed}`,
  );

  /** @type {string[]} */
  const wrong = [];
  process.on('warning', ({ name, message }) => {
    // The platform's fetch, on which encoded and redirected answers are, leaves its listeners to the garbage collection.
    if (!message.includes('abort listeners added to [AbortSignal]')) {
      wrong.push(`warning: ${name}: ${message}`);
    }
  });
  const server = new Child('soak/server.mjs');
  const sockets = () => server.ask('sockets');
  const origins = await server.ask('origins');
  const resources = () => process.getActiveResourcesInfo().sort().join();
  const base = resources();

  const client = everyLayer(createResilientClient, origins);
  const traffic = new Traffic({
    fetch: client.fetch,
    randomOf: (index) => seededRandom(seed * 2 ** 20 + index),
    across: new URL(origins[0]).host,
  });
  const samples = [];
  say(heading());
  const steps = Math.max(1, Math.round(minutes / STEP));
  for (let step = 1; step <= steps; step++) {
    const before = traffic.calls;
    const until = performance.now() + STEP * 60_000;
    const work = async () => {
      while (performance.now() < until) await traffic.call();
    };
    await Promise.all(Array.from({ length: workers }, work));
    const sample = {
      ...(await stateAtRest(client, traffic, sockets, collect)),
      minute: step * STEP,
    };
    if (sample.minute >= Math.min(WARM_UP, minutes)) samples.push(sample);
    say(line({ ...sample, calls: traffic.calls - before }));
  }

  wrong.push(...traffic.wrong, ...notFlat(samples));
  for (const words of traffic.uncollected.values()) wrong.push(`left, not collected: ${words}`);
  const open = () =>
    client.endpoints().reduce((sum, { connections }) => sum + connections.open, 0) === 0;
  if (!(await within(open))) wrong.push('connections without work are still open');
  if (!(await within(async () => (await sockets()) === 0)))
    wrong.push('the server has sockets still');
  say(summary(traffic, client.stats(), samples));
  await client.close();
  if (!(await within(() => resources() === base))) {
    wrong.push(`active resources: ${resources()}; before the client: ${base}`);
  }
  server.end();
  return wrong;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    workers: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  say(help);
} else {
  const wrong = await soak({
    minutes: numberOf('minutes', values.minutes, 5),
    workers: numberOf('workers', values.workers, 32),
    seed: numberOf('seed', values.seed, 1 + (Date.now() % 1_000_000)),
  });
  say(wrong.length === 0 ? '\nFlat: nothing is left.' : `\nNot flat:\n- ${wrong.join('\n- ')}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
