/**
 * Where the CPU of one row goes: `node bench/profile.mjs outrigger-fetch [--requests N] [--top N] [--json]`.
 * Samples a warm batch with V8's profiler and prints self time by group of files and by function.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inFlightOf, longWarmUpOf } from './running.mjs';
import { Child } from './child.mjs';
import { prepare } from './prepare.mjs';
import { table } from './report.mjs';
import { allRows } from './works.mjs';

/** Microseconds between two samples. */
const interval = 250;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string' },
    top: { type: 'string', default: '25' },
    json: { type: 'boolean', default: false },
    save: { type: 'string' },
  },
});
const [id = 'outrigger-fetch'] = positionals;
const row = allRows.find((candidate) => candidate.id === id);
if (row === undefined) {
  process.stderr.write(
    `no row is called '${id}'; there are ${allRows.map((r) => r.id).join(', ')}\n`,
  );
  process.exit(2);
}

/** @type {Map<string, SourceMap | undefined>} */
const sourceMaps = new Map();

/** The source map beside a built file, if it has one. */
function sourceMapOf(/** @type {string} */ file) {
  if (!sourceMaps.has(file)) {
    const map = `${file}.map`;
    sourceMaps.set(
      file,
      existsSync(map) ? new SourceMap(JSON.parse(readFileSync(map, 'utf8'))) : undefined,
    );
  }
  return sourceMaps.get(file);
}

/**
 * @typedef {{ functionName: string, url: string, lineNumber: number, columnNumber: number }} CallFrame
 * @param {CallFrame} frame
 * @returns {{ group: string, name: string }}
 */
function classify({ functionName, url, lineNumber, columnNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (name === '(garbage collector)') return { group: 'garbage collector', name };
  if (name === '(program)') return { group: 'program (native code, system calls)', name };
  if (name === '(idle)' || name === '(root)') return { group: 'idle', name };
  if (url === '') return { group: 'functions of V8 and Node in native code', name };
  if (url.startsWith('wasm:')) return { group: 'undici', name: `${name} (llhttp, WebAssembly)` };
  if (url.startsWith('node:internal/deps/undici')) {
    return { group: 'undici', name: `${name} ${url}:${lineNumber + 1}` };
  }
  if (url.startsWith('node:')) return { group: 'Node’s modules', name: `${name} ${url.slice(5)}` };
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(file);
  if (dependency) {
    const [, dependencyName = '', path = ''] = dependency;
    return { group: dependencyName, name: `${name} ${path}:${lineNumber + 1}` };
  }
  if (file.includes('/dist/')) {
    const entry = /** @type {any} */ (sourceMapOf(file)?.findEntry(lineNumber, columnNumber));
    const source = entry?.originalSource?.replace(/^.*?src\//, 'src/');
    const where = source ? `${source}:${entry.originalLine + 1}` : `dist:${lineNumber + 1}`;
    return { group: 'outrigger', name: `${name} ${where}` };
  }
  return { group: 'the bench itself', name: `${name} ${file.split('/').at(-1)}` };
}

/**
 * Self time in microseconds, by group and by function.
 * @param {{ nodes: { id: number, callFrame: CallFrame }[], samples: number[], timeDeltas: number[] }} profile
 */
function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map((node) => [node.id, classify(node.callFrame)]));
  /** @type {Map<string, number>} */
  const groups = new Map();
  /** @type {Map<string, { group: string, us: number }>} */
  const functions = new Map();
  for (const [i, sample] of samples.entries()) {
    const frame = frames.get(sample);
    if (frame === undefined || frame.group === 'idle') continue;
    // A delta is the time since the sample before, so a sample lasts until the next one.
    const us = timeDeltas[i + 1] ?? 0;
    groups.set(frame.group, (groups.get(frame.group) ?? 0) + us);
    const entry = functions.get(frame.name) ?? { group: frame.group, us: 0 };
    entry.us += us;
    functions.set(frame.name, entry);
  }
  return { groups, functions };
}

prepare((line) => process.stderr.write(`${line}\n`), row.ours === true);
const requests = Number(values.requests ?? (row.heavy === true ? '1000' : '20000'));
const inFlight = inFlightOf(row);
const server = new Child('server.mjs');
const child = new Child('row-process.mjs', [id, ...(await server.ask('origins'))]);
try {
  await child.ask('warm', { requests: longWarmUpOf(row), inFlight });
  const unprofiled = await child.ask('cpu', { requests: requests / 4, inFlight });
  const { profile, cpu } = await child.ask('profile', { requests, inFlight, interval });
  if (values.save !== undefined) writeFileSync(values.save, JSON.stringify(profile));
  const { groups, functions } = selfTimes(profile);
  const total = [...groups.values()].reduce((sum, us) => sum + us, 0);
  const byGroup = [...groups]
    .sort(([, a], [, b]) => b - a)
    .map(([group, us]) => ({ group, us: us / requests, share: us / total }));
  const byFunction = [...functions]
    .sort(([, a], [, b]) => b.us - a.us)
    .slice(0, Number(values.top))
    .map(([name, { group, us }]) => ({ name, group, us: us / requests, share: us / total }));
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ row: id, requests, unprofiled, profiled: cpu / requests, byGroup, byFunction }, null, 2)}\n`,
    );
  } else {
    const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(1)} %`;
    process.stdout.write(
      [
        `${row.title}: ${unprofiled.toFixed(1)} µs of CPU per request, ${(cpu / requests).toFixed(1)} µs while profiled.`,
        `Self time over ${requests} requests. It is wall-clock time, so moments when another process had the core are in it; V8 takes the poll phase of the event loop, reads from sockets included, for idle. Read the shares rather than the sums.`,
        table(
          ['group', 'µs per request', 'share'],
          byGroup.map(({ group, us, share }) => [group, us.toFixed(2), percent(share)]),
        ),
        table(
          ['function', 'group', 'µs per request', 'share'],
          byFunction.map(({ name, group, us, share }) => [
            name,
            group,
            us.toFixed(2),
            percent(share),
          ]),
        ),
        '',
      ].join('\n\n'),
    );
  }
} finally {
  child.end();
  server.end();
}
