/** Runs another program to its end, for the scripts of this folder. */
import { spawnSync } from 'node:child_process';

const windows = process.platform === 'win32';

/** What the program printed; throws an error that carries it when the program fails. */
export function run(command, args, options = {}) {
  const shell = windows && command !== process.execPath;
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 300_000,
    shell,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  if (error === undefined && status === 0) return stdout ?? '';
  const ending = error?.message ?? (signal === null ? `exit code ${status}` : `signal ${signal}`);
  throw new Error(`${command} ${args.join(' ')}: ${ending}\n${stdout ?? ''}${stderr ?? ''}`);
}

export const runNode = (args, options) => run(process.execPath, args, options);

export const runNpm = (args, options) => run('npm', args, options);
