/** Other versions of Node: the binaries come from npm and are kept in a folder outside the repository. */
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runNpm } from './child.mjs';

/** Splits what stands on a command line into versions of Node and the rest. */
export function splitVersions(args) {
  const versions = args.filter((argument) => /^\d+(\.\d+){0,2}$/.test(argument));
  return { versions, rest: args.filter((argument) => !versions.includes(argument)) };
}

/** The binary of that version, fetched once. */
export function nodeOf(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const pkg = `node-${platform}-${process.arch}`;
  const folder = join(tmpdir(), 'outrigger-nodes', version);
  const executable = process.platform === 'win32' ? 'node.exe' : 'node';
  const binary = join(folder, 'node_modules', pkg, 'bin', executable);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error'];
  runNpm(['install', ...quietly, '--prefix', folder, `${pkg}@${version}`], { cwd: folder });
  if (!existsSync(binary)) throw new Error(`${pkg}@${version} was installed without ${binary}`);
  return binary;
}
