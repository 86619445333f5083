/** A server of HTTP/2 in a process of its own: Node's can die of sessions that it ends itself, and must not take a test along. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { certificates } from './http2.js';

/** `code` finds the `server`, which takes 20 streams at once, and says what becomes of each `stream`. */
export async function http2Process(code: string): Promise<{ readonly url: string }> {
  const { own } = await certificates();
  const program = `
    const server = require('node:http2').createSecureServer({
      ...JSON.parse(process.env.TLS_PAIR),
      settings: { maxConcurrentStreams: 20 },
    });
    server.on('sessionError', () => {});
    ${code}
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('close', () => process.exit()).resume();
  `;
  const child = spawn(process.execPath, ['--eval', program], {
    env: { ...process.env, TLS_PAIR: JSON.stringify(own) },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill());
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: `https://127.0.0.1:${port.toString().trim()}` };
}
