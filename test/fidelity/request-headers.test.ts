/** What of the caller's headers arrives, and what of them is refused. */
import { describe } from 'vitest';
import { sameAsPlatform, useServers } from './differential.js';
import { outcome, whole } from './seen.js';

useServers();

describe('request headers', () => {
  const given: Record<string, NonNullable<RequestInit['headers']>> = {
    'a record': { 'X-A': '1', 'x-b': 'two words' },
    'pairs with one name twice': [
      ['X-A', '1'],
      ['x-a', '2'],
    ],
    'two spellings of one name': { 'X-A': '1', 'x-a': '2' },
    'spaces around': { 'x-a': '  1  ', 'x-b': '' },
    'a host': { host: 'elsewhere' },
  };
  for (const [name, headers] of Object.entries(given)) {
    sameAsPlatform(name, async ({ fetch, url }) => whole(await fetch(url, { headers })));
  }

  for (const [name, headers] of Object.entries({
    'a name with a space': { 'a b': 'c' },
    'a value with a line end': { a: 'b\nc' },
  })) {
    sameAsPlatform(name, ({ fetch, url }) => outcome(() => fetch(url, { headers })));
  }
});
