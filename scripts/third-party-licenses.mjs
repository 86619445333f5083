/** Writes dist/THIRD-PARTY-LICENSES: the licence of every package whose code was bundled into dist/. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

/** Folder of a bundled package → the built files that carry it. The source maps know. */
const carriers = new Map();
for (const file of readdirSync(dist, { recursive: true }).filter((name) =>
  /\.c?js\.map$/.test(name),
)) {
  const { sources } = JSON.parse(readFileSync(join(dist, file), 'utf8'));
  for (const source of sources) {
    const at = resolve(dist, dirname(file), source).replaceAll('\\', '/');
    const folder = /^.*\/node_modules\/(@[^/]+\/)?[^/]+(?=\/)/.exec(at)?.[0];
    if (folder === undefined) continue;
    const built = file.replaceAll('\\', '/').replace(/\.map$/, '');
    carriers.set(folder, (carriers.get(folder) ?? new Set()).add(built));
  }
}

const sections = [...carriers].map(([folder, files]) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name}@${version} comes without a licence file.`);
  const text = readFileSync(join(folder, file), 'utf8').trim();
  return `${name} ${version} (${license}), in ${[...files].sort().join(', ')}\n\n${text}\n`;
});

const head = 'The following packages are bundled into files of this folder.\n';
const rule = `\n${'-'.repeat(78)}\n\n`;
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES'), [head, ...sections.sort()].join(rule));
