/** How the tests are run: all of test/, in four groups that differ in who shares a process with whom. */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Rooms that compute: their tests run on virtual time, or over a few sockets that they close. */
const computing = ['balancing', 'cluster', 'core', 'layers', 'locality', 'options', 'routing'];
const pure = [...computing, 'properties'].map((room) => `test/${room}/**/*.test.ts`);
const lab = ['test/lab/**/*.test.ts'];
const fidelity = ['test/fidelity/**/*.test.ts'];

export default defineConfig({
  test: {
    // As many files at once as there are processors, of which vitest would leave one out.
    maxWorkers: availableParallelism(),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    restoreMocks: true,
    unstubGlobals: true,
    projects: [
      {
        extends: true,
        // Loading the code anew for each file would take longer than its tests.
        test: { name: 'pure', include: pure, pool: 'threads', isolate: false },
      },
      {
        extends: true,
        // Whole experiments, at a short pace, over processes of their own: they wait for most of their time.
        test: {
          name: 'lab',
          include: lab,
          pool: 'forks',
          isolate: false,
          maxWorkers: 2 * availableParallelism(),
          // After the others.
          sequence: { groupOrder: 1 },
          globalSetup: 'test/lab/build-once.ts',
        },
      },
      {
        extends: true,
        // Sockets, timers, streams, processes: each file in a process of its own, so that none meets what another left.
        test: {
          name: 'sockets',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, ...lab, ...fidelity],
          pool: 'forks',
        },
      },
      {
        extends: true,
        // Thousands of checks that wait for the server or for what must not come, for half of their time.
        test: {
          name: 'fidelity',
          include: fidelity,
          pool: 'forks',
          maxWorkers: 2 * availableParallelism(),
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
