/**
 * Does anything but the pick grow with the number of endpoints? CPU per `client.fetch` with 3 and with 10,000
 * endpoints in the list, under a balancer that always chooses among the first three. Arguments: rounds, origins.
 */
import { ratioOf, summarise } from '../stats.mjs';
import { openOutrigger, path, withoutRoutes } from '../rows.mjs';
import { endpointList } from './endpoints.mjs';

const [rounds, ...origins] = process.argv.slice(2);
const batch = 1000;
const inFlight = 32;

/** @type {import('../../dist/index.js').BalancerFactory} */
const firstThree = (endpoints) => {
  let next = 0;
  return { name: 'first-three', pick: () => endpoints[next++ % 3] };
};

const clients = await Promise.all(
  [0, 10_000 - origins.length].map((more) =>
    openOutrigger(origins, {
      ...withoutRoutes,
      endpoints: [...origins, ...endpointList(more)],
      loadBalancer: firstThree,
    }),
  ),
);

/** @param {Awaited<ReturnType<typeof openOutrigger>>} client */
async function measure(client) {
  const began = process.cpuUsage();
  let left = batch;
  const worker = async () => {
    while (left-- > 0) await (await client.fetch(path)).json();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const used = process.cpuUsage(began);
  return (used.user + used.system) / batch;
}

for (let i = 0; i < 3; i++) for (const client of clients) await measure(client);
/** @type {[number[], number[]]} */
const cpu = [[], []];
for (let round = 0; round < Number(rounds); round++) {
  // Each of the two goes first in every second round.
  for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
    cpu[i]?.push(await measure(/** @type {typeof clients[0]} */ (clients[i])));
  }
}
console.log(
  JSON.stringify({
    few: summarise(cpu[0]),
    many: summarise(cpu[1]),
    ratio: ratioOf(cpu[1], cpu[0]),
  }),
);
process.exit(0);
