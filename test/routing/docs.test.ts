/** The page on routes against the code: its examples are right options, and do what it says. */
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import type { ClientOptions, ResilientClient } from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';

const page = readFileSync(new URL('../../docs/routes.md', import.meta.url), 'utf8');

/** The clients that the examples make, with other endpoints if some are given. */
function examples(urls: readonly string[] = []): ResilientClient[] {
  return [...page.matchAll(/```js\nimport .*\n\nconst backend = ([^]*?\}\));/g)].map(
    ([, code = '']) => {
      const make = (options: ClientOptions): ResilientClient => {
        const given = options.endpoints as readonly object[];
        const endpoints = given.map((one, index) =>
          typeof one === 'object' ? { ...one, url: urls[index] ?? `http://10.0.0.${index}` } : one,
        );
        return clientFor({ ...options, endpoints });
      };
      // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
      return new Function('createResilientClient', `return ${code}`)(make) as ResilientClient;
    },
  );
}

test('the examples are right, and nothing to warn of', () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  expect(examples()).toHaveLength(2);
  expect(emitWarning).not.toHaveBeenCalled();
});

test('the first one sends calls where it says', async () => {
  const fleet = await fleetOf({ endpoints: 3 });
  const [backend] = examples(fleet.servers.map(({ url }) => url));
  if (backend === undefined) throw new Error('no example');
  const wayOf = async (path: string, init?: RequestInit) => {
    const response = await backend.fetch(path, init);
    await response.text();
    const { route, service } = backend.explain(response) ?? {};
    return [route, service];
  };
  expect(await wayOf('/reports/42')).toEqual(['reports', 'simple-backend|v1']);
  expect(await wayOf('/', { headers: { 'x-canary': '1' } })).toEqual([
    'routes[1]',
    'simple-backend|v2',
  ]);
  expect((await wayOf('/'))[0]).toBe('split');
  const [, update = ''] = /backend\.update\(([^]*?)\);/.exec(page) ?? [];
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
  backend.update(new Function(`return ${update}`)() as object);
  expect((await wayOf('/reports/42'))[0]).toBe('routes[0]');
});
