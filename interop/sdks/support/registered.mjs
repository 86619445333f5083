/** The same questions for each application: with `outrigger/register` nobody notices the backend, without it they do. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { balancedFleet } from './balanced-fleet.mjs';
import { test } from './suite.mjs';

const REQUESTS = 12;

/**
 * `start({ env, config })` gives `{ url, printed() }` of the running application; `asks` are requests of its callers:
 * `{ title, path(number), init }`, each of which asks the backend once.
 */
export function registered(name, { start, asks, also = () => {} }) {
  const begin = ({ url, config }, isRegistered) =>
    start({ env: { BACKEND_URL: url }, config: isRegistered ? config : undefined });

  async function statuses(app, { path, init }) {
    const all = [];
    for (let number = 0; number < REQUESTS; number += 1) {
      const answer = await fetch(`${app.url}${path(number)}`, init);
      await answer.arrayBuffer();
      all.push(answer.status);
    }
    return all;
  }

  describe(`${name}, with a backend of which one endpoint fails`, () => {
    for (const trouble of ['503', 'refused']) {
      test(`${trouble}: as it is, its callers notice`, async () => {
        const fleet = await balancedFleet(trouble);
        const app = await begin(fleet, false);
        for (const ask of asks) {
          const failed = (await statuses(app, ask)).filter((status) => status >= 500);
          assert.equal(failed.length, REQUESTS / 2, ask.title);
        }
        assert.doesNotMatch(app.printed(), /outrigger/);
      });

      test(`${trouble}: with outrigger/register nobody does`, async () => {
        const fleet = await balancedFleet(trouble);
        const app = await begin(fleet, true);
        assert.match(app.printed(), /^outrigger .*resilient/m);
        for (const ask of asks) {
          fleet.good.seen.length = 0;
          fleet.good.attempts.length = 0;
          assert.deepEqual(await statuses(app, ask), Array(REQUESTS).fill(200), ask.title);
          assert.equal(fleet.good.seen.length, REQUESTS, ask.title);
          assert.ok(fleet.good.attempts.includes('2'), ask.title);
        }
        assert.equal(fleet.balancer.seen.length, 0, 'the balancer was asked');
      });
    }
    also(begin);
  });
}
