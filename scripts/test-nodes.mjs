/**
 * All tests under other versions of Node: `npm run test:nodes -- 22 24 [test/file ...]`. The binaries
 * come from npm and are kept in a folder outside the repository. The built package must be there.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.mjs';
import { nodeOf, splitVersions } from './node-binary.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { versions, rest: files } = splitVersions(process.argv.slice(2));

if (versions.length === 0) {
  console.error('Say which versions: npm run test:nodes -- 22 24 [test/file ...]');
  process.exit(2);
}
if (!existsSync(join(root, 'dist', 'index.cjs'))) {
  console.error('dist/index.cjs is missing: run `npm run build` first.');
  process.exit(1);
}

const failed = [];
for (const version of versions) {
  console.log(`\nNode ${version}`);
  let step = 'to be had from npm';
  try {
    const node = nodeOf(version);
    const exact = run(node, ['--version']).trim();
    step = 'import and require of the built package';
    for (const how of ['import', 'require'])
      process.stdout.write(run(node, ['scripts/import-check.mjs', how], { cwd: root }));
    run(node, ['--input-type=module', '-e', "import 'outrigger/testing'"], { cwd: root });
    run(node, ['-e', "require('outrigger/testing')"], { cwd: root });
    console.log(`${exact}: ${step}: ok`);
    step = 'the tests';
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    run(node, [vitest, 'run', ...files], { cwd: root, stdio: 'inherit', timeout: 900_000 });
  } catch (error) {
    failed.push(`Node ${version}: ${step}`);
    console.error(error.message);
  }
}

console.log(
  failed.length === 0
    ? `\nAll is well under Node ${versions.join(', ')}.`
    : `\nFailed: ${failed.join('; ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
