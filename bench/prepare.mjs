/** What must be there before anything is measured: the other clients, and a build of the package. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Standard output is kept free for --json.
  const { status, error } = spawnSync(command, [...args], {
    cwd,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}`);
}

/**
 * The time of the newest file below a folder.
 * @param {string} folder
 */
function newest(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .reduce((last, file) => Math.max(last, statSync(`${file.parentPath}/${file.name}`).mtimeMs), 0);
}

/**
 * @param {(line: string) => void} say
 * @param {boolean} ours whether Outrigger itself is measured
 */
export function prepare(say, ours) {
  if (!existsSync(`${here}node_modules/undici`)) {
    say('installing the other clients into bench/node_modules (npm ci) …');
    npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], here);
  }
  if (!ours) return;
  const entry = `${root}dist/index.js`;
  // The quick build of `npm start` makes no CommonJS.
  if (!existsSync(entry) || !existsSync(`${root}dist/index.cjs`)) {
    say('building the package (npm run build) …');
    npm(['run', 'build'], root);
  } else if (newest(`${root}src`) > statSync(entry).mtimeMs) {
    say('note: src/ is newer than dist/; what is measured is the older build (npm run build)');
  }
}

/** Changes whenever the package is built; rows start afresh during a run and must all meet the same build. */
export function buildStamp() {
  const entries = ['index.js', 'index.cjs'].map((file) => `${root}dist/${file}`);
  return entries.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)).join();
}

/**
 * The version of an installed package, as found from a folder of this repository.
 * @param {string} name
 * @param {'' | 'bench/'} from
 */
export function versionOf(name, from) {
  const file = `${root}${from}node_modules/${name}/package.json`;
  return /** @type {string} */ (JSON.parse(readFileSync(file, 'utf8')).version);
}
