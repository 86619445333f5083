/** An application in a process of its own, with or without `outrigger/register`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atTheEnd } from './ways.mjs';

const interop = fileURLToPath(new URL('..', import.meta.url));
const REGISTER = ['--import', 'outrigger/register'];

/**
 * `args` are Node's, with the folder `interop/sdks` as the current one; `listening` finds the port in what it prints.
 * `config` is for `OUTRIGGER_CONFIG`; without it the application runs as ever. `byOptions`: it is registered by `NODE_OPTIONS`,
 * for programs that start Node themselves.
 */
export async function start(args, { listening, env, config, byOptions = false }) {
  const isRegistered = config !== undefined;
  const registered = isRegistered && !byOptions ? REGISTER : [];
  const own = isRegistered
    ? { OUTRIGGER_CONFIG: config, NODE_OPTIONS: byOptions ? REGISTER.join(' ') : '' }
    : {};
  const child = spawn(process.execPath, [...registered, ...args], {
    cwd: interop,
    env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', ...env, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  atTheEnd(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let printed = '';
  const port = await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        printed += text;
        const found = listening.exec(printed);
        if (found !== null) resolve(found[1]);
      });
    }
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`it ended with ${code}:\n${printed}`)));
  });
  return { url: `http://127.0.0.1:${port}`, printed: () => printed };
}
