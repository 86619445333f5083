/** The order of the rooms: imports run downward, and no circle stands between files. */

/** What a room may import from another: anything, or declarations of types alone. */
const rooms = {
  core: {},
  locality: { anything: ['core'] },
  cluster: { anything: ['core', 'locality', 'balancing'] },
  balancing: { anything: ['core'], types: ['cluster'] },
  layers: { anything: ['core', 'cluster'] },
  options: { anything: ['core', 'locality'], types: ['cluster', 'balancing'] },
  discovery: { anything: ['core', 'cluster'], types: ['options'] },
  transport: { anything: ['core', 'cluster'], types: ['options'] },
  // It makes the clusters, each of its parts, so it stands above them.
  routing: {
    anything: [
      'core',
      'cluster',
      'balancing',
      'locality',
      'layers',
      'options',
      'discovery',
      'transport',
    ],
  },
  faces: { anything: ['core', 'cluster'], types: ['options'] },
  // It makes runtimes and fleets for tests: of the client it knows what every user knows, and core.
  testing: { anything: ['core', 'index.ts'] },
  // Outside the library: a user of it like any other.
  lab: { anything: ['index.ts', 'testing'], types: ['core'] },
  // As what an application would write itself; and where JSON is wrong, said as discovery says it.
  register: { anything: ['index.ts', 'discovery'] },
  'register.ts': { anything: ['index.ts', 'register'] },
  'cli.ts': { anything: ['index.ts', 'lab'] },
};

const any = (names) => `^src/(${names.map((name) => name.replace('.', '\\.')).join('|')})(/|$)`;

const rules = Object.entries(rooms).flatMap(([room, { anything = [], types = [] }]) => [
  {
    name: `${room}-knows-only-its-own`,
    comment: `${room} may import from: ${[...anything, ...types].join(', ') || 'no other room'}.`,
    severity: 'error',
    from: { path: any([room]) },
    to: { path: '^src/', pathNot: any([room, ...anything, ...types]) },
  },
  ...(types.length === 0
    ? []
    : [
        {
          name: `${room}-knows-types-only`,
          comment: `${room} may import types alone from: ${types.join(', ')}.`,
          severity: 'error',
          from: { path: any([room]) },
          to: { path: any(types), dependencyTypesNot: ['type-only'] },
        },
      ]),
]);

module.exports = {
  forbidden: [
    ...rules,
    {
      name: 'no-circle',
      comment: 'Files import each other in a circle; a circle of types alone is allowed.',
      severity: 'error',
      from: {},
      to: { circular: true, via: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-room-above-the-surface',
      comment: 'Only what stands outside the library may use its public surface.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(testing|lab|register)/|^src/(cli|register)\\.ts$' },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'undici-by-deep-path',
      comment:
        "Importing 'undici' itself sets a global dispatcher: import the one file that is needed, or types.",
      severity: 'error',
      from: { path: '^src/' },
      to: { path: 'node_modules/undici/index', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'undici-in-its-rooms',
      comment: 'Only transport and faces speak to undici.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(transport|faces|testing)/' },
      to: { path: 'node_modules/undici/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'dependencies-are-declared',
      comment: 'The library may use its dependencies only; what the command uses is bundled.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/lab/|^src/cli\\.ts$' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        // An optional peer: asked for when it is needed.
        pathNot: 'node_modules/yaml/',
      },
    },
    {
      name: 'no-unknown-import',
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-orphan',
      comment: 'Nobody imports the file, and it imports nothing.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '\\.d\\.ts$' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'default'],
    },
  },
};
