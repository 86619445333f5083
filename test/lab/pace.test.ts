import { expect, it } from 'vitest';
import { cappedTime, fullPace, quickPace } from '../../src/lab/pace.js';

it("takes the chapter's time for a run, or the pace's length where that is shorter", () => {
  expect(cappedTime(fullPace, 30_000)).toBe(30_000);
  expect(cappedTime(quickPace, 30_000)).toBe(6000);
  expect(cappedTime({ speedup: 10, seconds: 4 }, 30_000)).toBe(400);
});
