/** The linter's rules; the ones that are ours alone stand at the top. */
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const fromTheRuntime =
  'Take time and chance from the Runtime: only src/core/runtime.ts touches the real ones.';

const clockAndTimers = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'performance',
];

const readsOfTimeAndChance = [
  ['Date', 'now'],
  ['Math', 'random'],
  ['AbortSignal', 'timeout'],
  ['process', 'hrtime'],
  ['process', 'uptime'],
  ['crypto', 'getRandomValues'],
  ['crypto', 'randomUUID'],
  ...clockAndTimers.map((name) => ['globalThis', name]),
  ...clockAndTimers.map((name) => ['global', name]),
];

const modulesOfTimeAndChance = ['timers', 'timers/promises'].flatMap((name) => [
  name,
  `node:${name}`,
]);

const chanceInCrypto = ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID'];

const noRealTime = {
  'no-restricted-globals': [
    'error',
    ...clockAndTimers.map((name) => ({ name, message: fromTheRuntime })),
  ],
  'no-restricted-properties': [
    'error',
    ...readsOfTimeAndChance.map(([object, property]) => ({
      object,
      property,
      message: fromTheRuntime,
    })),
  ],
  'no-restricted-imports': [
    'error',
    {
      paths: [
        ...modulesOfTimeAndChance.map((name) => ({ name, message: fromTheRuntime })),
        ...['crypto', 'node:crypto'].map((name) => ({
          name,
          importNames: chanceInCrypto,
          message: fromTheRuntime,
        })),
        ...['perf_hooks', 'node:perf_hooks'].map((name) => ({
          name,
          importNames: ['performance', 'monitorEventLoopDelay'],
          message: fromTheRuntime,
        })),
      ],
    },
  ],
};

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name.',
};

const noDateOfNow = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: fromTheRuntime,
  },
  { selector: "CallExpression[callee.name='Date']", message: fromTheRuntime },
];

/** Where real time is the point: the runtime itself, the lab, the command, the fleets over real sockets. */
const realTime = [
  'src/core/runtime.ts',
  'src/lab/**',
  'src/cli.ts',
  'src/testing/fleet*',
  'src/testing/fleet*/**',
];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '**/node_modules/', '**/.next/', 'api/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', noDefaultExport],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions', 'methods'] }],
      // A call that was aborted rejects with the signal's reason, whatever that is.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingUnknown: true, allowThrowingAny: true },
      ],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingUnknown: true, allowThrowingAny: true },
      ],
      // `as T` after a bounds check says what it is; `!` is forbidden by the strict set.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: realTime,
    rules: { ...noRealTime, 'no-restricted-syntax': ['error', noDefaultExport, ...noDateOfNow] },
  },
  {
    files: [
      ...['src/lab/**', 'src/cli.ts', 'test/**', 'examples/**', 'bench/**', 'interop/**'],
      'scripts/**',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    // Tests touch what they do not use, use what is deprecated, and doubt what the types promise.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-deprecated': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
    },
  },
  {
    // Next looks for default exports.
    files: ['**/*.d.ts', '*.config.ts', '*.config.js', 'interop/sdks/apps/next/**'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
  },
  {
    files: ['**/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  prettier,
);
