/** The page on outlier detection against the code: its example, its tables, its counters. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { EjectionCounters } from '../../src/cluster/ejection-counters.js';
import { createResilientClient, type ClientOptions } from '../../src/index.js';
import { defaults } from '../../src/options/defaults.js';
import { readOptions } from '../../src/options/validate.js';
import { policyWarnings } from '../../src/options/warnings.js';

const page = readFileSync(new URL('../../docs/outlier-detection.md', import.meta.url), 'utf8');

test('every option is in the table, with its default', () => {
  const rows = new Map(
    page
      .slice(page.indexOf('## Options'), page.indexOf('## What can be seen'))
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, option = '', standard = '']) => [option.replaceAll('`', ''), standard]),
  );
  const prefix = 'outlierDetection.';
  const options = Object.entries(defaults).filter(([path]) => path.startsWith(prefix));
  expect([...rows.keys()]).toEqual(options.map(([path]) => path.slice(prefix.length)));
  for (const [path, value] of options) {
    const written = rows.get(path.slice(prefix.length));
    if (value === undefined) expect(written, path).not.toBe('');
    else expect(written, path).toBe(`\`${inspect(value)}\``);
  }
});

test('every detector is in its table', () => {
  const { detected } = new EjectionCounters();
  for (const type of Object.keys(detected)) expect(page).toContain(`\`${type}\``);
});

test('every counter is named', () => {
  const names = Object.keys(new EjectionCounters().read()).map((name) =>
    name.replace('outlier_detection.', ''),
  );
  for (const name of names.filter((one) => !/_(detected|enforced)_(?!total)/.test(one))) {
    expect(page).toContain(`\`${name}\``);
  }
});

test('the example is right, and nothing to warn of', async () => {
  const [, code = ''] = /```js\nimport .*\n([^]*?)\n```/.exec(page) ?? [];
  const given: ClientOptions[] = [];
  const make = (options: ClientOptions) => {
    given.push(options);
    return createResilientClient(options);
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
  const client = new Function('createResilientClient', `${code}\nreturn backend;`)(make) as {
    destroy(): Promise<void>;
  };
  await client.destroy();
  const [service] = readOptions(given[0]).services.values();
  if (service === undefined) throw new Error('there is no service');
  expect(policyWarnings(service, '')).toEqual([]);
  expect(service.outlierDetection?.maxEjectionPercent).toBe(67);
});
