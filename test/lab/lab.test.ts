import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { atLeast, type Check } from '../../src/lab/checks.js';
import type { Experiment, Findings } from '../../src/lab/experiment.js';
import { type LabSettings, runLab } from '../../src/lab/lab.js';
import { fleetEntry } from './built-command.js';

/** An experiment that does what it is told and finds what it is told. */
function experiment(name: string, run: Experiment['run']): Experiment {
  return { name, title: 'a title', chapter: 'kind: DestinationRule', code: 'fetch()', run };
}

function found(...checks: Check[]): Findings {
  const results = [{ policy: 'random', qps: 1 }];
  return { results, tables: [], histograms: [], words: 'What it shows.', checks };
}

const good = atLeast('qps', { value: 40, unit: 'qps' }, 32);
const bad = atLeast('qps', { value: 22.7, unit: 'qps' }, 32);

async function run(
  experiments: readonly Experiment[],
  {
    signal = new AbortController().signal,
    ...more
  }: Partial<LabSettings & { signal: AbortSignal }>,
) {
  let out = '';
  const errors = new PassThrough();
  const settings: LabSettings = {
    experiments,
    pace: { speedup: 5, seconds: 40 },
    seed: 42,
    json: false,
    version: '1.2.3',
    fleetEntry,
    ...more,
  };
  const output = { write: (text: string) => void (out += text), colours: false, errors };
  const code = await runLab(settings, output, signal);
  return { code, out, trouble: String(errors.read() ?? '') };
}

describe('the lab', () => {
  it('answers 0 when every check passed, and tells the seed, the words and the checks', async () => {
    const { code, out } = await run([experiment('a', () => Promise.resolve(found(good)))], {});
    expect(code).toBe(0);
    expect(out).toMatch(/^Seed 42\. Time runs 5 times as fast/);
    expect(out).toContain('a: a title\n\nIn the chapter:\n  kind: DestinationRule\n');
    expect(out).toContain('Here:\n  fetch()\n');
    expect(out).toContain('What it shows.\n\n✓ qps: 40.0 qps (at least 32 qps)\n');
    expect(out.endsWith('The check passed.\n')).toBe(true);
  });

  it('answers 1 when one check failed, whatever comes after it', async () => {
    const { code, out } = await run(
      [
        experiment('a', () => Promise.resolve(found(bad))),
        experiment('b', () => Promise.resolve(found(good))),
      ],
      {},
    );
    expect(code).toBe(1);
    expect(out).toContain('✗ qps: expected at least 32 qps, seen 22.7 qps\n');
    expect(out.endsWith('1 of 2 checks failed.\n')).toBe(true);
  });

  it('prints one JSON document and nothing else', async () => {
    const experiments = [
      experiment('a', () => Promise.resolve(found(bad))),
      experiment('b', () => Promise.resolve(found(good))),
    ];
    const { code, out } = await run(experiments, { json: true });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      outrigger: '1.2.3',
      node: process.version,
      seed: 42,
      full: false,
      speedup: 5,
      secondsPerRun: 40,
      passed: false,
      experiments: [
        {
          name: 'a',
          title: 'a title',
          passed: false,
          results: [{ policy: 'random', qps: 1 }],
          words: 'What it shows.',
          checks: [bad],
        },
        expect.objectContaining({ name: 'b', passed: true }),
      ],
    });
  });

  it('goes on after an experiment that could not be finished, and answers 1', async () => {
    const experiments = [
      experiment('a', () => Promise.reject(new Error('no rope'))),
      experiment('b', () => Promise.resolve(found(good))),
    ];
    const { code, out, trouble } = await run(experiments, { json: true });
    expect(code).toBe(1);
    expect(trouble).toBe('a could not be finished: no rope\n');
    expect(JSON.parse(out)).toMatchObject({
      passed: false,
      experiments: [
        { name: 'a', passed: false, error: 'no rope' },
        { name: 'b', passed: true },
      ],
    });
  });

  it('reports a fleet that does not start', async () => {
    const missing = new URL('missing.js', fleetEntry);
    const { code, trouble } = await run([experiment('a', () => Promise.resolve(found(good)))], {
      fleetEntry: missing,
    });
    expect(code).toBe(1);
    expect(trouble).toMatch(/^a could not be finished: the fleet process failed: it ended with/);
    expect(trouble).toContain('missing.js');
  });

  it('rejects when it is interrupted, and leaves no fleet behind', async () => {
    const interruption = new AbortController();
    let url = '';
    const endless = experiment('a', async ({ fleet, signal }) => {
      [{ url }] = (await fleet.startBackends([{ name: 'a' }])) as [{ name: string; url: string }];
      interruption.abort(new Error('enough'));
      await new Promise((_, reject) => {
        if (signal.aborted) reject(new Error('left'));
      });
      return found(good);
    });
    await expect(run([endless], { signal: interruption.signal })).rejects.toThrow('enough');
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});
