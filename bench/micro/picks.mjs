/**
 * What a pick costs with 3, 100 and 10,000 endpoints, in nanoseconds. Arguments: policy, whether weights differ,
 * rounds.
 */
import { ratioOf, summarise } from '../stats.mjs';
import { endpointList } from './endpoints.mjs';
import { loadSource } from './source.mjs';

const [policy = 'least-request', unequal = 'false', rounds = '41'] = process.argv.slice(2);
const sizes = [3, 100, 10_000];
/** Picks timed at once. */
const block = 20_000;
/** Attempts that are active while picks are timed. */
const active = 32;

/** @type {Record<string, object>} */
const settings = {
  'least-request': { choiceCount: 2, activeRequestBias: 1, fullScan: false },
  'peak-ewma': { decayTime: 10_000 },
};

const { balancerFactory, Endpoint, systemRuntime } = await loadSource();
const factory = balancerFactory({ policy, ...settings[policy] });
const result = { latency: 1, ok: true, cancelled: false };

/** A balancer in the middle of its work: every endpoint has been used, and 32 attempts are active. */
class Subject {
  /** Attempts in flight, oldest first from `next`. */
  ring = /** @type {any[]} */ ([]);
  next = 0;

  /** @param {number} size */
  constructor(size) {
    const endpoints = endpointList(size, { unequal: unequal === 'true' }).map(
      (address) => new Endpoint({ ...address, locality: '', priority: 0 }),
    );
    this.balancer = factory(endpoints, { runtime: systemRuntime, previous: undefined });
    for (const endpoint of endpoints) {
      this.start(endpoint);
      this.end(endpoint);
    }
    for (let i = 0; i < active; i++) this.ring.push(this.start(this.balancer.pick()));
  }

  start(/** @type {any} */ endpoint) {
    endpoint.active += 1;
    this.balancer.started?.(endpoint);
    return endpoint;
  }

  end(/** @type {any} */ endpoint) {
    endpoint.active -= 1;
    this.balancer.ended?.(endpoint, result);
  }

  /** Nanoseconds of a pick alone. */
  alone() {
    const { balancer } = this;
    const began = process.hrtime.bigint();
    let found = 0;
    for (let i = 0; i < block; i++) if (balancer.pick() !== undefined) found++;
    const took = process.hrtime.bigint() - began;
    if (found !== block) throw new Error(`${policy}: ${block - found} picks found nothing`);
    return Number(took) / block;
  }

  /** Nanoseconds of a pick, the start of its attempt and the end of the oldest one. */
  whole() {
    const began = process.hrtime.bigint();
    for (let i = 0; i < block; i++) {
      this.end(this.ring[this.next]);
      this.ring[this.next] = this.start(this.balancer.pick());
      this.next = (this.next + 1) % active;
    }
    return Number(process.hrtime.bigint() - began) / block;
  }
}

const subjects = sizes.map((size) => ({
  subject: new Subject(size),
  alone: /** @type {number[]} */ ([]),
  whole: /** @type {number[]} */ ([]),
}));
// The first rounds compile, and spread the schedules out.
for (let round = -5; round < Number(rounds); round++) {
  // The sizes take turns in going first.
  for (let turn = 0; turn < sizes.length; turn++) {
    const measured = subjects[(turn + round + sizes.length * 2) % sizes.length];
    if (measured === undefined) throw new Error('no such size');
    const whole = measured.subject.whole();
    const alone = measured.subject.alone();
    if (round < 0) continue;
    measured.whole.push(whole);
    measured.alone.push(alone);
  }
}

const [smallest, largest] = [subjects.at(0), subjects.at(-1)];
console.log(
  JSON.stringify({
    policy,
    unequal: unequal === 'true',
    picks: subjects.map(({ alone, whole }, i) => ({
      endpoints: sizes[i],
      alone: summarise(alone),
      whole: summarise(whole),
    })),
    growth: ratioOf(largest?.alone ?? [], smallest?.alone ?? []),
  }),
);
