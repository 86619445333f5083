/** `npm run bench`: prices a call, and the parts of the package, beside what people use today. */
import { availableParallelism, loadavg } from 'node:os';
import { readFileSync } from 'node:fs';
import { help, parseOptions, UsageError } from './options.mjs';
import { buildStamp, prepare, versionOf } from './prepare.mjs';

const say = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);

/** What is being done, on one line that is written over; plain lines where there is no terminal. */
function progress(/** @type {string} */ line) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

/** Leaves the terminal's line of progress empty. */
function endProgress() {
  if (process.stderr.isTTY) progress('');
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  prepare(say, options.micro || options.sets > 0 || options.rows.some(({ ours }) => ours === true));

  // What is imported from here on needs what `prepare` has put there.
  const { measureCalls } = await import('./calls.mjs');
  const { measureClose } = await import('./close.mjs');
  const { measureMicro } = await import('./micro/measure.mjs');
  const { checkCeilings } = await import('./ceilings.mjs');
  const { report } = await import('./report.mjs');
  const { writeDocs } = await import('./docs.mjs');

  const stamp = buildStamp();
  const packages = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const clients = Object.keys(packages.dependencies).map((name) => [
    name,
    versionOf(name, 'bench/'),
  ]);
  const measured = {
    setting: {
      node: process.versions.node,
      undici: versionOf('undici', ''),
      benchUndici: versionOf('undici', 'bench/'),
      cores: availableParallelism(),
      load: loadavg()[0] ?? 0,
      clients: Object.fromEntries(clients),
    },
    options: {
      rounds: options.rounds,
      requests: options.requests,
      sets: options.sets,
      seed: options.seed,
    },
    calls: options.calls ? await measureCalls({ ...options, progress }) : undefined,
    close: options.sets > 0 ? await measureClose({ ...options, progress }) : undefined,
    micro: options.micro ? await measureMicro({ ...options, progress }) : undefined,
  };
  if (stamp !== buildStamp()) throw new Error('dist/ was built anew while it was being measured');
  const results = { ...measured, ceilings: checkCeilings(measured) };
  endProgress();

  process.stdout.write(
    options.json ? `${JSON.stringify(results, null, 2)}\n` : `${report(results)}\n`,
  );
  if (options.svg) {
    writeDocs(results);
    say('docs/bench.svg and docs/bench.md are written');
  }
  return options.check && results.ceilings.some(({ verdict }) => verdict === 'exceeded') ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  endProgress();
  const wrongUse = error instanceof UsageError;
  say(
    wrongUse ? `${error.message}\n\n${help}` : String(error instanceof Error ? error.stack : error),
  );
  process.exitCode = wrongUse ? 2 : 1;
}
