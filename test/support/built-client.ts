/** The client as a module of its own, for tests that need a process of their own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'tsup';

export interface BuiltClient {
  /** Where the module stands. */
  readonly path: string;
  /**
   * Runs a program in which `createResilientClient` is known, to its own end; gives what it has printed. Rejects when
   * it fails, or has not ended after ten seconds.
   */
  run(program: string): Promise<string>;
  remove(): Promise<void>;
}

export async function builtClient(): Promise<BuiltClient> {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-built-'));
  await build({
    config: false,
    silent: true,
    entry: { index: fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
    outDir: folder,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    target: 'node20',
    platform: 'node',
    noExternal: [/.*/],
    banner: {
      js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
    },
  });
  const path = join(folder, 'index.mjs');
  return {
    path,
    async run(program) {
      const code = `import { createResilientClient } from ${JSON.stringify(path)};\n${program}`;
      const args = ['--input-type=module', '--eval', code];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000 });
      return stdout.trim();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
