/** Which step a request gets, and what a plan may not say. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { loopbackFleet, seededRandom, type Plan, type Step } from '../../../src/testing/index.js';
import { ask, dial, fleetOf, get, hear, serverOf, talk } from './plain-client.js';

const statuses = async (url: string, count: number) => {
  const seen: (number | undefined)[] = [];
  for (let i = 0; i < count; i++) seen.push((await ask(url)).status);
  return seen;
};

test('a sequence, whose last step repeats', async () => {
  const { url } = await serverOf([503, 'reset', 200]);
  expect(await statuses(url, 5)).toEqual([503, undefined, 200, 200, 200]);
});

test('a new plan begins at its beginning', async () => {
  const server = await serverOf([201, 202, 203]);
  expect(await statuses(server.url, 2)).toEqual([201, 202]);
  server.plan([204, 205]);
  expect(await statuses(server.url, 3)).toEqual([204, 205, 205]);
  const indices: number[] = [];
  server.plan((index) => {
    indices.push(index);
    return 200;
  });
  await statuses(server.url, 3);
  expect(indices).toEqual([0, 1, 2]);
});

test('a request keeps the step that it was given', async () => {
  const server = await serverOf({ wait: new Promise((resolve) => (release = resolve)), step: 201 });
  const first = ask(server.url);
  await server.requestReceived();
  server.plan(202);
  expect((await ask(server.url)).status).toBe(202);
  release(undefined);
  expect((await first).status).toBe(201);
});
let release: (value: unknown) => void = () => {};

test('a function sees the request, its body when it asks for it', async () => {
  const server = await serverOf(async (_, request) => {
    await request.bodyReceived;
    return request.body.toString() === 'pay' ? 402 : 200;
  });
  expect((await ask(server.url, { method: 'POST', body: 'pay' })).status).toBe(402);
  expect((await ask(server.url, { method: 'POST', body: 'no' })).status).toBe(200);
});

test('a function draws from the fleet’s seed, each server for itself', async () => {
  const drawn = async (seed: number) => {
    const fleet = await fleetOf({
      endpoints: 2,
      seed,
      plan: (_, __, random) => 200 + Math.floor(random() * 800),
    });
    const ofOne = await statuses(fleet.server(0).url, 3);
    return [ofOne, await statuses(fleet.server(1).url, 3)];
  };
  const first = await drawn(7);
  expect(await drawn(7)).toEqual(first);
  expect(await drawn(8)).not.toEqual(first);
  expect(first[0]).not.toEqual(first[1]);
  expect(seededRandom(7)()).not.toBe(seededRandom(8)());
});

test('an early step does not wait for the body', async () => {
  const server = await serverOf([{ early: 413 }, { early: 'close' }, { early: 'reset' }]);
  const head = 'POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 1000000\r\n\r\n';
  const socket = await dial(server.url);
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.write(head);
  while (!text.endsWith('server-1')) await once(socket, 'data');
  expect(text).toMatch(/^HTTP\/1.1 413/);
  expect(await talk(server.url, `${head}some`)).toEqual({ text: '', end: 'close' });
  expect(await talk(server.url, `${head}some`)).toEqual({ text: '', end: 'reset' });
  socket.destroy();
  await server.connectionsAre(0);
});

test('an early silence leaves the body with the client', async () => {
  const server = await serverOf({ wait: 0, step: { early: 'silence' } });
  const socket = await dial(server.url);
  socket.on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 100000000\r\n\r\n');
  const request = await server.requestReceived();
  const all = new Promise<void>((resolve) =>
    socket.write(Buffer.alloc(100_000_000), () => resolve()),
  );
  let sent = false;
  void all.then(() => (sent = true));
  let before = -1;
  for (let still = 0; still < 50; still = socket.bytesWritten === before ? still + 1 : 0) {
    before = socket.bytesWritten;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(sent).toBe(false);
  expect(request.body).toHaveLength(0);
});

test('other servers of the fleet have plans of their own', async () => {
  const fleet = await fleetOf({
    endpoints: [{ plan: 500 }, {}, { plan: [201, 'echo'] }],
    plan: 202,
  });
  const ask1 = async () =>
    Promise.all(fleet.servers.map(async ({ url }) => (await ask(url)).status));
  expect(await ask1()).toEqual([500, 202, 201]);
  fleet.plan(404);
  expect(await ask1()).toEqual([404, 404, 404]);
});

const wrong: [string, unknown, string][] = [
  ['no step', [], 'A sequence of steps has at least one; found []'],
  [
    'an unknown word',
    'rest',
    'A step in one word is one of echo, garbage, reset, close, silence; found "rest"',
  ],
  ['a status of information', 103, 'A status here is a whole number from 200 to 999; found 103'],
  [
    'a status in a sequence',
    [200, 20],
    'A status here is a whole number from 200 to 999; found 20',
  ],
  ['null', null, 'A step is a status, a word or an object; found null'],
  ['a misspelt key', { staus: 200 }, "found 'staus'"],
  [
    'a status in an answer',
    { status: '200' },
    'A status here is a whole number from 200 to 999; found "200"',
  ],
  ['a wait', { wait: -1, step: 200 }, 'A wait is milliseconds or a promise; found -1'],
  ['a delay', { delay: '1s' }, 'A wait is milliseconds or a promise; found "1s"'],
  ['a step that waits', { wait: 1, step: 'x' }, 'A step in one word'],
  ['an early step', { early: 'x' }, 'A step in one word'],
  ['raw', { raw: 5 }, 'Raw bytes are text or a Uint8Array; found 5'],
  ['an end', { raw: '', end: 'fin' }, 'An end is one of reset, close, silence; found "fin"'],
  ['a framing', { framing: 'none' }, 'Unknown framing; found "none"'],
  [
    'a framing without a length',
    { body: () => [], framing: 'content-length' },
    'The length of this body is not known',
  ],
  ['what follows', { after: 'silence' }, 'After an answer: reset or close; found "silence"'],
  [
    'a cut in the void',
    { body: 'abc', cut: { at: 4, by: 'close' } },
    'A cut is within the body of 3 bytes; found 4',
  ],
  [
    'a cut by',
    { cut: { at: 0, by: 'fin' } },
    'A cut is by one of reset, close, silence; found "fin"',
  ],
  ['a half byte', { cut: { at: 0.5, by: 'close' } }, 'A cut is at a number of bytes; found 0.5'],
  ['a body', { body: 5 }, 'A body is bytes, an object or a function; found 5'],
  ['a size', { body: { size: -1 } }, 'A size is a number of bytes; found -1'],
  ['pieces', { body: { pieces: [1] } }, 'Pieces are bytes; found [1]'],
  [
    'information',
    { information: [{ status: 200 }] },
    'A status here is a whole number from 102 to 199; found 200',
  ],
];

test.each(wrong)('refused where it is given: %s', async (_, plan, message) => {
  const server = await serverOf(201);
  expect(() => server.plan(plan as Plan)).toThrow(TypeError);
  expect(() => server.plan(plan as Plan)).toThrow(message);
  expect((await ask(server.url)).status).toBe(201);
  await expect(loopbackFleet({ endpoints: 1, plan: plan as Plan })).rejects.toThrow(message);
});

test.each<[string, () => Step | Promise<Step>]>([
  [
    'throws',
    () => {
      throw new Error('planned badly');
    },
  ],
  ['rejects', () => Promise.reject(new Error('planned badly'))],
  [
    'gives a wait that rejects',
    () => ({ wait: Promise.reject(new Error('planned badly')), step: 200 }),
  ],
  [
    'gives a body that throws',
    () => ({
      body: () => {
        throw new Error('planned badly');
      },
    }),
  ],
])(
  'a function that %s: the client is cut off, and closing the fleet tells why',
  async (_, plan) => {
    const fleet = await loopbackFleet({ endpoints: 1, plan });
    const { end, text } = await talk(fleet.server(0).url);
    expect(['close', 'reset']).toContain(end);
    expect(text).not.toContain('planned');
    await expect(fleet.close()).rejects.toThrow('planned badly');
  },
);

test('a step of a function is checked when it is given, several mistakes are told together', async () => {
  const fleet = await loopbackFleet({ endpoints: 1, plan: () => 'rest' as Step });
  await talk(fleet.server(0).url);
  fleet.plan({ headers: { 'bad name': 'x' } });
  await talk(fleet.server(0).url);
  const error = (await fleet.close().catch((e: unknown) => e)) as AggregateError;
  expect(error).toBeInstanceOf(AggregateError);
  expect(error.errors.map(String)).toEqual([
    expect.stringContaining('A step in one word'),
    expect.stringContaining('bad name'),
  ]);
});

test('each connection is heard for itself', async () => {
  const server = await serverOf((_, { path }) =>
    path === '/slow' ? 'silence' : { after: 'close' },
  );
  const slow = await dial(server.url);
  slow.write(get('/slow'));
  await server.requestReceived();
  const quick = await dial(server.url);
  const heard = hear(quick);
  quick.write(get('/quick'));
  expect((await heard).end).toBe('close');
});
