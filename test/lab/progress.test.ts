import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { progressOn } from '../../src/lab/progress.js';

/** From Node 26 on `read()` gives one piece at a time. */
function written(stream: PassThrough): string {
  let text = '';
  for (let piece: unknown = stream.read(); piece !== null; piece = stream.read()) {
    text += (piece as Buffer).toString();
  }
  return text;
}

describe('progress', () => {
  it('is a line at the start and one at the end where there is no terminal', () => {
    const stream = new PassThrough();
    const run = progressOn(stream).begin('random', 8000);
    expect(written(stream)).toBe('  random: running for 8.0 s\n');
    run.calls(12);
    run.end();
    expect(written(stream)).toBe('  random: 12 calls\n');
  });

  it('is a bar on a terminal, which gives the cursor back and leaves no timer', () => {
    vi.useFakeTimers();
    try {
      const terminal = Object.assign(new PassThrough(), {
        isTTY: true,
        columns: 100,
        getWindowSize: () => [100, 24],
        cursorTo: () => true,
        clearLine: () => true,
        moveCursor: () => true,
      });
      const run = progressOn(terminal).begin('random', 8000);
      run.calls(12);
      vi.advanceTimersByTime(4000);
      run.end();
      const text = written(terminal);
      expect(text).toContain('random [');
      expect(text).toContain('] 50 %  12 calls');
      expect(text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(text.lastIndexOf('\u001b[?25l'));
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
