/** Which of many origins are forgotten, and what it costs to find out. */
import { expect, test } from 'vitest';
import { OtherOrigins } from '../../src/routing/other-origins.js';
import { virtualRuntime } from '../../src/testing/index.js';

/** Origins of which each is called when it comes; `looks` counts how often one of them was looked at. */
function crawl(maxOrigins: number) {
  const runtime = virtualRuntime();
  const forgotten: string[] = [];
  const limits = { maxOrigins, originIdleTimeout: 0 };
  const origins = new OtherOrigins(runtime, limits, (origin) => void forgotten.push(origin));
  let looks = 0;
  const come = (origin: string, at: number) => {
    const cluster = {
      at,
      activeCalls: 0,
      get lastCallAt() {
        looks += 1;
        return cluster.at;
      },
    };
    origins.add(origin, cluster);
    return cluster;
  };
  return { come, forgotten, looks: () => looks };
}

test('each goes in its turn, the one whose latest call is the longest ago first', () => {
  const { come, forgotten } = crawl(4);
  const [first, , third] = ['a', 'b', 'c', 'd'].map((origin, at) => come(origin, at));
  if (first === undefined || third === undefined) throw new Error('there are four');
  first.at = 10;
  come('e', 11);
  expect(forgotten).toEqual(['b']);
  third.activeCalls = 1;
  come('f', 12);
  expect(forgotten).toEqual(['b', 'd']);
  third.activeCalls = 0;
  third.at = 13;
  for (const origin of ['g', 'h', 'i']) come(origin, 14);
  expect(forgotten).toEqual(['b', 'd', 'a', 'e', 'f']);
  come('j', 15);
  expect(forgotten.at(-1)).toBe('c');
});

test('a new one costs the same however many there are', () => {
  const { come, looks, forgotten } = crawl(1000);
  for (let index = 0; index < 10_000; index++) come(`http://${index}`, index);
  expect(forgotten).toHaveLength(9000);
  // One look to put it in line, one when its turn has come.
  expect(looks()).toBeLessThan(25_000);
});
