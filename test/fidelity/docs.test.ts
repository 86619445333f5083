/** docs/fetch.md lists what differs on purpose: the same, word by word, as the checks give for their reasons. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { deliberate } from './deliberate.js';

const page = readFileSync(new URL('../../docs/fetch.md', import.meta.url), 'utf8');

test('the page lists what differs on purpose', () => {
  const [, section = ''] = /## What differs on purpose\n([\s\S]*?)\n## /.exec(page) ?? [];
  const rows = section.matchAll(/^\| `([\w-]+)` +\| (.*?) *\|$/gm);
  expect(Object.fromEntries([...rows].map(([, key, text]) => [key, text]))).toEqual(deliberate);
});

test('each has a check', () => {
  const folder = new URL('./', import.meta.url);
  const checks = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const without = Object.keys(deliberate).filter((key) => !checks.includes(`'${key}'`));
  expect(without).toEqual([]);
});
