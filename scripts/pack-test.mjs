/**
 * The package as its users get it: packed, installed into an empty folder and used from there, in
 * ES modules, in CommonJS, from TypeScript, under jest and as a command.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { run, runNode, runNpm } from './child.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const consumer = join(root, 'scripts', 'pack-consumer');
const { name, version, dependencies, peerDependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const work = mkdtempSync(join(tmpdir(), 'outrigger-pack-'));
const installed = join(work, 'node_modules', name);
const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
let checks = 0;
let failures = 0;

/** Runs one check; says how it went. A failure is told in full and does not stop the others. */
function check(title, body) {
  checks++;
  const start = performance.now();
  let trouble;
  try {
    body();
  } catch (error) {
    failures++;
    trouble = error.message;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${trouble === undefined ? 'ok  ' : 'FAIL'} ${title} (${seconds} s)`);
  if (trouble !== undefined) console.log(trouble.trim().replace(/^/gm, '     '));
}

function expectEqual(found, expected, what) {
  if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}`);
}

const install = (...packages) => runNpm(['install', ...quietly, ...packages], { cwd: work });

/** Nothing outside these may be in the tarball. */
const allowed = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^dist\/THIRD-PARTY-LICENSES$/,
  /^dist\/(lab\/)?[\w-]+\.(js|cjs|js\.map|cjs\.map|d\.ts|d\.cts)$/,
];

/** Must be in it. */
const required = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'dist/THIRD-PARTY-LICENSES',
];

runNpm(['run', 'build'], { cwd: root });
const packed = runNpm(['pack', '--json', '--ignore-scripts', '--pack-destination', work], {
  cwd: root,
});
const [{ filename, files, size, unpackedSize }] = Object.values(JSON.parse(packed));
const tarball = join(work, filename);
console.log(
  `${filename}: ${files.length} files, ${size} bytes, ${unpackedSize} unpacked, in ${work}`,
);

check('the tarball holds what it should and nothing else', () => {
  const names = files.map(({ path }) => path.replaceAll('\\', '/'));
  const stray = names.filter(
    (path) => !allowed.some((pattern) => pattern.test(path)) || /(^|[./-])(test|spec)\./.test(path),
  );
  const absent = required.filter((path) => !names.includes(path));
  if (stray.length > 0) throw new Error(`does not belong there: ${stray.join(', ')}`);
  if (absent.length > 0) throw new Error(`is missing: ${absent.join(', ')}`);
});

check('publint finds nothing', () => {
  runNode([join(root, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict']);
});

writeFileSync(join(work, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));

check('installs into an empty folder', () => {
  install(tarball);
});

check('the built files import nothing that an installation lacks', () => {
  for (const file of readdirSync(join(installed, 'dist'), { recursive: true })) {
    if (!/\.c?js$/.test(file)) continue;
    const text = readFileSync(join(installed, 'dist', file), 'utf8');
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      const [, wanted] = /^((?:@[^/]+\/)?[^/]+)/.exec(fileName) ?? [];
      const known = fileName.startsWith('.') || isBuiltin(fileName) || wanted === name;
      if (!known && !(wanted in { ...dependencies, ...peerDependencies }))
        throw new Error(`dist/${file} imports ${fileName}`);
    }
  }
});

for (const file of ['call.mjs', 'call.cjs', 'call.test.cjs'])
  copyFileSync(join(consumer, file), join(work, file));

const calls = [
  ['import: a call', 'call.mjs'],
  ['require: a call', 'call.cjs'],
  [
    'require where ES modules cannot be required: a call',
    '--no-experimental-require-module',
    'call.cjs',
  ],
];
for (const [title, ...args] of calls) {
  check(title, () => {
    expectEqual(runNode(args, { cwd: work }).trim(), '42 true', 'printed');
  });
}

for (const how of ['--import', '--require']) {
  check(`${how} ${name}/register, before an application`, () => {
    const config = { OUTRIGGER_CONFIG: '{"timeout":"2s"}' };
    const args = [
      how,
      `${name}/register`,
      '-p',
      'typeof Object.getOwnPropertySymbols(globalThis.fetch)[0]',
    ];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: work,
      encoding: 'utf8',
      env: { ...process.env, ...config },
    });
    expectEqual(stdout.trim(), 'symbol', 'an installed fetch');
    const said = `${name} ${version}: global fetch is resilient (every origin; timeout 2s; config OUTRIGGER_CONFIG)`;
    expectEqual(stderr.trim(), said, 'printed on standard error');
  });
}

check('both formats export the same names', () => {
  for (const entry of [name, `${name}/testing`, `${name}/register`]) {
    const print = 'console.log(Object.keys(all).filter((key) => key !== "default").sort().join())';
    const imported = `import * as all from '${entry}'; ${print}`;
    const esm = runNode(['--input-type=module', '-e', imported], { cwd: work });
    const cjs = runNode(['-e', `const all = require('${entry}'); ${print}`], { cwd: work });
    expectEqual(cjs, esm, `names of ${entry} by require`);
  }
});

check('the command: --version and --help', () => {
  const outrigger = (...args) => runNpm(['exec', '--offline', '--', name, ...args], { cwd: work });
  expectEqual(outrigger('--version').trim(), version, '--version');
  const help = outrigger('--help');
  if (!/\blab\b/.test(help)) throw new Error(`--help does not name lab:\n${help}`);
});

const typescript = join(work, 'node_modules', 'typescript', 'bin', 'tsc');

/** Compiles the small consumer with the compiler options on top of a strict, fully checked project. */
function compile(project, extensions, options) {
  const text = readFileSync(join(consumer, 'consumer.ts.txt'), 'utf8');
  const files = extensions.map((extension) => `consumer.${extension}`);
  for (const file of files) writeFileSync(join(work, file), text);
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    ...options,
  };
  writeFileSync(join(work, project), JSON.stringify({ compilerOptions, files }));
  run(process.execPath, [typescript, '-p', project], { cwd: work });
}

const node16 = { module: 'node16', moduleResolution: 'node16', target: 'ES2022' };
const withoutDom = { ...node16, lib: ['ES2022'] };
const node10 = { module: 'commonjs', moduleResolution: 'node10', target: 'ES2022' };

check('installs TypeScript, the types of Node 20, jest', () => {
  install(`typescript@${ts.version}`, '@types/node@20', 'jest@30');
});
check('TypeScript: node16, import and require', () => {
  compile('tsconfig.node16.json', ['mts', 'cts'], node16);
});
check('TypeScript: node16, without the DOM', () => {
  compile('tsconfig.no-dom.json', ['mts', 'cts'], withoutDom);
});
check('TypeScript: node10, as in older CommonJS projects', () => {
  compile('tsconfig.node10.json', ['ts'], node10);
});
check('jest 30 without flags', () => {
  runNode([join(work, 'node_modules', 'jest', 'bin', 'jest.js'), '--ci'], { cwd: work });
});
check('TypeScript: node16, with the newest types of Node', () => {
  install('@types/node@latest');
  compile('tsconfig.newest.json', ['mts', 'cts'], node16);
});

if (failures === 0) rmSync(work, { recursive: true, force: true });
else console.log(`The folder stays for a look: ${work}`);
console.log(`pack test: ${checks - failures} of ${checks} checks hold.`);
process.exitCode = failures === 0 ? 0 : 1;
