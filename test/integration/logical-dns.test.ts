/** A client without a service: a name is one endpoint, whose addresses may rotate without disturbing anybody. */
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction, Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { clientFor } from '../support/client.js';
import { stat } from '../support/pool.js';

class Replica {
  readonly address: string;
  readonly sockets = new Set<Socket>();
  accepted = 0;
  readonly #server = createServer((_request, response) => response.end(this.address));

  constructor(address: string) {
    this.address = address;
  }

  /** Serves until the test is over; a port of 0 is any. Its answers are its own address. */
  async listen(port: number): Promise<number> {
    this.#server.on('connection', (socket) => {
      this.accepted += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.#server.listen(port, this.address);
    await once(this.#server, 'listening');
    onTestFinished(async () => {
      this.hangUp();
      this.#server.close();
      await once(this.#server, 'close');
    });
    return (this.#server.address() as AddressInfo).port;
  }

  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** The system's resolver, which answers with one address after the other. */
function rotating(addresses: readonly string[]): { lookups: number } {
  const asked = { lookups: 0 };
  const lookup: LookupFunction = (_hostname, options, done) => {
    const address = addresses[asked.lookups % addresses.length] ?? '';
    asked.lookups += 1;
    process.nextTick(() => {
      if (options.all === true) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    });
  };
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as typeof dns.lookup);
  return asked;
}

// Elsewhere there is one loopback address.
test.runIf(process.platform === 'linux')('answers that rotate drain no connection', async () => {
  const [first, second] = [new Replica('127.0.0.1'), new Replica('127.0.0.2')];
  const port = await first.listen(0);
  await second.listen(port);
  const asked = rotating([first.address, second.address]);
  const client = clientFor({ retry: false });
  const call = async (): Promise<string> =>
    (await client.fetch(`http://shop.test:${port}/`)).text();

  for (let count = 0; count < 5; count++) expect(await call()).toBe(first.address);
  expect([asked.lookups, first.accepted, second.accepted]).toEqual([1, 1, 0]);

  // The name is resolved for a new connection, and for that one alone: the one of before stays.
  expect(new Set(await Promise.all([call(), call()]))).toEqual(
    new Set([first.address, second.address]),
  );
  for (let count = 0; count < 5; count++) await Promise.all([call(), call()]);
  expect([asked.lookups, first.accepted, second.accepted]).toEqual([2, 1, 1]);

  first.hangUp();
  second.hangUp();
  await expect.poll(() => stat(client, 'upstream_cx_active', `shop.test:${port}`)).toBe(0);
  expect(await call()).toBe(first.address);
  expect([asked.lookups, first.accepted, second.accepted]).toEqual([3, 2, 1]);

  // All this is one endpoint, under the name that was called.
  expect(client.endpoints()).toMatchObject([{ url: `http://shop.test:${port}`, success: 18 }]);
});
