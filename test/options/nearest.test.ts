import { expect, test } from 'vitest';
import { nearest } from '../../src/options/nearest.js';

const known = ['service', 'services', 'endpoints', 'tls', 'localReplies', 'loadBalancer', 'ca'];

test.each<[string, string | undefined]>([
  ['service', 'service'],
  ['Service', 'service'],
  ['local-replies', 'localReplies'],
  ['servces', 'services'],
  ['sevrice', 'service'],
  ['endpoint', 'endpoints'],
  ['loadBalancing', 'loadBalancer'],
  ['localReply', 'localReplies'],
  ['tsl', 'tls'],
  ['ac', undefined],
  ['xyz', undefined],
  ['', undefined],
  ['-_', undefined],
  ['s'.repeat(100), undefined],
])('%j means %j', (name, meant) => {
  expect(nearest(name, known)).toBe(meant);
});
