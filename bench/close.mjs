/**
 * The close comparisons that the ceilings are judged by: `client.fetch` beside one or two others alone, for each kind
 * of work, in sets of fresh processes. A set is one independent sample: its turns share their processes.
 */
import { Child } from './child.mjs';
import { RunningRow } from './running.mjs';
import { median, seededRandom, shuffled, summarise } from './stats.mjs';

/** Batches of each side in a set. */
const turns = 6;

/** @typedef {import('./works.mjs').Work} Work */
/** @typedef {import('./works.mjs').Comparison} Comparison */

/**
 * @typedef {object} CloseResult
 * @property {string} id of the kind of work
 * @property {string} title
 * @property {string} to the title of the side that is compared with
 * @property {Comparison['measure']} measure
 * @property {number | undefined} limit
 * @property {import('./stats.mjs').Summary} ours in microseconds, milliseconds or bytes: a median a set
 * @property {import('./stats.mjs').Summary} other
 * @property {import('./stats.mjs').Summary} ratio one figure a set: the median of those of its turns
 */

/**
 * What a side has shown in the turns of the latest set.
 * @param {RunningRow} side
 * @param {Comparison['measure']} measure
 */
const shown = (side, measure) =>
  measure === 'cpu'
    ? [...side.cpu.values()]
    : measure === 'latency'
      ? side.latency
      : side.allocated;

/**
 * @param {Work} work
 * @param {{ sets: number, requests: number, random: () => number, progress: (line: string) => void }} options
 * @returns {Promise<CloseResult[]>}
 */
async function compare({ id, title, sides, comparisons }, { sets, requests, random, progress }) {
  const server = new Child('server.mjs');
  const running = sides.map((side) => new RunningRow(side, server));
  const [ours] = running;
  if (ours === undefined) throw new Error(`${id} has no sides`);
  const results = comparisons.map((comparison) => {
    const other = running.find(({ row }) => row.id === comparison.to);
    if (other === undefined) throw new Error(`${id} has no side called ${comparison.to}`);
    return {
      ...comparison,
      other,
      values: { ours: /** @type {number[]} */ ([]), other: /** @type {number[]} */ ([]) },
      ratios: /** @type {number[]} */ ([]),
    };
  });
  /**
   * Those that have a part in some comparison by it.
   * @param {Comparison['measure']} measure
   */
  const partners = (measure) => {
    const others = results.filter((result) => result.measure === measure);
    return others.length === 0 ? [] : [ours, ...others.map(({ other }) => other)];
  };
  try {
    const origins = await server.ask('origins');
    for (let set = 0; set < sets; set++) {
      progress(`${title}: set ${set + 1} of ${sets}`);
      for (const side of shuffled(running, random)) {
        side.forget();
        await side.restart(origins);
      }
      for (const side of running) await side.settle(requests);
      for (let turn = 0; turn < turns; turn++) {
        const inTurn = (/** @type {Comparison['measure']} */ measure) =>
          shuffled(partners(measure), random);
        for (const side of inTurn('cpu')) await side.measureCpu(turn, requests);
        for (const side of inTurn('latency')) await side.measureLatency();
        for (const side of inTurn('allocated')) await side.measureAllocations();
      }
      for (const { measure, other, values, ratios } of results) {
        const own = shown(ours, measure);
        const others = shown(other, measure);
        values.ours.push(median(own));
        values.other.push(median(others));
        ratios.push(median(own.map((value, turn) => value / (others[turn] ?? Number.NaN))));
      }
    }
  } finally {
    for (const side of running) side.end();
    server.end();
  }
  return results.map(({ measure, limit, other, values, ratios }) => ({
    id,
    title,
    to: other.row.title,
    measure,
    limit,
    ours: summarise(values.ours),
    other: summarise(values.other),
    ratio: summarise(ratios),
  }));
}

/**
 * @param {{ works: readonly Work[], sets: number, requests: number, seed: number, progress: (line: string) => void }} options
 * @returns {Promise<CloseResult[]>}
 */
export async function measureClose({ works, seed, ...options }) {
  const random = seededRandom(seed);
  const results = [];
  for (const work of works) results.push(...(await compare(work, { ...options, random })));
  return results;
}
