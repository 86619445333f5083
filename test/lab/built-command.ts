/** Builds the command into a folder of its own, laid out as in the package: forks and spawns need real files. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'tsup';

export interface BuiltCommand {
  readonly cli: string;
  readonly fleetEntry: URL;
  remove(): Promise<void>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

export async function buildCommand(): Promise<BuiltCommand> {
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
  return {
    cli: join(folder, 'dist/cli.js'),
    fleetEntry: pathToFileURL(join(folder, 'dist/lab/fleet-process.js')),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
