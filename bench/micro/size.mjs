/** How large the main entry is: as built, minified, and compressed. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

/** @param {boolean} dependencies whether the packages it depends on are counted in */
async function minified(dependencies) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    packages: dependencies ? 'bundle' : 'external',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild wrote nothing');
  return { bytes: file.contents.length, gzipped: gzipSync(file.contents).length };
}

/** Bytes of `dist/index.js` with all chunks it imports. */
export async function measureSize() {
  return {
    file: statSync(entry).size,
    alone: await minified(false),
    withDependencies: await minified(true),
  };
}
