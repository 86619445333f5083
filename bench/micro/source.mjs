/** The parts of the source that choose endpoints, bundled here, since the package does not export them. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** @returns {Promise<any>} */
export async function loadSource() {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export { balancerFactory } from './balancing/policies.js';
        export { Endpoint } from './cluster/endpoint.js';
        export { systemRuntime } from './core/runtime.js';
      `,
      loader: 'ts',
      resolveDir: fileURLToPath(new URL('../../src', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? '').toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}
