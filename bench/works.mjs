/**
 * Kinds of work in which `client.fetch` is compared closely with the clients that it must not cost more than, each
 * with the figures that may not be exceeded. What the sides do is the same: the same bytes are sent, and read.
 */
import { openOutrigger, openPool, path, rows } from './rows.mjs';

/**
 * @typedef {object} Comparison
 * @property {'cpu' | 'latency' | 'allocated'} measure
 * @property {string} to the id of the side that is compared with
 * @property {number} [limit] what the ratio may not exceed; without it the ratio is only shown
 */

/**
 * @typedef {object} Work
 * @property {string} id the name given to `--works`
 * @property {string} title
 * @property {readonly import('./rows.mjs').Row[]} sides ours first
 * @property {readonly Comparison[]} comparisons of ours with the others
 */

/** What a POST sends: 1,024 bytes of JSON, as text. */
export const order = JSON.stringify({ id: 42, note: 'x'.repeat(1024 - 19) });
/** Where the server takes it. */
export const postPath = '/orders/42/notes';
/** An answer of 1 MiB. */
export const downloadPath = '/files/large';
export const downloadSize = 1024 * 1024;
/** Answered by a redirect to `path`. */
export const redirectPath = '/orders/old';

const json = { 'content-type': 'application/json' };

/** What a row answers that has read so many bytes. @param {number} size */
function wholeDownload(size) {
  if (size !== downloadSize) throw new Error(`${size} bytes of ${downloadSize} came`);
  return { id: 42 };
}

/** @param {AsyncIterable<Uint8Array>} stream */
async function readStream(stream) {
  let size = 0;
  for await (const chunk of stream) size += chunk.length;
  return wholeDownload(size);
}

/**
 * @param {string} id
 * @param {(client: Awaited<ReturnType<typeof openOutrigger>>) => () => Promise<any>} open
 * @param {Partial<import('./rows.mjs').Row>} [more]
 * @returns {import('./rows.mjs').Row}
 */
const ours = (id, open, more) => ({
  id: `outrigger-fetch.${id}`,
  title: 'outrigger client.fetch',
  composes: '',
  ours: true,
  open: async (origins) => open(await openOutrigger(origins)),
  ...more,
});

/**
 * @param {string} id
 * @param {(pool: Awaited<ReturnType<typeof openPool>>) => () => Promise<any>} open
 * @param {Partial<import('./rows.mjs').Row>} [more]
 * @returns {import('./rows.mjs').Row}
 */
const pools = (id, open, more) => ({
  id: `pool-request.${id}`,
  title: 'undici Pool.request',
  composes: '',
  open: async (origins) => open(await openPool(origins)),
  ...more,
});

/**
 * @param {string} id
 * @param {(undici: typeof import('undici'), origin: string) => () => Promise<any>} open
 * @returns {import('./rows.mjs').Row}
 */
const undiciFetch = (id, open) => ({
  id: `undici-fetch.${id}`,
  title: 'undici.fetch',
  composes: '',
  open: async (origins) => open(await import('undici'), /** @type {string} */ (origins[0])),
});

/** @param {string} id */
const row = (id) =>
  /** @type {import('./rows.mjs').Row} */ (rows.find((candidate) => candidate.id === id));

const large = { heavy: true };

/** @type {readonly Work[]} */
export const works = [
  {
    id: 'get',
    title: 'GET of a small JSON, parsed',
    sides: [row('outrigger-fetch'), row('pool-request'), row('fetch')],
    comparisons: [
      { measure: 'cpu', to: 'pool-request', limit: 0.9 },
      { measure: 'cpu', to: 'fetch', limit: 0.18 },
      { measure: 'latency', to: 'pool-request', limit: 1.15 },
      { measure: 'allocated', to: 'pool-request', limit: 1 },
    ],
  },
  {
    id: 'post',
    title: 'POST of 1 kB of JSON, a small JSON back, parsed',
    sides: [
      ours('post', (client) => async () => {
        const init = { method: 'POST', body: order, headers: json };
        return (await client.fetch(postPath, init)).json();
      }),
      pools('post', (pool) => async () => {
        const { body } = await pool.request({
          path: postPath,
          method: 'POST',
          body: order,
          headers: json,
        });
        return body.json();
      }),
    ],
    comparisons: [{ measure: 'cpu', to: 'pool-request.post', limit: 0.95 }],
  },
  {
    id: 'download',
    title: 'GET of 1 MiB, read by arrayBuffer()',
    sides: [
      ours(
        'download',
        (client) => async () =>
          wholeDownload((await (await client.fetch(downloadPath)).arrayBuffer()).byteLength),
        large,
      ),
      pools(
        'download',
        (pool) => async () => {
          const { body } = await pool.request({ path: downloadPath, method: 'GET' });
          return wholeDownload((await body.arrayBuffer()).byteLength);
        },
        large,
      ),
    ],
    comparisons: [{ measure: 'cpu', to: 'pool-request.download', limit: 1.05 }],
  },
  {
    id: 'stream',
    title: 'GET of 1 MiB, read as a stream',
    sides: [
      ours(
        'stream',
        (client) => async () =>
          readStream(
            /** @type {AsyncIterable<Uint8Array>} */ ((await client.fetch(downloadPath)).body),
          ),
        large,
      ),
      pools(
        'stream',
        (pool) => async () =>
          readStream((await pool.request({ path: downloadPath, method: 'GET' })).body),
        large,
      ),
    ],
    comparisons: [{ measure: 'cpu', to: 'pool-request.stream' }],
  },
  {
    id: 'request',
    title: 'GET given as a Request, parsed',
    sides: [
      ours('request', (client) => async () => {
        const response = await client.fetch(new Request(`http://simple-backend${path}`));
        return response.json();
      }),
      undiciFetch('request', (undici, origin) => async () => {
        const response = await undici.fetch(new undici.Request(`${origin}${path}`));
        return response.json();
      }),
    ],
    comparisons: [{ measure: 'cpu', to: 'undici-fetch.request', limit: 1 }],
  },
  {
    id: 'request-post',
    title: 'POST of 1 kB of JSON given as a Request, parsed',
    sides: [
      ours('request-post', (client) => async () => {
        const init = { method: 'POST', body: order, headers: json };
        const response = await client.fetch(new Request(`http://simple-backend${postPath}`, init));
        return response.json();
      }),
      undiciFetch('request-post', (undici, origin) => async () => {
        const init = { method: 'POST', body: order, headers: json };
        return (await undici.fetch(new undici.Request(`${origin}${postPath}`, init))).json();
      }),
    ],
    comparisons: [{ measure: 'cpu', to: 'undici-fetch.request-post', limit: 1 }],
  },
  {
    id: 'redirect',
    title: 'GET that is redirected once, parsed',
    sides: [
      ours('redirect', (client) => async () => (await client.fetch(redirectPath)).json()),
      undiciFetch('redirect', (undici, origin) => async () => {
        return (await undici.fetch(`${origin}${redirectPath}`)).json();
      }),
    ],
    comparisons: [{ measure: 'cpu', to: 'undici-fetch.redirect', limit: 1 }],
  },
];

/** Everything that a process of the bench can be asked to do. */
export const allRows = [
  ...rows,
  ...works.flatMap(({ sides }) => sides).filter((side) => !rows.includes(side)),
];
