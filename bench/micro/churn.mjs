/**
 * What calls notice of a long list that changes: their latency at 300 a second over 10,000 endpoints, in phases that take
 * turns, still and with 100 changes a second through a discovery. Nearly every call opens a connection, since each endpoint
 * is an address of its own (127.0.0.0/8, all of which Linux has). Argument: pairs of phases.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createResilientClient } from '../../dist/index.js';
import { quantile, ratioOf, summarise } from '../stats.mjs';

const [first = '12'] = process.argv.slice(2);
const size = 10_000;
/** Calls a second. */
const rate = 300;
/** Milliseconds of a phase. */
const phase = 3000;
/** Milliseconds between two lists, and how many addresses of each are new. */
const pause = 100;
const renewed = 10;

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A process of its own, so that its work is not in the figures. */
async function serve() {
  const server = createServer((_, answer) => void answer.end('{"id":42}'));
  // None of its own closing is in the figures.
  server.keepAliveTimeout = 600_000;
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  process.send?.(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
  process.on('disconnect', () => process.exit(0));
}

/** @param {number} pairs */
async function measure(pairs) {
  const server = fork(fileURLToPath(import.meta.url), ['server']);
  const [port] = await once(server, 'message');
  let addresses = 0;
  const nextAddress = () => {
    const i = addresses++;
    return `http://127.${1 + ((i >> 16) & 63)}.${(i >> 8) & 255}.${i & 255}:${port}`;
  };
  const list = Array.from({ length: size }, nextAddress);
  /** @type {(list: readonly string[]) => void} */
  let update = () => {};
  const client = createResilientClient({
    service: 'http://simple-backend',
    retry: false,
    endpoints: {
      name: 'churn',
      start(host) {
        update = (next) => host.update(next);
        update([...list]);
        return { stop() {} };
      },
    },
  });
  await client.ready();

  async function call() {
    const began = performance.now();
    await (await client.fetch('/orders/42')).text();
    return performance.now() - began;
  }

  /** @param {boolean} changes */
  async function latencies(changes) {
    let oldest = 0;
    const change = () => {
      for (let i = 0; i < renewed; i++) list[oldest++ % size] = nextAddress();
      update([...list]);
    };
    const timer = changes ? setInterval(change, pause) : undefined;
    const calls = [];
    const began = performance.now();
    for (let due = began; due < began + phase; due += 1000 / rate) {
      while (performance.now() < due) await sleep(1);
      calls.push(call());
    }
    const times = await Promise.all(calls);
    clearInterval(timer);
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
  }

  await latencies(true);
  const still = [];
  const changing = [];
  for (let pair = 0; pair < pairs; pair++) {
    // Each kind comes first as often as the other.
    const order = pair % 2 === 0 ? [still, changing] : [changing, still];
    for (const results of order) results.push(await latencies(results === changing));
  }
  const stats = client.stats();
  await client.destroy();
  server.disconnect();
  /** @param {typeof still} results @param {'p50' | 'p99'} which */
  const of = (results, which) => results.map((result) => result[which]);
  return {
    endpoints: size,
    rebuilds: stats['cluster.simple-backend.membership_change'],
    still: { p50: summarise(of(still, 'p50')), p99: summarise(of(still, 'p99')) },
    changing: { p50: summarise(of(changing, 'p50')), p99: summarise(of(changing, 'p99')) },
    p99: ratioOf(of(changing, 'p99'), of(still, 'p99')),
  };
}

if (first === 'server') await serve();
else console.log(JSON.stringify(await measure(Number(first))));
