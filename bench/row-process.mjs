/** The process of one row: opens its client and runs the batches it is told to run. */
import { Session } from 'node:inspector';
import { performance } from 'node:perf_hooks';
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { answerCommands } from './child.mjs';
import { median } from './stats.mjs';
import { allRows } from './works.mjs';

/** @typedef {{ requests: number, inFlight: number }} Batch */

const [id, ...origins] = process.argv.slice(2);
const row = allRows.find((candidate) => candidate.id === id);
if (row === undefined) throw new Error(`no row is called ${id}`);
const call = await row.open(origins);

/** A closed loop: each worker sends its next request when its last answer has been parsed. */
async function load(/** @type {number} */ requests, /** @type {number} */ inFlight) {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) {
      const answer = await call();
      if (answer.id !== 42) throw new Error(`unexpected answer ${JSON.stringify(answer)}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

/** Requests before a batch that counts: connections that idled out meanwhile are opened again, caches fill. */
const settling = row.heavy === true ? 20 : 300;

/**
 * CPU of the whole process, its garbage collector and compiler included, in microseconds per request.
 * @param {Batch} batch
 */
async function measureCpu({ requests, inFlight }) {
  await load(settling, inFlight);
  const began = process.cpuUsage();
  await load(requests, inFlight);
  const used = process.cpuUsage(began);
  return (used.user + used.system) / requests;
}

/**
 * Bytes of V8's heap allocated per request: what the heap grew by between collections, summed up from the
 * figures that V8 reports before and after each collection. Memory of Buffers outside the heap is not in it.
 * @param {Batch} batch
 */
async function measureAllocations({ requests, inFlight }) {
  await load(settling, inFlight);
  const profiler = new GCProfiler();
  let last = getHeapStatistics().used_heap_size;
  profiler.start();
  await load(requests, inFlight);
  const end = getHeapStatistics().used_heap_size;
  let bytes = 0;
  for (const { beforeGC, afterGC } of profiler.stop().statistics) {
    bytes += beforeGC.heapStatistics.usedHeapSize - last;
    last = afterGC.heapStatistics.usedHeapSize;
  }
  return (bytes + end - last) / requests;
}

/**
 * The middle of the times, in milliseconds, that calls take one after another.
 * @param {{ requests: number }} batch
 */
async function measureLatency({ requests }) {
  await load(32, 1);
  const times = [];
  for (let i = 0; i < requests; i++) {
    const began = performance.now();
    await call();
    times.push(performance.now() - began);
  }
  return median(times);
}

/**
 * A CPU profile of a batch alone, without start and warm-up.
 * @param {Batch & { interval: number }} batch with the microseconds between two samples
 */
async function profile({ requests, inFlight, interval }) {
  const session = new Session();
  session.connect();
  const post = (/** @type {string} */ method, /** @type {object} */ params = {}) =>
    new Promise((resolve, reject) => {
      session.post(method, params, (error, result) => (error ? reject(error) : resolve(result)));
    });
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval });
  await load(settling, inFlight);
  await post('Profiler.start');
  const began = process.cpuUsage();
  await load(requests, inFlight);
  const used = process.cpuUsage(began);
  const result = await post('Profiler.stop');
  session.disconnect();
  return { profile: /** @type {any} */ (result).profile, cpu: used.user + used.system };
}

answerCommands({
  warm: (/** @type {Batch} */ { requests, inFlight }) => load(requests, inFlight),
  cpu: measureCpu,
  allocations: measureAllocations,
  latency: measureLatency,
  profile,
});
