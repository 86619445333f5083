import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallWindow } from '../../src/cluster/call-window.js';

test('counts calls of the window, and what has failed of them', () => {
  const window = new CallWindow(100);
  window.add(true, 1000);
  window.add(false, 1005);
  window.add(true, 1050);
  expect(window).toMatchObject({ calls: 3, failures: 2 });
  window.add(false, 1100);
  expect(window).toMatchObject({ calls: 2, failures: 1 });
  window.add(false, 9000);
  expect(window).toMatchObject({ calls: 1, failures: 0 });
  window.clear();
  expect(window).toMatchObject({ calls: 0, failures: 0 });
});

test('a call that is told after a later one counts with it', () => {
  const window = new CallWindow(100);
  window.add(true, 1011);
  window.add(true, 1009);
  window.add(false, 1109);
  expect(window).toMatchObject({ calls: 3, failures: 2 });
});

test('what it counts is that of nine to ten tenths of its time, however long it runs', () => {
  const step = fc.record({ after: fc.integer({ min: 0, max: 60 }), failed: fc.boolean() });
  const run = fc.array(step, { maxLength: 200 });
  fc.assert(
    fc.property(run, fc.integer({ min: 1, max: 200 }), (steps, milliseconds) => {
      const window = new CallWindow(milliseconds);
      const added: { at: number; failed: boolean }[] = [];
      let now = 1e6;
      for (const { after, failed } of steps) {
        now += after;
        window.add(failed, now);
        added.push({ at: now, failed });
        const part = milliseconds / 10;
        const first = Math.floor(now / part) - 9;
        const recent = added.filter(({ at }) => Math.floor(at / part) >= first);
        expect(window.calls).toBe(recent.length);
        expect(window.failures).toBe(recent.filter((one) => one.failed).length);
        expect(recent.every(({ at }) => at > now - milliseconds)).toBe(true);
      }
    }),
  );
});
