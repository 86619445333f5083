/** Active health checks in a process of their own, which ends when there is nothing else to do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { builtClient, type BuiltClient } from '../support/built-client.js';
import { certificateAuthority } from '../support/certificates.js';
import { fleetOf } from '../support/fleet.js';

let built: BuiltClient;

beforeAll(async () => {
  built = await builtClient();
}, 60_000);

afterAll(() => built.remove());

/** Makes a client in a process that has nothing else to do once `until` is there; the exit code. */
async function run(options: object, until: () => Promise<unknown>): Promise<unknown> {
  const program = `
    import dns from 'node:dns';
    import { createResilientClient } from ${JSON.stringify(built.path)};
    const { lookup } = dns;
    dns.lookup = (name, options, callback) => {
      if (name !== 'several.test') return lookup(name, options, callback);
      const found = [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }];
      process.nextTick(callback, null, found);
    };
    globalThis.client = createResilientClient(${JSON.stringify(options)});
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  const exit = once(child, 'exit');
  await until();
  child.stdin?.end();
  const [code] = (await exit) as [unknown];
  return code;
}

const healthCheck = { path: '/', interval: 5, noTrafficInterval: 5 };

test('between two checks', async () => {
  const fleet = await fleetOf({ endpoints: 2 });
  const code = await run(
    { service: 'http://shop', endpoints: fleet.endpoints, healthCheck },
    async () => {
      for (let seen = 0; seen < 10; seen++) await fleet.requestReceived();
    },
  );
  expect(code).toBe(0);
});

test.each<[string, boolean, string]>([
  ['plain', false, '127.0.0.1'],
  ['at a name that has several addresses', false, 'several.test'],
  ['with TLS', true, '127.0.0.1'],
])('while a check is late: %s', async (_what, isSecure, host) => {
  const ca = await certificateAuthority();
  const tls = isSecure ? await ca.issue({ names: ['shop.test'] }) : undefined;
  const fleet = await fleetOf({ endpoints: 1, plan: 'silence', ...(tls && { tls }) });
  const options = {
    service: isSecure ? 'https://shop.test' : 'http://shop.test',
    endpoints: [fleet.server(0).url.replace('127.0.0.1', host)],
    healthCheck: { ...healthCheck, timeout: '1h' },
    ...(isSecure && { tls: { ca: ca.cert } }),
  };
  expect(await run(options, () => fleet.requestReceived())).toBe(0);
});
