/** Ways to read an answer; each gives what was seen as plain data. */
import { bytesOf, outcome, outside } from '../seen.js';

type Reading = (response: Response) => unknown;

async function collected(stream: ReadableStream<Uint8Array> | null): Promise<unknown> {
  if (stream === null) return null;
  const pieces: Uint8Array[] = [];
  for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

async function blobOf(response: Response): Promise<unknown> {
  const blob = await response.blob();
  return { type: blob.type, size: blob.size, text: await blob.text() };
}

async function formOf(response: Response): Promise<unknown> {
  const entries = [...(await response.formData())];
  return Promise.all(
    entries.map(async ([name, value]) =>
      typeof value === 'string'
        ? [name, value]
        : [name, value.name, value.type, await value.text()],
    ),
  );
}

const latin1 = (bytes: ArrayBuffer | Uint8Array): string =>
  Buffer.from(bytes as Uint8Array).toString('latin1');

export const READINGS: Readonly<Record<string, Reading>> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => latin1(await response.arrayBuffer()),
  // Node 20 has none, and ours has.
  bytes: async (response) => {
    const { bytes } = response as { bytes?: () => Promise<Uint8Array> };
    return 'bytes' in Response.prototype && bytes !== undefined
      ? latin1(await bytes.call(response))
      : bytesOf(response);
  },
  blob: blobOf,
  formData: formOf,
  stream: (response) => collected(response.body),
  'text twice': async (response) => [
    await outcome(() => response.text()),
    await outcome(() => response.text()),
  ],
  'stream, then text': async (response) => {
    const first = await outcome(() => collected(response.body));
    return [first, await outcome(() => response.text())];
  },
  'text with a reader open': async (response) => {
    const reader = response.body?.getReader();
    const text = await outcome(() => response.text());
    reader?.releaseLock();
    return [text, await outcome(() => response.text())];
  },
  'a clone before': async (response) => {
    const copy = response.clone();
    const [first, second] = await Promise.all([
      outcome(() => copy.text()),
      outcome(() => response.text()),
    ]);
    return [outside(copy), first, second];
  },
  'a clone after': async (response) => {
    const text = await outcome(() => response.text());
    return [text, await outcome(() => response.clone().text())];
  },
  'a clone of a clone': async (response) => {
    const copy = response.clone().clone();
    return [outside(copy), await outcome(() => copy.text()), await outcome(() => response.text())];
  },
  tee: async (response) => {
    if (response.body === null) return null;
    const [one, other] = response.body.tee();
    const seen = await Promise.all([
      outcome(() => collected(one)),
      outcome(() => collected(other)),
    ]);
    return [seen, response.bodyUsed, await outcome(() => response.text())];
  },
  cancel: async (response) => {
    const cancelled = await outcome(() => response.body?.cancel());
    return [cancelled, response.bodyUsed, await outcome(() => response.text())];
  },
  'not at all': () => null,
  'another Response': async (response) => {
    const other = new Response(response.body, response);
    return [outside(other), await outcome(() => other.text()), response.bodyUsed];
  },
  'changed headers': async (response) => [
    await outcome(() => response.headers.set('x-a', '9')),
    await outcome(() => response.headers.append('x-a', '9')),
    await outcome(() => response.headers.delete('x-a')),
    response.headers.get('X-A'),
    response.headers.get('set-cookie'),
    response.headers.has('x-empty'),
  ],
};
