/**
 * What a sticky pick among 1,000 endpoints costs beside a random one, in nanoseconds: with the call's hash known, and
 * with the hash made. Argument: rounds.
 */
import { ratioOf, summarise } from '../stats.mjs';
import { endpointList } from './endpoints.mjs';
import { loadSource } from './source.mjs';

const [rounds = '41'] = process.argv.slice(2);
const size = 1000;
/** Picks timed at once. */
const block = 20_000;
/** Calls of as many users take turns. */
const users = 4096;

const { balancerFactory, Endpoint, systemRuntime } = await loadSource();
const endpoints = endpointList(size).map((address) => new Endpoint({ ...address, locality: '' }));

/** @param {Record<string, unknown>} policy */
const balancerOf = (policy) =>
  balancerFactory(policy)(endpoints, { runtime: systemRuntime, previous: undefined });

const sticky = {
  hashOn: [{ kind: 'header', name: 'x-user-id', terminal: false }],
  hashBalanceFactor: 0,
  minimumRingSize: 1024,
  maximumRingSize: 8_388_608,
  tableSize: 65_537,
};

/** @param {(user: number) => string} idOf */
const callsOf = (idOf) =>
  Array.from({ length: users }, (_, user) => ({
    method: 'GET',
    path: '/orders/42',
    headers: ['host', 'shop', 'accept', '*/*', 'accept-language', '*', 'x-user-id', idOf(user)],
    hash: /** @type {unknown} */ (undefined),
  }));

/** Numbers that are spread out, so that none of the users is a neighbour of the last. */
const spread = (/** @type {number} */ user) => (Math.imul(user + 1, 0x9e3779b1) >>> 0).toString(16);
const short = callsOf((user) => `u${spread(user)}`.padEnd(9, '0').slice(0, 9));
const long = callsOf((user) => `${spread(user).padStart(8, '0')}-5c1d-4e6f-8a90-b2c3d4e5f607`);

/**
 * Nanoseconds of a pick.
 * @param {any} balancer
 * @param {ReturnType<typeof callsOf>} calls
 * @param {boolean} isKnown their hashes have been made
 */
function time(balancer, calls, isKnown) {
  if (isKnown) for (const call of calls) balancer.pick(call);
  const began = process.hrtime.bigint();
  let found = 0;
  for (let i = 0; i < block; i++) {
    const call = /** @type {(typeof calls)[number]} */ (calls[i & (users - 1)]);
    if (!isKnown) call.hash = undefined;
    if (balancer.pick(call) !== undefined) found++;
  }
  const took = process.hrtime.bigint() - began;
  if (found !== block) throw new Error(`${block - found} picks found nothing`);
  return Number(took) / block;
}

const random = balancerOf({ policy: 'random' });
const measured = ['ring-hash', 'maglev'].map((policy) => ({
  policy,
  balancer: balancerOf({ policy, ...sticky }),
  known: /** @type {number[]} */ ([]),
  short: /** @type {number[]} */ ([]),
  long: /** @type {number[]} */ ([]),
}));
const byChance = /** @type {number[]} */ ([]);
// The first rounds compile.
for (let round = -5; round < Number(rounds); round++) {
  const times = measured.map(({ balancer }) => ({
    known: time(balancer, short, true),
    short: time(balancer, short, false),
    long: time(balancer, long, false),
  }));
  const chance = time(random, short, true);
  if (round < 0) continue;
  byChance.push(chance);
  measured.forEach((each, index) => {
    each.known.push(times[index]?.known ?? NaN);
    each.short.push(times[index]?.short ?? NaN);
    each.long.push(times[index]?.long ?? NaN);
  });
}

console.log(
  JSON.stringify({
    endpoints: size,
    random: summarise(byChance),
    policies: measured.map(({ policy, known, short: hashed, long: hashedLong }) => ({
      policy,
      known: summarise(known),
      short: summarise(hashed),
      long: summarise(hashedLong),
      toRandom: ratioOf(known, byChance),
    })),
  }),
);
