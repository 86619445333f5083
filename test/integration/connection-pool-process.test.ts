/** A process whose calls have all come to their end ends too, whatever its connections are about. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { hold } from '../../src/testing/index.js';
import { builtClient, type BuiltClient } from '../support/built-client.js';
import { certificateAuthority } from '../support/certificates.js';
import { fleetOf } from '../support/fleet.js';
import { silentPort } from '../support/silent-port.js';

let client: BuiltClient;
beforeAll(async () => {
  client = await builtClient();
}, 60_000);
afterAll(() => client.remove());

/** None of them ends by itself within the time of a test. */
const PATIENT = { connectTimeout: '1h', idleTimeout: '1h', maxConnectionDuration: '2h' };

test('with connections that idle', async () => {
  const fleet = await fleetOf({ endpoints: 2 });
  const options = { service: 'http://shop', endpoints: fleet.endpoints, connectionPool: PATIENT };
  const printed = await client.run(`
    const { fetch, stats } = createResilientClient(${JSON.stringify(options)});
    const calls = Array.from({ length: 10 }, async () => (await fetch('/')).text());
    await Promise.all(calls);
    console.log(stats()['cluster.shop.upstream_cx_active'] > 1);`);
  expect(printed).toBe('true');
});

test.each([
  ['aborted', 'signal: AbortSignal.timeout(50)', 'TimeoutError'],
  ['timed out', "resilience: { timeout: '50ms' }", 'TimeoutError'],
])(
  'with connections that are being made for calls that have been %s',
  async (_what, init, name) => {
    const port = await silentPort();
    const options = { service: 'https://shop', endpoints: [port.url], connectionPool: PATIENT };
    const printed = await client.run(`
    const { fetch, stats } = createResilientClient(${JSON.stringify(options)});
    const calls = Array.from({ length: 3 }, () => fetch('/', { ${init} }).catch(({ name }) => name));
    console.log(...await Promise.all(calls), stats()['cluster.shop:443.upstream_cx_active']);`);
    expect(printed).toBe(`${name} ${name} ${name} 3`);
  },
);

/** Each connection is given to the function, with its number. */
async function tcp(take: (socket: Socket, index: number) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    take(socket, sockets.push(socket) - 1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('with a connection that is being made for a call which another one has served', async () => {
  const gate = hold();
  const ca = await certificateAuthority();
  const fleet = await fleetOf({
    endpoints: 1,
    plan: [gate.step, 200],
    tls: await ca.issue({ names: ['shop'] }),
  });
  const { port } = new URL(fleet.server(0).url);
  const url = await tcp((socket, index) => {
    // The first one is connected; of the second nothing more is heard, and the first becomes free.
    if (index > 0) gate.release();
    else socket.pipe(connect(Number(port), '127.0.0.1')).pipe(socket);
  });
  const options = {
    service: 'https://shop',
    endpoints: [url],
    connectionPool: PATIENT,
    tls: { ca: ca.cert },
  };
  const printed = await client.run(`
    const { fetch, stats } = createResilientClient(${JSON.stringify(options)});
    const status = async () => (await fetch('/')).status;
    const first = status();
    while (stats()['cluster.shop:443.upstream_rq_active'] < 1) await new Promise(setImmediate);
    console.log(...await Promise.all([first, status()]), stats()['cluster.shop:443.upstream_cx_total']);`);
  expect(printed).toBe('200 200 2');
});

test('with a connection that is being made for a call which the failure of another one has answered', async () => {
  const url = await tcp((_socket, index) => {
    if (index === 1) first?.resetAndDestroy();
    else first = _socket;
  });
  let first: Socket | undefined;
  const options = {
    service: 'https://shop',
    endpoints: [url],
    connectionPool: PATIENT,
    retry: false,
  };
  const printed = await client.run(`
    const { fetch, stats } = createResilientClient(${JSON.stringify(options)});
    const calls = [1, 2].map(() => fetch('/').catch(({ flag }) => flag));
    console.log(...await Promise.all(calls), stats()['cluster.shop:443.upstream_cx_active']);`);
  expect(printed).toBe('UF UF 1');
});
