/** Shows how far a run is: a bar on a terminal, a line at its start and at its end elsewhere. */
import { SingleBar } from 'cli-progress';

/** Where progress is shown; standard error, so that standard output holds nothing but results. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

export interface Progress {
  /** A run of the given real milliseconds has begun. One at a time. */
  begin(label: string, duration: number): Run;
}

export interface Run {
  /** There have been so many calls. */
  calls(count: number): void;
  end(): void;
}

/** How often the bar moves, in milliseconds. */
const STEP = 100;

export function progressOn(stream: ProgressStream): Progress {
  return { begin: stream.isTTY === true ? bar : lines };

  function bar(label: string, duration: number): Run {
    const single = new SingleBar({
      stream,
      format: `  ${label} [{bar}] {percentage} %  {calls} calls`,
      barsize: 30,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      // Ctrl-C is handled by the command, which ends the run and so the bar.
      gracefulExit: false,
    });
    const begun = performance.now();
    let calls = 0;
    const passed = (): number => Math.min(performance.now() - begun, duration);
    single.start(duration, 0, { calls });
    const timer = setInterval(() => single.update(passed(), { calls }), STEP);
    return {
      calls: (count) => {
        calls = count;
      },
      end: () => {
        clearInterval(timer);
        single.update(passed(), { calls });
        single.stop();
      },
    };
  }

  function lines(label: string, duration: number): Run {
    let calls = 0;
    stream.write(`  ${label}: running for ${(duration / 1000).toFixed(1)} s\n`);
    return {
      calls: (count) => {
        calls = count;
      },
      end: () => void stream.write(`  ${label}: ${calls} calls\n`),
    };
  }
}
