/** Runs every example, each with its one command, and fails when one of them does. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runNode } from './child.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = new URL('../examples/', import.meta.url);
const files = existsSync(folder)
  ? readdirSync(folder).filter((name) => /\.(js|mjs|cjs)$/.test(name))
  : [];
let failures = 0;

for (const file of files.sort()) {
  console.log(`\n$ node examples/${file}`);
  try {
    runNode([`examples/${file}`], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: 60_000,
    });
  } catch (error) {
    failures++;
    console.error(error.message.trim());
  }
}

console.log(`\n${files.length - failures} of ${files.length} examples ran to their end.`);
process.exitCode = failures === 0 ? 0 : 1;
