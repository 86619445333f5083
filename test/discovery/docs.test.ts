/** The page on discovery against the code: its tables, examples and messages are so. */
import { readFileSync } from 'node:fs';
import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createResilientClient, dns, file, type ClientOptions } from '../../src/index.js';
import { discoveryDefaults } from '../../src/options/discovery-defaults.js';
import { virtualRuntime } from '../../src/testing/index.js';
import { clientFor } from '../support/client.js';
import { ManualDiscovery } from '../support/discovery.js';
import { fleetOf } from '../support/fleet.js';
import { outcomeOf } from '../support/pool.js';
import { followEvents } from './documented/follow-events.js';
import { followRegistry } from './documented/follow-registry.js';

const page = readFileSync(new URL('../../docs/discovery.md', import.meta.url), 'utf8');

test('the tables have every option, with its default', () => {
  const documented = page.split('\n## `').flatMap((section) => {
    const [, name] = /^(\w+)\(/.exec(section) ?? [];
    if (name === undefined) return [];
    return section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
      .map(([, option = '', value = '']) => [`${name}.${option}`, value]);
  });
  expect(documented).toEqual(
    Object.entries(discoveryDefaults).map(([path, value]) => [
      path,
      value === undefined ? '–' : inspect(value),
    ]),
  );
});

test('the first example is right', () => {
  const [, code = ''] = /```js\nimport .*\n\n([^]*?)\n\nawait/.exec(page) ?? [];
  let made = 0;
  const make = (options: ClientOptions) => {
    made += 1;
    vi.spyOn(process, 'emitWarning').mockReturnValue();
    return createResilientClient(options).destroy();
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
  new Function('createResilientClient', 'dns', 'file', code)(make, dns, file);
  expect(made).toBe(1);
});

test.each(['follow-registry.ts', 'follow-events.ts'])('the page shows %s as it is run', (name) => {
  const program = readFileSync(new URL(`./documented/${name}`, import.meta.url), 'utf8');
  const shown = program.replace("'../../../src/index.js'", "'outrigger'").trim();
  expect(page).toContain(`\`\`\`ts\n${shown}\n\`\`\``);
});

test('the first of them follows a registry', async () => {
  const fleet = await fleetOf({ endpoints: 1 });
  const { url } = fleet.server(0);
  let version = 0;
  const registry = await fleetOf({
    endpoints: 1,
    plan: () => {
      version += 1;
      if (version > 1) return 'silence';
      const body = JSON.stringify([url]);
      return { status: 200, headers: { etag: String(version) }, body };
    },
  });
  const client = followRegistry(registry.server(0).url);
  onTestFinished(() => client.destroy());
  expect(await outcomeOf(client.fetch('/'))).toBe(200);
  await expect
    .poll(() => registry.server(0).requests.map(({ path }) => path))
    .toEqual(['/?after=', '/?after=1']);
});

test('the second follows events, until it is stopped', async () => {
  const nodes = new EventEmitter();
  const client = clientFor({ service: 'http://shop', endpoints: followEvents(nodes) });
  nodes.emit('nodes', ['http://10.0.0.1']);
  expect(client.endpoints()).toMatchObject([{ url: 'http://10.0.0.1' }]);
  await client.destroy();
  expect(nodes.eventNames()).toEqual([]);
});

test('a call that waited in vain fails as the page says', async () => {
  vi.spyOn(process, 'emitWarning').mockReturnValue();
  const discovery = new ManualDiscovery('dns backend.internal');
  const runtime = virtualRuntime();
  const client = clientFor({
    service: 'http://simple-backend',
    endpoints: discovery,
    timeout: '2s',
    runtime,
  });
  discovery.fail(new Error('getaddrinfo ENOTFOUND backend.internal'));
  const failed = client.fetch('/').then(String, (error: Error) => error.message);
  await runtime.advance(2000);
  expect(page).toContain(`\`\`\`text\n${await failed}\n\`\`\``);
});

test('a wrong list is warned of as the page says', async () => {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const discovery = new ManualDiscovery('registry');
  const runtime = virtualRuntime();
  clientFor({ service: 'http://simple-backend', endpoints: discovery, runtime });
  discovery.update(['http://10.0.0.1']);
  await runtime.advance(100);
  discovery.update(['http://10.0.0.1', { url: 'http://10.0.0.2', weight: 0 }]);
  expect(page).toContain(`\n${String(emitted.mock.calls[0]?.[0])}\n`);
});
