/**
 * The SDKs over Outrigger, and applications beneath `outrigger/register`: `npm run interop:sdks [-- 22 24] [name ...]`. With
 * versions, under those of Node in place of the one in use; with names, only the tests whose file has one of them in
 * its name. Installs and builds what is missing.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runNode, runNpm } from './child.mjs';
import { nodeOf, splitVersions } from './node-binary.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const interop = join(root, 'interop', 'sdks');
const next = join(interop, 'apps', 'next');
const { versions, rest: names } = splitVersions(process.argv.slice(2));

/** Installs when the lock is not the one that was installed. */
function install(folder) {
  const modules = join(folder, 'node_modules');
  const stamp = join(modules, '.installed');
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log(`installing ${folder.slice(root.length)} (npm ci) …`);
  runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  writeFileSync(stamp, lock);
}

/** The package stands beside the SDKs by its name, as it does for those who have installed it. */
function link() {
  const own = join(interop, 'node_modules', 'outrigger');
  if (lstatSync(own, { throwIfNoEntry: false }) === undefined) symlinkSync(root, own, 'junction');
}

/** The time of the newest file below a folder. */
function newest(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .reduce((last, file) => Math.max(last, statSync(join(file.parentPath, file.name)).mtimeMs), 0);
}

function build() {
  const entries = ['index.js', 'index.cjs', 'register.js'].map((file) => join(root, 'dist', file));
  const built = Math.min(
    ...entries.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
  if (built >= newest(join(root, 'src'))) return;
  console.log('building the package (npm run build) …');
  runNpm(['run', 'build'], { cwd: root });
}

/** Next runs what it has built. */
function buildNext() {
  const built = statSync(join(next, '.next', 'BUILD_ID'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ['app', 'pages'].map((folder) => newest(join(next, folder)));
  const files = ['package-lock.json', 'next.config.mjs'].map((file) => statSync(join(next, file)));
  if (built > Math.max(...sources, ...files.map(({ mtimeMs }) => mtimeMs))) return;
  console.log('building the application of Next.js (next build) …');
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  runNode([join('node_modules', 'next', 'dist', 'bin', 'next'), 'build'], { cwd: next, env });
}

const tests = readdirSync(join(interop, 'tests'))
  .filter((file) => file.endsWith('.test.mjs'))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .map((file) => join('tests', file));
if (tests.length === 0) {
  console.error(`No test in interop/sdks/tests has one of these in its name: ${names.join(', ')}`);
  process.exit(2);
}

const failed = [];
try {
  install(interop);
  link();
  build();
  if (tests.some((test) => test.includes('next'))) {
    install(next);
    buildNext();
  }
} catch (error) {
  console.error(`Not to be had: ${error.message}`);
  process.exit(1);
}
for (const version of versions.length === 0 ? [process.version] : versions) {
  try {
    const node = versions.length === 0 ? process.execPath : nodeOf(version);
    console.log(`\nNode ${run(node, ['--version']).trim()}`);
    // A test that has run out of time must not hold the rest.
    const how = ['--test', '--test-force-exit', '--test-concurrency=2', '--test-reporter=spec'];
    run(node, [...how, ...tests], { cwd: interop, stdio: 'inherit', timeout: 600_000 });
  } catch (error) {
    failed.push(`Node ${version}`);
    console.error(error.message);
  }
}
if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
