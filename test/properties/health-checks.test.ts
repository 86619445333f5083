/** The state machine of active health checks against a plain re-statement of its rules, over random policies and results. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HealthCheckPolicy } from '../../src/cluster/health-check-policy.js';
import { Checked, POLICY, type Step } from '../cluster/checked.js';

const PASSES = 200;
/** They pass, too. */
const DEGRADED = 'degraded';
const IS_FATAL = 503;
const LATENCY = 5;

const stepOf = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>(PASSES) },
  { weight: 1, arbitrary: fc.constant<Step>(DEGRADED) },
  { weight: 1, arbitrary: fc.constant<Step>(IS_FATAL) },
  { weight: 4, arbitrary: fc.constantFrom<Step>(429, 'refused', 'hangs') },
);

const pace = fc.integer({ min: 100, max: 9000 });
const policyOf: fc.Arbitrary<Partial<HealthCheckPolicy>> = fc.record({
  timeout: fc.integer({ min: 10, max: 5000 }),
  unhealthyThreshold: fc.integer({ min: 1, max: 4 }),
  healthyThreshold: fc.integer({ min: 1, max: 4 }),
  interval: pace,
  noTrafficInterval: pace,
  noTrafficHealthyInterval: pace,
  unhealthyInterval: pace,
  unhealthyEdgeInterval: pace,
  healthyEdgeInterval: pace,
});

function isGood(step: Step | undefined): boolean {
  return step === PASSES || step === DEGRADED;
}

/** Whether it passes after these results, which are looked at as a whole. */
function isHealthyAfter(results: readonly Step[], policy: HealthCheckPolicy): boolean {
  const latest = results.at(-1);
  if (results.length === 0) return true;
  if (results.length === 1) return isGood(latest);
  const runLength = [...results].reverse().findIndex((one) => isGood(one) !== isGood(latest));
  const inARow = runLength === -1 ? results.length : runLength;
  if (latest === IS_FATAL) return false;
  const before = isHealthyAfter(results.slice(0, -1), policy);
  if (isGood(latest)) return before || inARow >= policy.healthyThreshold;
  return before && inARow < policy.unhealthyThreshold;
}

/** The same, with those that pass told apart by the latest good result. */
function stateAfter(results: readonly Step[], policy: HealthCheckPolicy): string {
  if (!isHealthyAfter(results, policy)) return 'out';
  return results.findLast(isGood) === DEGRADED ? 'degraded' : 'healthy';
}

/** The wait after the last of these results. */
function waitAfter(results: readonly Step[], policy: HealthCheckPolicy, used: boolean): number {
  const isHealthy = isHealthyAfter(results, policy);
  const passed = isGood(results.at(-1));
  if (!used)
    return passed && isHealthy ? policy.noTrafficHealthyInterval : policy.noTrafficInterval;
  if (passed) return isHealthy ? policy.interval : policy.healthyEdgeInterval;
  return isHealthy ? policy.unhealthyEdgeInterval : policy.unhealthyInterval;
}

test('health and pace follow from the results alone', async () => {
  await fc.assert(
    fc.asyncProperty(
      policyOf,
      fc.array(stepOf, { minLength: 1, maxLength: 25 }),
      fc.boolean(),
      async (own, script, used) => {
        const policy = { ...POLICY, ...own };
        const checked = new Checked({ policy, script, used, latency: LATENCY });
        let start = 0;
        let changes = 0;
        for (const [index, step] of script.entries()) {
          const results = script.slice(0, index + 1);
          expect(checked.times).toHaveLength(index + 1);
          expect(checked.times[index]).toBeCloseTo(start, 5);
          const end = start + (step === 'hangs' ? policy.timeout : LATENCY);
          await checked.runtime.advanceTo(end);
          const state = stateAfter(results, policy);
          expect(checked.states).toEqual([state]);
          if (state !== stateAfter(script.slice(0, index), policy)) changes += 1;
          expect(checked.told).toHaveLength(changes);
          start = end + waitAfter(results, policy, used);
          await checked.runtime.advanceTo(start);
        }
        checked.checks.stop();
        expect(checked.runtime.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});
