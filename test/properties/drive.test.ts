/** Whatever happens to the attempts: a call settles exactly once, and every loser is cancelled. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as drive from '../../src/core/drive.js';
import { failure } from '../../src/core/failure.js';
import type { AttemptLayer, CallLayer, Verdict } from '../../src/core/layer.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import {
  callOn,
  chainOver,
  Recorder,
  ScriptedUpstream,
  type Script,
} from '../core/scripted-upstream.js';

const times = fc.integer({ min: 0, max: 30 });
const script: fc.Arbitrary<Script | 'no-endpoint'> = fc.oneof(
  { weight: 1, arbitrary: fc.constant('no-endpoint' as const) },
  {
    weight: 9,
    arbitrary: fc.record({
      connect: times,
      refused: fc.boolean(),
      head: times,
      status: fc.constantFrom(200, 404, 503),
      chunks: fc.array(times, { maxLength: 4 }),
      cut: fc.boolean(),
      fails: fc.constantFrom(undefined, undefined, 'reset' as const, 'protocol-error' as const),
    }) as fc.Arbitrary<Script>,
  },
);
const verdict: fc.Arbitrary<Verdict | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom<Verdict>(
    { kind: 'accept', reason: 'r' },
    { kind: 'wait', reason: 'r' },
    { kind: 'give-up', reason: 'r' },
  ),
  times.map((after): Verdict => ({ kind: 'another', after, reason: 'r' })),
);
const passing = fc.constantFrom('passes', 'waits', 'refuses', 'refuses later');

interface Plan {
  readonly scripts: (Script | 'no-endpoint')[];
  readonly verdicts: (Verdict | undefined)[];
  readonly wakes: number[];
  readonly starts: string[];
  readonly abortAt: number | undefined;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  scripts: fc.array(script, { minLength: 1, maxLength: 6 }),
  verdicts: fc.array(verdict, { minLength: 1, maxLength: 8 }),
  wakes: fc.array(times, { maxLength: 3 }),
  starts: fc.array(passing, { minLength: 1, maxLength: 4 }),
  abortAt: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined }),
});

test('settles exactly once, cancels every loser, forgets nothing', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ scripts, verdicts, wakes, starts, abortAt }) => {
      const runtime = virtualRuntime();
      const upstream = new ScriptedUpstream(runtime, scripts);
      const recorder = new Recorder();
      let asked = 0;
      let callEnds = 0;
      let entered = 0;
      let left = 0;
      let begun = 0;
      const judge: CallLayer = {
        name: 'judge',
        start(call) {
          for (const wake of wakes) call.wakeAt(call.startedAt + wake);
          return undefined;
        },
        judge(call) {
          expect(call.answer).toBeUndefined();
          // A plan without end would be the layer's fault, not the driver's.
          return call.attempts.length >= 8 ? undefined : verdicts[asked++ % verdicts.length];
        },
        end: () => void (callEnds += 1),
      };
      const gate: AttemptLayer = {
        name: 'gate',
        start() {
          const how = starts[begun++ % starts.length];
          const refusal = failure('refused', undefined, undefined, false);
          if (how === 'refuses') return refusal;
          if (how === 'refuses later') return Promise.resolve(refusal);
          if (how === 'passes') {
            entered += 1;
            return undefined;
          }
          return new Promise((resolve) => {
            runtime.setTimer(() => {
              entered += 1;
              resolve(undefined);
            }, 7);
          });
        },
        end: () => void (left += 1),
      };
      const call = callOn(chainOver(upstream, [judge], [gate]), recorder);
      drive.start(call);
      if (abortAt !== undefined) {
        runtime.setTimer(() => drive.abort(call, new Error('aborted')), abortAt);
      }
      await runtime.advance(5000);

      const settled = recorder.events.filter(
        (event) => event === 'end' || event.startsWith('fail'),
      );
      expect(settled).toHaveLength(1);
      expect(recorder.events.at(-1)).toBe(settled[0]);
      expect(recorder.events.filter((event) => event.startsWith('head')).length).toBeLessThan(2);
      expect(callEnds).toBe(1);
      expect(upstream.callsEnded).toBe(1);
      expect(left).toBe(entered);
      expect(upstream.endpoint.active).toBe(0);
      expect(upstream.ended_.length).toBe(upstream.started_.length);
      expect(new Set(upstream.ended_).size).toBe(upstream.ended_.length);
      for (const attempt of call.attempts) expect(attempt.phase).toBe('over');
      for (const { finished, cancelled } of upstream.exchanges) {
        expect(Number(finished) + cancelled).toBe(1);
      }
      expect(runtime.pendingTimers).toBe(0);
    }),
    { numRuns: 2000 },
  );
});
