/** Applications that know nothing of Outrigger, begun with `outrigger/register` before them. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { proxy } from '../support/proxy.js';
import { builtPackage, type BuiltPackage, type Run } from '../support/built-package.js';

let app: BuiltPackage;
let version: string;

/** Every first request of a path is refused; the answer says whether it came by way of a client. */
const SERVER = `
  const asked = new Set();
  const server = createServer((request, response) => {
    const isFirst = !asked.has(request.url);
    asked.add(request.url);
    response.writeHead(isFirst ? 503 : 200);
    response.end(request.headers['x-envoy-attempt-count'] ?? 'untouched');
  });
  const listening = new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = () => 'http://127.0.0.1:' + server.address().port;
  const see = async (what, ask) => {
    const response = await ask();
    console.log(what, response.status, await response.text());
  };`;

const FILES = {
  'app.mjs': `
    import { createServer } from 'node:http';
    ${SERVER}
    await listening;
    await see('fetch', () => fetch(url()));
    server.close();`,
  'app.cjs': `
    const { createServer } = require('node:http');
    ${SERVER}
    listening
      .then(() => see('fetch', () => fetch(url())))
      .then(() => server.close());`,
  'after.mjs': `
    import { createServer } from 'node:http';
    import { Agent, fetch as undiciFetch, request, setGlobalDispatcher } from 'undici';
    ${SERVER}
    await listening;
    await see('fetch', () => fetch(url() + '/1'));
    await see('undici', () => undiciFetch(url() + '/2'));
    const { statusCode, body } = await request(url() + '/3');
    console.log('request', statusCode, await body.text());
    server.close();`,
  'before.mjs': `
    import { createServer } from 'node:http';
    import { fetch as undiciFetch } from 'undici';
    const platform = globalThis.fetch;
    await import('outrigger/register');
    ${SERVER}
    await listening;
    await see('undici', () => undiciFetch(url() + '/1'));
    await see('taken', () => platform(url() + '/2'));
    const post = { method: 'POST', body: 'hello', headers: { 'content-length': '5' } };
    await see('post', () => fetch(url() + '/2', post));
    server.close();`,
  'idle.mjs': `console.log('done');`,
  'retry.json': JSON.stringify({ timeout: '2s', retry: { attempts: 3 }, hedge: { delay: '1s' } }),
};

const PRINTED = 'fetch 200 2';

beforeAll(async () => {
  app = await builtPackage();
  await app.write(FILES);
  ({ version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string });
}, 60_000);
afterAll(() => app.remove());

const line = (what: string): string => `outrigger ${version}: global fetch is resilient (${what})`;

test('without it, the first answer is all there is', async () => {
  const { stdout } = await app.node(['app.mjs']);
  expect(stdout).toBe('fetch 503 untouched');
});

test.each([
  ['--import, an ES module', ['--import', 'outrigger/register', 'app.mjs']],
  ['--import, CommonJS', ['--import', 'outrigger/register', 'app.cjs']],
  ['--require, an ES module', ['--require', 'outrigger/register', 'app.mjs']],
  ['--require, CommonJS', ['-r', 'outrigger/register', 'app.cjs']],
  ['both', ['-r', 'outrigger/register', '--import', 'outrigger/register', 'app.mjs']],
])('the defaults for every origin, by %s', async (_how, args) => {
  const run = await app.node(args);
  expect(run).toEqual<Run>({
    stdout: PRINTED,
    stderr: line('every origin; defaults; no config'),
    code: 0,
  });
});

test('by NODE_OPTIONS', async () => {
  const run = await app.node(['app.mjs'], { NODE_OPTIONS: '--import outrigger/register' });
  expect(run.stdout).toBe(PRINTED);
});

test('undici that is imported afterwards', async () => {
  const { stdout } = await app.node(['--import', 'outrigger/register', 'after.mjs']);
  expect(stdout.split('\n')).toEqual([PRINTED, 'undici 200 2', 'request 200 2']);
});

test('undici, and a fetch that was taken, before', async () => {
  const { stdout } = await app.node(['before.mjs']);
  expect(stdout.split('\n')).toEqual(['undici 200 2', 'taken 200 2', 'post 200 1']);
});

test('an application that does nothing ends', async () => {
  const run = await app.node(['--import', 'outrigger/register', 'idle.mjs']);
  expect(run).toMatchObject({ stdout: 'done', code: 0 });
});

test.each(['1', 'true', 'yes'])('OUTRIGGER_SILENT=%s keeps it quiet', async (value) => {
  const args = ['--import', 'outrigger/register', 'app.mjs'];
  const run = await app.node(args, { OUTRIGGER_SILENT: value });
  expect(run).toEqual<Run>({ stdout: PRINTED, stderr: '', code: 0 });
});

test.each(['', '0', 'false'])('OUTRIGGER_SILENT=%j does not', async (value) => {
  const args = ['--import', 'outrigger/register', 'idle.mjs'];
  expect((await app.node(args, { OUTRIGGER_SILENT: value })).stderr).toContain('outrigger');
});

test('worker threads are resilient too, and say nothing of it', async () => {
  await app.write({
    'workers.mjs': `
      import { Worker } from 'node:worker_threads';
      new Worker(new URL('./app.mjs', import.meta.url));
      new Worker(new URL('./app.cjs', import.meta.url));`,
  });
  const run = await app.node(['--import', 'outrigger/register', 'workers.mjs']);
  expect(run.stdout).toBe(`${PRINTED}\n${PRINTED}`);
  expect(run.stderr).toBe(line('every origin; defaults; no config'));
});

test('child processes have it by NODE_OPTIONS', async () => {
  await app.write({
    'parent.mjs': `
      import { execFileSync } from 'node:child_process';
      process.stdout.write(execFileSync(process.execPath, ['app.mjs'], { stdio: ['ignore', 'pipe', 'inherit'] }));`,
  });
  const run = await app.node(['parent.mjs'], { NODE_OPTIONS: '--import outrigger/register' });
  expect(run.stdout).toBe(PRINTED);
  expect(run.stderr.split('\n')).toHaveLength(2);
});

const readsProxies = Number.parseInt(process.versions.node, 10) >= 24;

test.skipIf(!readsProxies)(
  'a proxy of the environment, as Node takes it, is what it sends through',
  async () => {
    const { url, asked } = await proxy();
    await app.write({
      'far.mjs': `
      import { createServer } from 'node:http';
      ${SERVER}
      await listening;
      await see('fetch', () => fetch(url().replace('127.0.0.1', 'localhost')));
      server.close();`,
    });
    const env = {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: url,
      http_proxy: url,
      NO_PROXY: '',
      no_proxy: '',
    };
    const run = await app.node(['--import', 'outrigger/register', 'far.mjs'], env);
    expect(run).toMatchObject({ stdout: PRINTED, code: 0 });
    expect(asked.length).toBeGreaterThan(0);
  },
);

test('the client can be had', async () => {
  await app.write({
    'look.mjs': `
      import { client } from 'outrigger/register';
      import { createRequire } from 'node:module';
      const required = createRequire(import.meta.url)('outrigger/register');
      console.log(client === required.client, typeof client.stats());`,
  });
  const run = await app.node(['--import', 'outrigger/register', 'look.mjs']);
  expect(run.stdout).toBe('true object');
});

describe('the configuration', () => {
  const registered = async (config: string, file = 'app.mjs'): Promise<Run> =>
    app.node(['--import', 'outrigger/register', file], { OUTRIGGER_CONFIG: config });

  test('as JSON', async () => {
    const run = await registered('./retry.json');
    expect(run.stdout).toBe(PRINTED);
    expect(run.stderr).toBe(line('every origin; timeout 2s, retry 3, hedge; config ./retry.json'));
  });

  test('as JSON in the variable itself', async () => {
    const run = await registered(' {"retry": false, "timeout": 1500}');
    expect(run.stdout).toBe('fetch 503 1');
    expect(run.stderr).toBe(
      line('every origin; timeout 1500 ms, no retries; config OUTRIGGER_CONFIG'),
    );
  });

  test('as YAML', async () => {
    await app.write({
      'conf/outrigger.yaml': `
        services:
          http://shop: { endpoints: ['http://127.0.0.1:9'] }
          https://stock: {}
        timeout: { response: 2s, idle: 5s }`,
    });
    const run = await registered('conf/outrigger.yaml');
    expect(run.stdout).toBe('fetch 503 untouched');
    expect(run.stderr).toBe(
      line(
        'services: shop, https://stock; timeout.response 2s, timeout.idle 5s; config conf/outrigger.yaml',
      ),
    );
  });

  test.each([
    ['own.mjs', `export default { retry: { attempts: 1 }, middleware: [(r, next) => next(r)] };`],
    ['own.cjs', `module.exports = { retry: { attempts: 1 } };`],
    ['own.js', `exports.default = { retry: { attempts: 1 } };`],
  ])('as a module with options: %s', async (name, text) => {
    await app.write({ [name]: text });
    const run = await registered(name);
    expect(run.stdout).toBe(PRINTED);
    expect(run.stderr).toBe(line(`every origin; retry 1; config ${name}`));
  });

  test('as a module with a client, which may use the package', async () => {
    await app.write({
      'client.mjs': `
        import { createResilientClient } from 'outrigger';
        export default createResilientClient({ retry: { attempts: 1 } });`,
    });
    const run = await registered('./client.mjs');
    expect(run.stdout).toBe(PRINTED);
    expect(run.stderr).toBe(line('a client of its own; config ./client.mjs'));
  });

  test.each<[string, string, Record<string, string>, string[]]>([
    [
      'wrong options',
      './wrong.json',
      { 'wrong.json': '{"timeout": "soon", "retry": {"atempts": 1}}' },
      [
        'outrigger/register: ./wrong.json:',
        'timeout: ',
        "unknown option 'retry.atempts'; did you mean 'attempts'?",
      ],
    ],
    [
      'wrong JSON',
      './broken.json',
      { 'broken.json': '{\n  "timeout": 2s }' },
      ['outrigger/register: ./broken.json:', 'line 2, column 15: this is not JSON'],
    ],
    [
      'wrong JSON in the variable',
      '{timeout: 1}',
      {},
      ['outrigger/register: OUTRIGGER_CONFIG:', 'line 1, column 2: this is not JSON'],
    ],
    [
      'wrong YAML',
      './broken.yaml',
      { 'broken.yaml': 'timeout: [1' },
      ['outrigger/register: ./broken.yaml:', 'line 1'],
    ],
    ['no file', './nowhere.json', {}, ['there is no such file', 'nowhere.json)']],
    ['no module', './nowhere.mjs', {}, ['there is no such file', 'nowhere.mjs)']],
    ['a list', './list.json', { 'list.json': '[]' }, ['an object of options']],
    ['a file of another kind', './outrigger.toml', {}, ["ends in '.toml'", '.json, .yaml']],
    ['a module that throws', './throws.cjs', { 'throws.cjs': '\nnull.x' }, ['throws.cjs:2']],
    [
      'a module that imports nothing',
      './lost.mjs',
      { 'lost.mjs': "import './gone.mjs'" },
      ['gone.mjs'],
    ],
    [
      'a module that waits',
      './waits.mjs',
      { 'waits.mjs': 'await 0; export default {}' },
      ['waits at its top level'],
    ],
    [
      'a module without a default export',
      './named.mjs',
      { 'named.mjs': 'export const timeout = 1' },
      ['as its default export'],
    ],
  ])('%s end the process, with one message', async (_what, config, files, words) => {
    await app.write(files);
    const run = await registered(config, 'idle.mjs');
    expect(run).toMatchObject({ stdout: '', code: 1 });
    for (const word of words) expect(run.stderr).toContain(word);
    expect(run.stderr).not.toContain('is resilient');
  });
});

describe('the page', () => {
  const blocks = async (language: string): Promise<string[]> => {
    const page = await readFile('docs/install.md', 'utf8');
    const found = page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)\`\`\`$`, 'gm'));
    return [...found].map(([, text = '']) => text);
  };

  test('shows the line as it is', async () => {
    const [, shown = ''] = await blocks('');
    expect(shown.trim()).toBe(line('every origin; defaults; no config'));
  });

  test('has configurations that are right', async () => {
    const [json = ''] = await blocks('json');
    const [, module = ''] = await blocks('js');
    await app.write({ 'page.json': json, 'page.mjs': module });
    for (const name of ['page.json', 'page.mjs']) {
      const args = ['--import', 'outrigger/register', 'idle.mjs'];
      const run = await app.node(args, { OUTRIGGER_CONFIG: name });
      expect(run).toMatchObject({ stdout: 'done', code: 0 });
      expect(run.stderr).toMatch(/^outrigger .*\)$/m);
    }
  });
});
