/** Discoveries in a process of their own, which ends when there is nothing else to do. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { builtClient, type BuiltClient } from '../support/built-client.js';

let built: BuiltClient;

beforeAll(async () => {
  built = await builtClient();
}, 60_000);

afterAll(() => built.remove());

test('none of them holds it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-process-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'endpoints.json');
  await writeFile(path, '["http://127.0.0.1:1"]');
  const printed = await built.run(`
    const { custom, dns, file } = await import(${JSON.stringify(built.path)});
    const client = createResilientClient({
      services: {
        'http://a': { endpoints: dns({ hostname: 'localhost', type: 'A', port: 1 }) },
        'http://b': { endpoints: file({ path: ${JSON.stringify(path)} }) },
        'http://c': {
          endpoints: custom(async function* () {
            yield ['http://127.0.0.1:1'];
            await new Promise(() => {});
          }),
        },
      },
    });
    await client.ready();
    console.log(client.endpoints().length);`);
  expect(printed).toBe('3');
});

test('whoever waits for the first list does', async () => {
  const printed = await built.run(`
    const { custom } = await import(${JSON.stringify(built.path)});
    const never = custom(async function* () { await new Promise(() => {}); });
    const client = createResilientClient({
      service: 'http://a', endpoints: never, discoveryTimeout: 150,
    });
    const names = await Promise.allSettled([client.ready({ timeout: 100 }), client.fetch('/')]);
    console.log(names.map(({ reason }) => reason.name).join());`);
  expect(printed).toBe('NotReadyError,NoHealthyEndpointError');
});
