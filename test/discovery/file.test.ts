import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { file, type FileOptions, type ResilientClient } from '../../src/index.js';
import { clientFor } from '../support/client.js';
import { stat } from '../support/pool.js';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'outrigger-file-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface Watched {
  readonly path: string;
  readonly client: ResilientClient;
  write(text: string): Promise<void>;
  warnings(): unknown[];
}

/** A client whose endpoints stand in a file, which holds this text. */
async function watched(
  text: string | undefined,
  options: Partial<FileOptions> = {},
  name = 'endpoints.json',
): Promise<Watched> {
  const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const path = join(await folder(), name);
  if (text !== undefined) await writeFile(path, text);
  // Far away, so that what is seen is seen by the watcher.
  const endpoints = file({ path, poll: '1h', ...options });
  const client = clientFor({ service: 'http://shop', endpoints });
  return {
    path,
    client,
    write: (next) => writeFile(path, next),
    warnings: () => emitted.mock.calls.map(([said]) => String(said).replace(path, 'FILE')),
  };
}

function urls(client: ResilientClient): string[] {
  return client.endpoints().map(({ url }) => url);
}

async function expectUrls(client: ResilientClient, ...wanted: string[]): Promise<void> {
  await expect.poll(() => urls(client), { interval: 10, timeout: 5000 }).toEqual(wanted);
}

describe('a file', () => {
  test('has a list of endpoints', async () => {
    const { client, warnings } = await watched('["http://a", { "url": "http://b", "weight": 2 }]');
    await client.ready();
    expect(client.endpoints()).toMatchObject([
      { url: 'http://a', weight: 1 },
      { url: 'http://b', weight: 2 },
    ]);
    expect(warnings()).toEqual([]);
  });

  test('or an object with one', async () => {
    const { client } = await watched('\uFEFF{ "comment": 1, "endpoints": ["http://a"] }');
    await client.ready();
    expect(urls(client)).toEqual(['http://a']);
  });

  test('may be YAML', async () => {
    const text = '# ours\nendpoints:\n  - http://a\n  - url: http://b\n    locality: r/z\n';
    const { client } = await watched(text, {}, 'endpoints.yml');
    await client.ready();
    expect(client.endpoints()).toMatchObject([{ url: 'http://a' }, { locality: 'r/z' }]);
  });

  test.each([
    ['endpoints.json', '["http://a"]'],
    ['endpoints.yaml', '- http://a\n'],
  ])('may have a mark of the byte order: %s', async (name, text) => {
    const { client } = await watched(`\uFEFF${text}`, {}, name);
    await client.ready();
    expect(urls(client)).toEqual(['http://a']);
  });

  test('or whatever a function of the user reads', async () => {
    const { client } = await watched('a,b', {
      parse: (text) => text.split(',').map((host) => `http://${host}`),
    });
    await client.ready();
    expect(urls(client)).toEqual(['http://a', 'http://b']);
  });

  test('is found from the working directory', async () => {
    expect(file({ path: './endpoints.json' }).name).toBe('file ./endpoints.json');
    const { client, path } = await watched('["http://a"]');
    await client.ready();
    expect(client.describe()).toContain(`over 1 endpoint from file ${path}`);
  });
});

describe('a change of the file', () => {
  test('is seen when it is written over', async () => {
    const { client, write } = await watched('["http://a"]');
    await client.ready();
    await write('["http://b"]');
    await expectUrls(client, 'http://b');
    await write('["http://b", "http://c"]');
    await expectUrls(client, 'http://b', 'http://c');
  });

  test('is seen when another file is renamed to it, again and again', async () => {
    const { client, path } = await watched('["http://a"]');
    await client.ready();
    for (const host of ['b', 'c', 'd']) {
      await writeFile(`${path}.new`, `["http://${host}"]`);
      await rename(`${path}.new`, path);
      await expectUrls(client, `http://${host}`);
    }
  });

  test('is seen when the link to its folder leads elsewhere, as Kubernetes mounts a ConfigMap', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue();
    const root = await folder();
    for (const version of ['1', '2']) {
      await mkdir(join(root, version));
      await writeFile(join(root, version, 'endpoints.json'), `["http://v${version}"]`);
    }
    await symlink('1', join(root, '..data'));
    await symlink('..data/endpoints.json', join(root, 'endpoints.json'));
    const endpoints = file({ path: join(root, 'endpoints.json'), poll: '1h' });
    const client = clientFor({ service: 'http://shop', endpoints });
    await client.ready();
    expect(urls(client)).toEqual(['http://v1']);
    await symlink('2', join(root, '..new'));
    await rename(join(root, '..new'), join(root, '..data'));
    await expectUrls(client, 'http://v2');
  });

  test('is seen by the look from time to time, where no event tells', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const root = join(await folder(), 'later');
    const path = join(root, 'endpoints.json');
    // There is no folder to watch.
    const endpoints = file({ path, poll: '20ms' });
    const client = clientFor({ service: 'http://shop', endpoints });
    await expect.poll(() => emitted.mock.calls.length, { interval: 5 }).toBe(1);
    await mkdir(root);
    await writeFile(path, '["http://a"]');
    await expectUrls(client, 'http://a');
    await rm(root, { recursive: true });
    await expect.poll(() => emitted.mock.calls.length, { interval: 5 }).toBe(2);
    await mkdir(root);
    await writeFile(path, '["http://b"]');
    await expectUrls(client, 'http://b');
  });

  test('of its time alone is none', async () => {
    const { client, write, path } = await watched('["http://a"]');
    await client.ready();
    await write('["http://a"]');
    await writeFile(`${path}.other`, 'x');
    await write('["http://b"]');
    await expectUrls(client, 'http://b');
    expect(stat(client, 'update_success')).toBe(2);
    expect(stat(client, 'update_attempt')).toBe(2);
  });
});

describe('a file that is broken', () => {
  test('leaves the last list, and says where the mistake is', async () => {
    const { client, write, warnings } = await watched('["http://a"]');
    await client.ready();
    await write('[\n  "http://b",\n  { "url": "http://c" "weight": 1 }\n]');
    await expect.poll(() => warnings().length, { interval: 10 }).toBe(1);
    expect(warnings()[0]).toMatch(
      /^shop: file FILE: line 3, column 23: .*JSON.*; the last list stays$/s,
    );
    expect(urls(client)).toEqual(['http://a']);
    await write('["http://b"]');
    await expectUrls(client, 'http://b');
  });

  test('also in YAML', async () => {
    const text = 'endpoints:\n  - http://a\n  - url: [http://b\n';
    const { warnings } = await watched(text, {}, 'endpoints.yaml');
    await expect.poll(() => warnings().length, { interval: 10 }).toBe(1);
    expect(warnings()[0]).toMatch(/^shop: file FILE: line 4, column 1: .*; there is no list yet$/);
  });

  test('or whose list is wrong, says so', async () => {
    const { client, write, warnings } = await watched('{ "endpoints": ["http://a"] }');
    await client.ready();
    await write('{ "endpoints": ["http://b", { "url": "b:80" }] }');
    await expect.poll(() => warnings().length, { interval: 10 }).toBe(1);
    expect(warnings()[0]).toContain("file FILE: its list is wrong: endpoints[1].url: found 'b:80'");
    expect(urls(client)).toEqual(['http://a']);
  });

  test('says so in one line', async () => {
    const { warnings } = await watched('[\n  "http://a",\n]');
    await expect.poll(() => warnings().length, { interval: 10 }).toBe(1);
    expect(warnings()[0]).toMatch(
      /^shop: file FILE: line 3, column 1: Unexpected token '?\]'?(?: in JSON at position \d+)?; there is no list yet$/,
    );
  });

  test('or has nothing in it, says so', async () => {
    const { warnings } = await watched('# to come\n', {}, 'endpoints.yaml');
    await expect.poll(() => warnings().length, { interval: 10 }).toBe(1);
    expect(warnings()).toEqual(['shop: file FILE: there is nothing in it; there is no list yet']);
  });

  test('or of which a function of the user makes nothing, says so', async () => {
    const { warnings } = await watched('[]', { parse: () => undefined });
    await expect.poll(() => warnings().length, { interval: 10 }).toBe(1);
    expect(warnings()[0]).toContain(
      'its list is wrong: endpoints: found undefined, expected a list',
    );
  });

  test('or read by a function that throws, says so', async () => {
    const parse = (): never => {
      throw new Error('not today');
    };
    const { client, warnings } = await watched('[]', { parse });
    await expect(client.ready({ timeout: 200 })).rejects.toThrow('not today');
    expect(warnings()).toEqual(['shop: file FILE: not today; there is no list yet']);
  });

  test('or gone, leaves the last list, and is read when it is back', async () => {
    const { client, path, write, warnings } = await watched('["http://a"]');
    await client.ready();
    await unlink(path);
    await expect.poll(() => warnings().length, { interval: 10 }).toBe(1);
    expect(warnings()[0]).toContain('ENOENT');
    expect(urls(client)).toEqual(['http://a']);
    await write('["http://b"]');
    await expectUrls(client, 'http://b');
    expect(stat(client, 'update_failure')).toBe(1);
  });

  test('or not there at first, is read when it comes', async () => {
    const { client, write } = await watched(undefined);
    const ready = client.ready();
    await write('["http://a"]');
    await ready;
    expect(urls(client)).toEqual(['http://a']);
  });
});

/** Folders that the process watches. */
async function watches(): Promise<number> {
  const names = await readdir('/proc/self/fdinfo');
  const infos = await Promise.all(
    // One may be gone by now.
    names.map((name) => readFile(`/proc/self/fdinfo/${name}`, 'utf8').catch(() => '')),
  );
  return infos.join('\n').match(/^inotify wd:/gm)?.length ?? 0;
}

test.runIf(process.platform === 'linux')('the watcher is gone with the client', async () => {
  const before = await watches();
  const { client } = await watched('["http://a"]');
  await client.ready();
  expect(await watches()).toBe(before + 1);
  await client.destroy();
  await expect.poll(watches).toBe(before);
});

test('nothing is read after the end', async () => {
  const { client, write } = await watched('["http://a"]', { poll: '10ms' });
  await client.ready();
  await client.destroy();
  await write('["http://b"]');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(urls(client)).toEqual(['http://a']);
});

test.each<[unknown, string]>([
  [undefined, 'file(): found undefined, expected an object with options'],
  [{}, 'file().path: found nothing, expected the path of a file'],
  [{ path: 'x', pol: 1 }, "unknown option 'file().pol'; did you mean 'poll'?"],
  [{ filename: 'x' }, "unknown option 'file().filename'; here it is 'file().path'"],
  [{ path: 'x', poll: 0 }, 'file().poll: found 0, expected a duration above zero'],
  [
    { path: 'x', parse: 1 },
    'file().parse: found 1, expected a function (text) => list of endpoints',
  ],
])('%j is refused', (options, message) => {
  expect(() => file(options as never)).toThrow(message);
});

test('a file whose content is wrong is read again before anything is said of it', async () => {
  let reads = 0;
  const parse = (text: string): unknown => {
    reads += 1;
    if (reads === 1) throw new Error('half of it');
    return JSON.parse(text);
  };
  const { client, warnings } = await watched('["http://a"]', { parse });
  await client.ready();
  expect(urls(client)).toEqual(['http://a']);
  expect(warnings()).toEqual([]);
});

test.runIf(process.platform === 'linux')('a folder that is made anew is watched anew', async () => {
  vi.spyOn(process, 'emitWarning').mockReturnValue();
  const before = await watches();
  const root = join(await folder(), 'inner');
  const path = join(root, 'endpoints.json');
  await mkdir(root);
  await writeFile(path, '["http://a"]');
  const endpoints = file({ path, poll: '20ms' });
  const client = clientFor({ service: 'http://shop', endpoints });
  await client.ready();
  await rm(root, { recursive: true });
  await expect.poll(watches).toBe(before);
  await mkdir(root);
  await writeFile(path, '["http://b"]');
  await expectUrls(client, 'http://b');
  await expect.poll(watches).toBe(before + 1);
});
