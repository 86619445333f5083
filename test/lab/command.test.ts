import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { experiments } from '../../src/lab/experiments/index.js';
import { cli } from './built-command.js';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command to its end; `meanwhile` is told what it has written to standard error so far. */
function outrigger(
  args: readonly string[],
  meanwhile: (err: string, interrupt: () => void) => void = () => undefined,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args]);
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
      meanwhile(err, () => child.kill('SIGINT'));
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

describe('wrong use ends with 2 and says what is wrong', () => {
  it.each([
    { args: [], says: 'Usage: outrigger' },
    { args: ['lap'], says: "unknown command 'lap'\n(Did you mean lab?)" },
    { args: ['lab', '--ful'], says: "unknown option '--ful'\n(Did you mean --full?)" },
    {
      args: ['lab', 'load-balncing'],
      says: "no experiment is called 'load-balncing'; did you mean 'load-balancing'?",
    },
    {
      args: ['lab', 'load-balancing', 'zebra'],
      says: "no experiment is called 'zebra'; they are load-balancing",
    },
    { args: ['lab', 'list', 'load-balancing'], says: "'list' stands alone" },
    { args: ['lab', '--seed'], says: "option '--seed <number>' argument missing" },
    { args: ['lab', '--seed', '-1'], says: 'It is a whole number from 0 to 4294967295.' },
    { args: ['lab', '--seed', '1.5'], says: 'It is a whole number from 0 to 4294967295.' },
    { args: ['lab', '--seed', '4294967296'], says: 'It is a whole number from 0' },
    { args: ['lab', '--seed='], says: 'It is a whole number from 0' },
  ])('$args', async ({ args, says }) => {
    const { code, out, err } = await outrigger(args);
    expect(err).toContain(says);
    expect(out).toBe('');
    expect(code).toBe(2);
  });
});

describe('what is asked for ends with 0', () => {
  it('the version, everywhere', async () => {
    const manifest = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
    for (const args of [['--version'], ['lab', '--version']]) {
      expect(await outrigger(args)).toEqual({ code: 0, out: `${version}\n`, err: '' });
    }
  });

  it('help, everywhere', async () => {
    const whole = await outrigger(['--help']);
    expect(whole).toMatchObject({ code: 0, err: '' });
    expect(whole.out).toContain('Usage: outrigger [options] [command]');
    const lab = await outrigger(['lab', '--help']);
    expect(lab).toMatchObject({ code: 0, err: '' });
    for (const word of ['--full', '--json', '--seed', 'list']) expect(lab.out).toContain(word);
  });

  it('the list of experiments', async () => {
    const { code, out, err } = await outrigger(['lab', 'list']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.trim().split('\n')).toHaveLength(experiments.length);
    expect(out).toMatch(/^load-balancing {2,}four ways/);
    for (const { name, title } of experiments)
      expect(out).toMatch(new RegExp(`^${name} +${title}$`, 'm'));
  });

  it('the list for machines', async () => {
    const { code, out } = await outrigger(['lab', 'list', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(experiments.map(({ name, title }) => ({ name, title })));
  });
});

it('Ctrl-C ends a run at once, with 130, even when it is passed on twice', async () => {
  let pressed = false;
  const { code, out, err } = await outrigger(
    ['lab', '--json', '--seed', '3'],
    (said, interrupt) => {
      // Once: a signal that comes while the process is going down meets nobody who would handle it.
      if (pressed || !said.includes('running for')) return;
      pressed = true;
      interrupt();
      interrupt();
    },
  );
  expect(err).toContain('Interrupted; the fleet has been stopped.');
  expect(out).toBe('');
  expect(code).toBe(130);
});
