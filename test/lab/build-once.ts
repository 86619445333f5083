/** Builds the command for all tests of the lab, into a folder laid out as in the package: forks and spawns need real files. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the command has been built. */
    readonly commandFolder: string;
  }
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs before the tests; what it gives back runs after them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-lab-'));
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  await build({
    config: false,
    silent: true,
    entry: {
      cli: join(root, 'src/cli.ts'),
      'lab/fleet-process': join(root, 'src/lab/fleet-process.ts'),
    },
    outDir: join(folder, 'dist'),
    format: 'esm',
    target: 'node20',
    platform: 'node',
    noExternal: [/.*/],
    banner: {
      js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
    },
  });
  project.provide('commandFolder', folder);
  return () => rm(folder, { recursive: true, force: true });
}
