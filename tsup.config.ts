/** How dist/ is made: the library in both formats, its declarations, and the command. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

const root = fileURLToPath(new URL('.', import.meta.url));
const library = { index: 'src/index.ts', testing: 'src/testing/index.ts' };
const register = { register: 'src/register.ts' };
const command = { cli: 'src/cli.ts', 'lab/fleet-process': 'src/lab/fleet-process.ts' };

const shared: Options = {
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  clean: false,
  removeNodeProtocol: false,
  dts: false,
};

/** The command, and `outrigger/register`, run the library as it is published, so their imports of the entries stay imports. */
const useThePublishedEntries: Plugin = {
  name: 'use-the-published-entries',
  setup(build) {
    const entries = new Map([
      [resolve(root, library.index), 'outrigger'],
      [resolve(root, library.testing), 'outrigger/testing'],
    ]);
    build.onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, resolveDir }) => {
      const name = entries.get(resolve(resolveDir, path).replace(/\.js$/, '.ts'));
      return name === undefined ? undefined : { path: name, external: true };
    });
  },
};

const esModules: Options = { ...shared, entry: library, format: 'esm' };

const commonJs: Options = {
  ...shared,
  entry: library,
  format: 'cjs',
  // These are ES modules only, and `require` of those is not to be had everywhere.
  noExternal: ['p-retry', 'p-queue'],
  // Jest runs `import()` only where it is told to by a flag.
  esbuildOptions(options) {
    options.supported = { 'dynamic-import': false };
  },
};

/** Node loads it before the application, by `--import` and by `--require`. */
const registering: Options[] = (['esm', 'cjs'] as const).map((format) => ({
  ...shared,
  entry: register,
  format,
  // `import.meta.url` in CommonJS.
  shims: format === 'cjs',
  esbuildPlugins: [useThePublishedEntries],
}));

const commandLine: Options = {
  ...shared,
  entry: command,
  format: 'esm',
  noExternal: ['commander', 'cli-progress', 'cli-table3', 'dns-packet'],
  esbuildPlugins: [useThePublishedEntries],
  // The bundled libraries are CommonJS and call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
  },
};

const declarations: Options = {
  ...shared,
  entry: { ...library, ...register },
  format: ['esm', 'cjs'],
  dts: { only: true },
};

/** `tsup --no-dts` is the quick build of `npm start`: what the command needs and no more. */
export default defineConfig((flags) =>
  (flags.dts as unknown) === false
    ? [esModules, commandLine]
    : [esModules, commonJs, ...registering, commandLine, declarations],
);
