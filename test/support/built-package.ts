/** The package as it is published, in a folder with a node_modules, for applications that know nothing of it. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Options } from 'tsup';
import tsupConfig from '../../tsup.config.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface BuiltPackage {
  readonly folder: string;
  /** Writes files of the application, by their names. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Runs Node there, to its own end; it is stopped after ten seconds, which is the code -1. */
  node(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Run>;
  remove(): Promise<void>;
}

export async function builtPackage(): Promise<BuiltPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-package-'));
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'outrigger');
  await mkdir(own, { recursive: true });
  await cp(join(root, 'package.json'), join(own, 'package.json'));
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(manifest.dependencies), 'yaml']) {
    await symlink(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  const make = tsupConfig as (flags: object) => readonly Options[];
  const wanted = make({}).filter(
    ({ entry, dts }) => dts === false && !('cli' in (entry as object)),
  );
  for (const options of wanted) {
    await build({
      ...options,
      config: false,
      silent: true,
      sourcemap: false,
      outDir: join(own, 'dist'),
    });
  }
  return {
    folder,
    async write(files) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), text);
      }
    },
    node: (args, env = {}) =>
      new Promise((resolve) => {
        const { NODE_OPTIONS: _, ...inherited } = process.env;
        const options = { cwd: folder, env: { ...inherited, ...env }, timeout: 10_000 };
        execFile(process.execPath, args, options, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
          resolve({ stdout: stdout.trim(), stderr: stderr.trim(), code });
        });
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
