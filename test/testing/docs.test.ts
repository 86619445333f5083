/** The page on testing against the code: its examples are run, its tables are complete. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as testing from '../../src/testing/index.js';

const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
const folder = new URL('./documented/', import.meta.url);
const programs = readdirSync(folder).sort();

test('there are examples', () => {
  expect(programs.length).toBeGreaterThan(2);
});

test.each(programs)('the page shows %s as it is run', (name) => {
  const program = readFileSync(new URL(name, folder), 'utf8')
    .replace("'../../../src/index.js'", "'outrigger'")
    .replace("'../../../src/testing/index.js'", "'outrigger/testing'");
  expect(page).toContain(`\`\`\`ts\n${program.trim()}\n\`\`\``);
});

test('every test on the page is one that is run', () => {
  expect(page.match(/^test\(/gm)).toHaveLength(programs.length);
});

test('every function is on the page', () => {
  for (const name of Object.keys(testing)) expect(page).toContain(`| \`${name}(`);
});

test('every field of an answer is on the page', async () => {
  await using fleet = await testing.loopbackFleet({ endpoints: 1 });
  const refused = () => fleet.plan({ nothing: 1 } as object);
  expect(refused).toThrow('An answer has ');
  const fields = /has (.*);/.exec(message(refused))?.[1]?.split(', ') ?? [];
  expect(fields).toContain('status');
  for (const field of fields) expect(page).toMatch(new RegExp(`^\\| \`${field}\` +\\|`, 'm'));
});

function message(act: () => void): string {
  try {
    act();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
