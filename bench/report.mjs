/** The figures as tables: Markdown that reads well in a terminal too. */

/**
 * @typedef {object} Results
 * @property {{ node: string, undici: string, benchUndici: string, cores: number, load: number, clients: Record<string, string> }} setting
 * @property {{ rounds: number, requests: number, sets: number, seed: number }} options
 * @property {import('./calls.mjs').RowResult[] | undefined} calls
 * @property {import('./close.mjs').CloseResult[] | undefined} close
 * @property {import('./micro/measure.mjs').MicroResults | undefined} micro
 * @property {import('./ceilings.mjs').Ceiling[]} ceilings
 */

/**
 * A Markdown table, padded as prettier does; columns after the first are right-aligned unless they hold text.
 * @param {readonly string[]} heads
 * @param {readonly (readonly string[])[]} lines
 * @param {boolean} [text] all columns hold text
 */
export function table(heads, lines, text = false) {
  const widths = heads.map((head, i) =>
    Math.max(head.length, 3, ...lines.map((line) => (line[i] ?? '').length)),
  );
  const pad = (/** @type {string} */ cell, /** @type {number} */ i) =>
    i === 0 || text ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  const format = (/** @type {readonly string[]} */ cells) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i === 0 || text ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [format(heads), format(rule), ...lines.map(format)].join('\n');
}

/** Three digits that mean something, and no more. */
export function figure(/** @type {number} */ value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}

/** What the close comparisons compare. @type {Record<import('./works.mjs').Comparison['measure'], string>} */
export const measureNames = {
  cpu: 'CPU',
  latency: 'p50 alone',
  allocated: 'bytes allocated',
};

/** @param {import('./stats.mjs').Summary | undefined} ratio */
const times = (ratio) => (ratio === undefined ? '' : ratio.median.toFixed(2));

/** @param {import('./stats.mjs').Summary} summary */
const middle = ({ q1, q3 }) => `${figure(q1)} – ${figure(q3)}`;

/** @param {readonly import('./calls.mjs').RowResult[]} calls */
function callTable(calls) {
  return table(
    [
      'client',
      'CPU µs',
      'middle half',
      'min – max',
      '× Pool.request',
      'middle half',
      '× global fetch',
      'bytes allocated',
      'p50 ms alone',
    ],
    calls.map((row) => [
      row.ours ? `**${row.title}**` : row.title,
      figure(row.cpu.median),
      middle(row.cpu),
      `${figure(row.cpu.min)} – ${figure(row.cpu.max)}`,
      times(row.toPool),
      row.toPool === undefined ? '' : middle(row.toPool),
      times(row.toFetch),
      figure(row.allocated.median),
      row.latency.median.toFixed(3),
    ]),
  );
}

/** @param {number} bytes */
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;

/** @param {import('./micro/measure.mjs').MicroResults} micro */
function microTables(micro) {
  const { picks, sticky, update, churn, imports, size, memory, listLength, refused } = micro;
  const weights = (/** @type {boolean} */ unequal) => (unequal ? 'unequal' : 'equal');
  const sizes = picks[0]?.picks ?? [];
  return [
    'A pick, in nanoseconds, by the number of endpoints; in brackets the pick with the start and the end of its attempt:',
    '',
    table(
      [
        'policy',
        'weights',
        ...sizes.map(({ endpoints }) => String(endpoints)),
        'largest : smallest',
      ],
      picks.map((pick) => [
        pick.policy,
        weights(pick.unequal),
        ...pick.picks.map(
          ({ alone, whole }) => `${figure(alone.median)} (${figure(whole.median)})`,
        ),
        pick.growth.median.toFixed(2),
      ]),
    ),
    '',
    `A sticky pick among ${sticky.endpoints.toLocaleString('en-US')} endpoints, in nanoseconds, beside a random one of ${figure(sticky.random.median)}; the hash is that of a header:`,
    '',
    table(
      ['policy', 'hash known', ': random', 'hash of 9 bytes made', 'hash of 36 bytes made'],
      sticky.policies.map(({ policy, known, short, long, toRandom }) => [
        policy,
        figure(known.median),
        toRandom.median.toFixed(2),
        figure(short.median),
        figure(long.median),
      ]),
    ),
    '',
    `A call that is refused: by a full pool ${refused.byPool.median.toFixed(2)} times the CPU of a \`Pool.request\` that is answered (middle half ${middle(refused.byPool)}), by an open breaker ${refused.byBreaker.median.toFixed(2)} times (${middle(refused.byBreaker)}).`,
    `A call through \`client.fetch\` with 10,000 endpoints in the list, the pick left out: ${listLength.ratio.median.toFixed(2)} times the CPU of one with 3 (middle half ${middle(listLength.ratio)}).`,
    '',
    `An update of ${update.size.toLocaleString('en-US')} endpoints through \`client.update()\`, in milliseconds:`,
    '',
    table(
      ['policy', 'weights', 'addresses changed', 'ms', 'middle half'],
      update.results.map(({ policy, unequal, changed, ms }) => [
        policy,
        weights(unequal),
        changed.toLocaleString('en-US'),
        figure(ms.median),
        middle(ms),
      ]),
    ),
    '',
    `Calls at 300 a second over ${churn.endpoints.toLocaleString('en-US')} endpoints, nearly each of them over a new connection, in milliseconds; phases of 3 s take turns:`,
    '',
    table(
      ['the list', 'median', '99th percentile', 'middle half'],
      [
        ['stays', churn.still],
        ['changes 100 times a second, through a discovery', churn.changing],
      ].map(([what, { p50, p99 }]) => [what, figure(p50.median), figure(p99.median), middle(p99)]),
    ),
    '',
    `The 99th percentile with changes is ${churn.p99.median.toFixed(2)} times that without (middle half ${middle(churn.p99)}); the list was made anew ${churn.rebuilds} times.`,
    '',
    'Loading, in milliseconds, each in a fresh process:',
    '',
    table(
      ['module', 'ms', 'middle half'],
      imports.map(({ title, ms }) => [title, figure(ms.median), middle(ms)]),
    ),
    '',
    table(
      ['main entry', 'bytes', 'gzipped'],
      [
        ['`dist/index.js` as built', size.file.toLocaleString('en-US'), ''],
        ['minified', size.alone.bytes, size.alone.gzipped],
        [
          'minified, with its dependencies',
          size.withDependencies.bytes,
          size.withDependencies.gzipped,
        ],
      ].map((line) => line.map((cell) => cell.toLocaleString('en-US'))),
    ),
    '',
    table(
      ['heap kept by', 'size'],
      [
        ['an idle client with one endpoint', kilobytes(memory.perClient)],
        ...Object.entries(memory.perEndpoint).map(([policy, bytes]) => [
          `an endpoint, ${policy}`,
          `${Math.round(bytes)} bytes`,
        ]),
      ],
    ),
  ].join('\n');
}

/** @type {Record<import('./works.mjs').Comparison['measure'], string>} */
const units = { cpu: 'µs', latency: 'ms', allocated: 'bytes' };

/** @param {readonly import('./close.mjs').CloseResult[]} close */
function closeTable(close) {
  return table(
    [
      'work',
      'measured',
      'compared with',
      'client.fetch',
      'the other',
      'ratio',
      'middle half',
      'min – max',
    ],
    close.map(({ title, to, measure, ours, other, ratio }) => [
      title,
      `${measureNames[measure]}, ${units[measure]}`,
      to,
      figure(ours.median),
      figure(other.median),
      times(ratio),
      middle(ratio),
      `${figure(ratio.min)} – ${figure(ratio.max)}`,
    ]),
  );
}

/** @param {readonly import('./ceilings.mjs').Ceiling[]} ceilings */
function ceilingTable(ceilings) {
  return table(
    ['ceiling', 'at most', 'measured', '95 % range', ''],
    ceilings.map(({ what, limit, measured, range, verdict }) => [
      what,
      limit.toFixed(2),
      measured.toFixed(2),
      range.every(Number.isFinite) ? range.map((bound) => bound.toFixed(2)).join(' – ') : 'too few',
      verdict === 'exceeded' ? 'EXCEEDED' : verdict,
    ]),
  );
}

/**
 * @param {Results} results
 * @returns {string}
 */
export function report({ setting, options, calls, close, micro, ceilings }) {
  const parts = [
    `Node ${setting.node}, undici ${setting.benchUndici}${
      setting.undici === setting.benchUndici ? '' : ` (under Outrigger ${setting.undici})`
    }, ${setting.cores} cores, load average ${setting.load.toFixed(1)} before the start. Only ratios mean anything on another machine.`,
  ];
  if (calls !== undefined) {
    parts.push(
      `One GET of a small JSON, parsed; 32 in flight; ${options.rounds} rounds in an order drawn with seed ${options.seed}:`,
      callTable(calls),
    );
  }
  if (micro !== undefined) parts.push(microTables(micro));
  if (close !== undefined) {
    parts.push(
      `\`client.fetch\` beside one or two others alone, ${options.sets} sets of fresh processes for each kind of work:`,
      closeTable(close),
    );
  } else if (calls !== undefined) {
    parts.push('The ceilings of CPU were not judged: that takes --sets.');
  }
  if (ceilings.length > 0) parts.push(ceilingTable(ceilings));
  return parts.join('\n\n');
}
