/** An answer as it is printed. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect, type InspectOptions } from 'node:util';
import { describe } from 'vitest';
import { answering, sameEachWay } from './answers.js';
import { sameAsPlatform, useServers } from './differential.js';

useServers();

const content = {
  headers: { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'], 'x-a': "it's" },
  body: 'the body',
};

const options: Record<string, InspectOptions> = {
  usual: {},
  'no depth': { depth: 0 },
  'some depth': { depth: 1 },
  'less than no depth': { depth: -1 },
  'any depth': { depth: null },
  'great depth': { depth: 20 },
  colours: { colors: true },
  compact: { compact: true },
  'not compact': { compact: false },
  'one line': { breakLength: Infinity },
  'narrow lines': { breakLength: 20 },
  sorted: { sorted: true },
  getters: { getters: true },
  'short texts': { maxStringLength: 3 },
  'short lists': { maxArrayLength: 1 },
};

const print = (value: unknown, how: InspectOptions = {}): string => inspect(value, how);

describe('inspect', () => {
  for (const [name, how] of Object.entries(options)) {
    sameEachWay(
      name,
      (response) => [
        print(response, how),
        print({ response, list: [response] }, how),
        print(response.headers, how),
      ],
      { content },
    );
  }
  const times: Record<string, (response: Response) => unknown> = {
    'after it was read': (response) => response.text(),
    'after its body was looked at': (response) => void response.body,
    'after a reader was taken': (response) => void response.body?.getReader(),
    'after it was cancelled': (response) => response.body?.cancel(),
    'after it was cloned': (response) => void response.clone(),
  };
  for (const [name, touch] of Object.entries(times)) {
    sameEachWay(
      name,
      async (response) => {
        await touch(response);
        return [print(response), print(response.body), response.bodyUsed];
      },
      { content },
    );
  }
  sameEachWay(
    'its parts',
    (response) => [
      print(response.body),
      print(response.headers),
      print(response.headers.entries()),
      print([...response.headers]),
    ],
    { content },
  );
  sameEachWay('of a clone', (response) => print(response.clone()), { content });
  sameEachWay('of no body', (response) => print(response), { content: { status: 204 } });
  sameEachWay('of an error', (response) => print(response), {
    content: { status: 500, statusText: 'Oh no', body: 'x' },
  });
  sameEachWay(
    'with data added',
    (response) => print(Object.assign(response, { data: { parsed: true } })),
    { content },
  );
  sameEachWay(
    'by format',
    (response) => [
      format('%o', response).length > 0,
      format('%s', response),
      format('%j', response),
      format(response),
      format('%O', response),
    ],
    { content },
  );
  sameEachWay(
    'by console.log',
    (response) => {
      let printed = '';
      const stdout = new Writable({
        write(chunk, _, done) {
          printed += String(chunk);
          done();
        },
      });
      const console = new Console({ stdout });
      console.log(response);
      console.log('%s', response.headers);
      console.table([{ status: response.status }]);
      return printed;
    },
    { content },
  );
  sameAsPlatform(
    'looking at it does not use the body',
    async ({ fetch, url }) => {
      const response = await fetch(url);
      inspect(response);
      return [response.bodyUsed, response.body?.locked, await response.text()];
    },
    { answer: answering(content) },
  );
});
