/**
 * What a call costs that is refused: by a full connection pool, and by an open circuit breaker. CPU per call, as a
 * multiple of one `Pool.request` that is answered. Arguments: rounds, origins.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Pool } from 'undici';
import { ratioOf } from '../stats.mjs';
import { openOutrigger, path, withoutRoutes } from '../rows.mjs';

const [rounds, ...origins] = process.argv.slice(2);
const batch = 3000;
const inFlight = 32;

const pool = new Pool(/** @type {string} */ (origins[0]), { connections: inFlight });

async function requested() {
  const { body } = await pool.request({ path, method: 'GET' });
  await body.json();
}

/** @param {Awaited<ReturnType<typeof openOutrigger>>} client @param {string} code */
function refusal(client, code) {
  return async () => {
    const error = await client.fetch(path).then(
      () => new Error('it was answered'),
      (/** @type {Error & { code?: string }} */ reason) => reason,
    );
    if (error.code !== code) throw error;
  };
}

/** The one call that is allowed is never answered, and another one waits. */
async function full() {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (silent.address());
  const client = await openOutrigger([`http://127.0.0.1:${port}`], {
    ...withoutRoutes,
    timeout: 0,
    hedge: false,
    retry: false,
    connectionPool: { maxConnections: 1, maxPendingRequests: 1 },
  });
  void client.fetch(path);
  const isUnderWay = () => client.stats()['cluster.simple-backend.upstream_rq_active'] === 1;
  while (!isUnderWay()) await nextTurn();
  void client.fetch(path);
  return refusal(client, 'ERR_OUTRIGGER_OVERFLOW');
}

/** Nobody listens at port 1. */
async function open() {
  const client = await openOutrigger(['http://127.0.0.1:1'], {
    ...withoutRoutes,
    retry: false,
    hedge: false,
    circuitBreaker: { openTime: '1h', minimumCalls: 2 },
  });
  for (let call = 0; call < 3; call++) await client.fetch(path).catch(() => {});
  return refusal(client, 'ERR_OUTRIGGER_CIRCUIT_OPEN');
}

/** @param {() => Promise<void>} call */
async function measure(call) {
  const began = process.cpuUsage();
  let left = batch;
  const worker = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const used = process.cpuUsage(began);
  return (used.user + used.system) / batch;
}

const calls = [requested, await full(), await open()];
for (let i = 0; i < 10; i++) for (const call of calls) await measure(call);
/** @type {number[][]} */
const cpu = calls.map(() => []);
for (let round = 0; round < Number(rounds); round++) {
  // Each goes first in turn.
  for (let i = 0; i < calls.length; i++) {
    const which = (i + round) % calls.length;
    cpu[which]?.push(await measure(/** @type {() => Promise<void>} */ (calls[which])));
  }
}
const [answered = [], byPool = [], byBreaker = []] = cpu;
console.log(
  JSON.stringify({ byPool: ratioOf(byPool, answered), byBreaker: ratioOf(byBreaker, answered) }),
);
process.exit(0);
