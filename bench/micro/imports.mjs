/** How long loading a package takes: one fresh process per sample, the packages taking turns. */
import { execFile } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createRequire } from 'node:module';
import { summarise } from '../stats.mjs';

const run = promisify(execFile);
const dist = new URL('../../dist/', import.meta.url);

/** The undici that the package itself uses. */
const undici = createRequire(dist).resolve('undici');

const esm = (/** @type {string} */ url) =>
  `const t = performance.now(); await import(${JSON.stringify(url)}); console.log(performance.now() - t);`;
const cjs = (/** @type {string} */ file) =>
  `const t = performance.now(); require(${JSON.stringify(file)}); console.log(performance.now() - t);`;

/** @type {readonly { title: string, args: readonly string[] }[]} */
const imports = [
  {
    title: 'outrigger, import',
    args: ['--input-type=module', '-e', esm(new URL('index.js', dist).href)],
  },
  {
    title: 'outrigger, require',
    args: ['--input-type=commonjs', '-e', cjs(fileURLToPath(new URL('index.cjs', dist)))],
  },
  {
    title: 'undici, import',
    args: ['--input-type=module', '-e', esm(pathToFileURL(undici).href)],
  },
  { title: 'undici, require', args: ['--input-type=commonjs', '-e', cjs(undici)] },
];

/**
 * @param {number} samples processes per package
 * @returns {Promise<{ title: string, ms: import('../stats.mjs').Summary }[]>}
 */
export async function measureImports(samples) {
  const times = imports.map(() => /** @type {number[]} */ ([]));
  // The first turn fills the file cache and does not count.
  for (let turn = -1; turn < samples; turn++) {
    for (const [i, { args }] of imports.entries()) {
      const { stdout } = await run(process.execPath, [...args]);
      if (turn >= 0) times[i]?.push(Number(stdout));
    }
  }
  return imports.map(({ title }, i) => ({ title, ms: summarise(times[i] ?? []) }));
}
