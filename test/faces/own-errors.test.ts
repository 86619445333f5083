/** A platform response whose readers get our errors, and which is the platform's in everything else. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { withOwnErrors } from '../../src/faces/own-errors.js';
import { shop } from '../support/fleet.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const ours = Object.assign(new TypeError('ours'), { [Symbol.for('outrigger.error')]: true });
const wrapped = new TypeError('terminated', { cause: ours });

/** Of their own: a byte stream takes away the memory that it is given. */
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Two pieces, and then the end or an error. */
function responseOf(error?: unknown): Response {
  let pieces = 0;
  const body = new ReadableStream({
    type: 'bytes',
    pull(controller) {
      pieces += 1;
      if (pieces <= 2) controller.enqueue(bytes(`"${pieces}`));
      else if (error === undefined) controller.close();
      else controller.error(error);
    },
  });
  return withOwnErrors(
    new Response(body, { status: 201, headers: { 'content-type': 'text/plain' } }),
  );
}

async function outcomeOf(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    return error;
  }
}

test('it is the platform’s response', () => {
  const response = responseOf();
  expect(response).toBeInstanceOf(Response);
  expect(response.constructor).toBe(Response);
  expect(Object.prototype.toString.call(response)).toBe('[object Response]');
  expect(inspect(response)).toContain('Response {');
  expect([response.status, response.headers.get('content-type')]).toEqual([201, 'text/plain']);
  expect(Reflect.apply(Response.prototype.text, response, [])).toBeInstanceOf(Promise);
  expect(Object.keys(response)).toEqual(Object.keys(new Response()));
  const members = (of: Response): string[] => {
    const found: string[] = [];
    for (const name in of) found.push(name);
    return found.sort();
  };
  expect(members(response)).toEqual(members(new Response()));
  expect(response.text.name).toBe('text');
});

test('a body is read as ever', async () => {
  expect(await responseOf().text()).toBe('"1"2');
  expect((await responseOf().arrayBuffer()).byteLength).toBe(4);
  expect(await new Response(responseOf().body).text()).toBe('"1"2');
  const chunks: Uint8Array[] = [];
  for await (const chunk of responseOf().body ?? []) chunks.push(chunk as Uint8Array);
  expect(chunks).toHaveLength(2);
  const byob = responseOf().body?.getReader({ mode: 'byob' });
  expect((await byob?.read(new Uint8Array(9)))?.value).toHaveLength(2);
  expect((await byob?.read(new Uint8Array(9)))?.done).toBe(false);
  expect((await byob?.read(new Uint8Array(9)))?.done).toBe(true);
  expect(withOwnErrors(new Response(null)).body).toBeNull();
});

test('its body is one, which looking at does not lock', async () => {
  const response = responseOf();
  expect(response.body).toBe(response.body);
  expect([response.bodyUsed, response.body?.locked]).toEqual([false, false]);
  expect(await response.text()).toBe('"1"2');
  expect(response.bodyUsed).toBe(true);
  expect(await outcomeOf(() => response.text())).toBeInstanceOf(TypeError);
  const read = responseOf();
  await read.body?.getReader().read();
  expect(read.bodyUsed).toBe(true);
  expect(await outcomeOf(() => read.text())).toBeInstanceOf(TypeError);
});

test('what the platform has wrapped comes out as it was, other errors as they are', async () => {
  const other = new TypeError('terminated', { cause: new Error('of the socket') });
  for (const [error, expected] of [
    [wrapped, ours],
    [other, other],
    ['no error', 'no error'],
  ]) {
    expect(await outcomeOf(() => responseOf(error).text())).toBe(expected);
    expect(await outcomeOf(() => responseOf(error).blob())).toBe(expected);
    expect(await outcomeOf(() => new Response(responseOf(error).body).text())).toBe(expected);
  }
  expect(await outcomeOf(() => responseOf().json())).toBeInstanceOf(SyntaxError);
});

test('copies, also after a look at the body', async () => {
  const response = responseOf(wrapped);
  const before = response.body;
  const copy = response.clone();
  expect(before?.locked === true || before !== response.body).toBe(true);
  expect(await outcomeOf(() => copy.text())).toBe(ours);
  expect(await outcomeOf(() => new Response(response.body).text())).toBe(ours);
  const again = responseOf();
  void again.body;
  expect([await again.clone().text(), await again.text()]).toEqual(['"1"2', '"1"2']);
});

test('a cancel reaches the source, before the first read and after it', async () => {
  for (const isRead of [false, true]) {
    let reason: unknown;
    const source = new ReadableStream({
      type: 'bytes',
      pull: (controller) => controller.enqueue(bytes('x')),
      cancel: (given) => void (reason = given),
    });
    const response = withOwnErrors(new Response(source));
    const reader = response.body?.getReader();
    if (isRead) await reader?.read();
    await reader?.cancel('enough');
    expect(reason).toBe('enough');
    expect(response.bodyUsed).toBe(true);
  }
});

test('a body that is held is not cancelled, though its response is gone', async () => {
  const size = 3_000_000;
  const { client } = await shop({ endpoints: 1, plan: { body: { size } } });
  const body = await (async () => (await client.fetch(new Request('http://shop/'))).body)();
  for (let round = 0; round < 5; round++) {
    collect();
    await new Promise(setImmediate);
  }
  let read = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    read += chunk.length;
    if (read < 500_000) collect();
  }
  expect(read).toBe(size);
});
