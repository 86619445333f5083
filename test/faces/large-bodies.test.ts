/** Bodies of many pieces, many at once, whose bytes all pass through the same memory on their way. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResilientClient, type ResilientClient } from '../../src/index.js';

let server: Server;
let client: ResilientClient;
let origin: string;
const bodies = new Map<string, Buffer>();

/** Text, so that every way of reading gives the bytes again. */
function newBody(size: number): string {
  const path = `/${bodies.size}`;
  bodies.set(
    path,
    Buffer.from(
      randomBytes(Math.ceil(size / 2))
        .toString('hex')
        .slice(0, size),
    ),
  );
  return path;
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const body = bodies.get(request.url ?? '') ?? Buffer.alloc(0);
    const isCounted = request.headers['x-framing'] !== 'chunked';
    if (isCounted) response.setHeader('content-length', body.length);
    else response.setHeader('trailer', 'x-end');
    if (request.headers['x-cut'] !== undefined) {
      response.write(body.subarray(0, body.length / 2));
      setImmediate(() => response.destroy());
      return;
    }
    let at = 0;
    const write = (): void => {
      const size = 1 + Math.floor(Math.random() * 100_000);
      response.write(body.subarray(at, at + size));
      at += size;
      if (at < body.length) setImmediate(write);
      else {
        if (!isCounted) response.addTrailers({ 'x-end': 'yes' });
        response.end();
      }
    };
    write();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createResilientClient({ service: 'http://files', endpoints: [{ url: origin }] });
});

afterAll(async () => {
  await client.destroy();
  server.closeAllConnections();
  server.close();
});

const ways: Record<string, (response: Response) => Promise<Uint8Array>> = {
  arrayBuffer: async (response) => new Uint8Array(await response.arrayBuffer()),
  bytes: (response) => (response as unknown as { bytes(): Promise<Uint8Array> }).bytes(),
  text: async (response) => Buffer.from(await response.text()),
  blob: async (response) => new Uint8Array(await (await response.blob()).arrayBuffer()),
  async stream(response) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  },
  async late(response) {
    await new Promise((resolve) => setImmediate(resolve));
    return new Uint8Array(await response.arrayBuffer());
  },
  async clone(response) {
    const [one, other] = await Promise.all([response.clone().arrayBuffer(), response.text()]);
    expect(Buffer.from(other).equals(Buffer.from(one))).toBe(true);
    return new Uint8Array(one);
  },
};

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test.each(['counted', 'chunked'])('every byte arrives in its place: %s', async (framing) => {
  const sizes = [0, 1, 4095, 4096, 65_536, 65_537, 300_000, 1_048_576, 2_000_001];
  const calls = sizes.flatMap((size) =>
    Object.entries(ways).map(async ([way, read]) => {
      const path = newBody(size);
      const response = await client.fetch(path, { headers: { 'x-framing': framing } });
      const bytes = await read(response);
      expect([way, size, hash(bytes)]).toEqual([way, size, hash(bodies.get(path) as Buffer)]);
    }),
  );
  await Promise.all(calls);
});

test('an array buffer is as long as the body, and nobody else’s', async () => {
  const path = newBody(200_000);
  const [one, other] = await Promise.all(
    [1, 2].map(async () => (await client.fetch(path)).arrayBuffer()),
  );
  expect(one?.byteLength).toBe(200_000);
  new Uint8Array(one as ArrayBuffer).fill(0);
  expect(hash(new Uint8Array(other as ArrayBuffer))).toBe(hash(bodies.get(path) as Buffer));
});

test('a body that is cut off fails, whatever has come of it', async () => {
  const path = newBody(500_000);
  const response = await client.fetch(path, { headers: { 'x-cut': 'yes' } });
  await expect(response.arrayBuffer()).rejects.toThrow('terminated');
});
