/** Answers that are dropped, unread or half read: their connections come back, or are given up, when they are collected. */
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe } from 'vitest';
import { ways } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';
import type { Answer } from './script-server.js';

useServers();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const LARGE = Buffer.alloc(3_000_000, 'x');

const answer: Answer = (request, response) => {
  if (request.url?.startsWith('/redirect') === true) {
    response.writeHead(302, { location: '/next' });
    response.end();
    return;
  }
  response.end(LARGE);
};

const drops: Record<string, (response: Response) => unknown> = {
  'nothing was done with': () => undefined,
  'was looked at': (response) => void response.body,
  'was printed': (response) => inspect(response),
  'gave its headers away': (response) => [...response.headers],
};

describe('an answer that', () => {
  for (const [way, get] of Object.entries(ways)) {
    // What is decoded here is none; it is the same path as that of a Request.
    if (way === 'decoded') continue;
    for (const [name, drop] of Object.entries(drops)) {
      sameAsPlatform(
        `${name}: ${way}`,
        async (bench) => {
          const before = new Set(bench.server.sockets);
          // In a function of its own, so that no frame holds the answer.
          await (async () => void (await drop(await get(bench))))();
          const opened = (): number =>
            [...bench.server.sockets].filter(
              (socket) => !before.has(socket) && socket.writableLength > 0,
            ).length;
          for (let round = 0; round < 100; round++) {
            await setTimeout(10);
            collect();
            if (round > 3 && opened() === 0) return 'came back';
          }
          return `held: ${opened()}`;
        },
        { answer },
      );
    }
  }
});
