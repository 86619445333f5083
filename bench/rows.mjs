/**
 * The clients that are compared. Each opens its client and hands back one function that makes a GET and
 * parses the JSON. Libraries are imported inside `open`, because importing undici replaces what the global
 * fetch runs on: a row's process must hold nothing but its own client.
 */

/**
 * @typedef {object} Row
 * @property {string} id the name given to `--rows`
 * @property {string} title the name in tables and in the picture
 * @property {string} composes what the row is made of, for docs/bench.md
 * @property {boolean} [ours]
 * @property {boolean} [extra] measured only when named
 * @property {boolean} [heavy] a call moves so many bytes that few calls say enough
 * @property {(origins: readonly string[]) => Promise<() => Promise<any>>} open
 */

/** The path that every row asks for. */
export const path = '/orders/42';
/** Milliseconds a call may take in the rows that have a timeout. */
const timeout = 2000;
/** Tries beyond the first in the rows that retry. */
const retries = 2;
/** Connections in the pools and agents that take a number; also the requests in flight. */
const connections = 32;

/** @param {readonly string[]} origins */
const urlAt = (origins) => `${origins[0]}${path}`;

/** @param {readonly string[]} origins */
export async function openPool(origins) {
  const { Pool } = await import('undici');
  return new Pool(/** @type {string} */ (origins[0]), { connections });
}

/** cockatiel's four policies in the order its readme recommends. */
async function openCockatiel() {
  const c = await import('cockatiel');
  return c.wrap(
    c.retry(c.handleAll, { maxAttempts: retries, backoff: new c.ExponentialBackoff() }),
    c.circuitBreaker(c.handleAll, {
      halfOpenAfter: 10_000,
      breaker: new c.ConsecutiveBreaker(5),
    }),
    c.timeout(timeout, c.TimeoutStrategy.Aggressive),
    c.bulkhead(100, 100),
  );
}

/** Where the endpoints are: two in the own zone, the third in another. */
const zones = ['us-west1/us-west1-a', 'us-west1/us-west1-a', 'us-west1/us-west1-b'];

/**
 * Our client with every layer there is, behind a route to a subset whose calls are shared between two zones.
 * @param {readonly string[]} origins
 * @param {Record<string, unknown>} [policy] in place of the policy below
 */
export async function openOutrigger(origins, policy = {}) {
  const { createResilientClient } = await import('../dist/index.js');
  return createResilientClient({
    service: 'http://simple-backend',
    endpoints: origins.map((url, index) => ({
      url,
      locality: zones[index % zones.length],
      labels: { version: 'v1' },
    })),
    subsets: { v1: { labels: { version: 'v1' } } },
    routes: [
      { match: { path: '/reports/*', method: 'GET' }, timeout: '30s', retry: false },
      { match: { path: '/orders', method: 'POST' }, retry: false },
      { match: { headers: { 'x-canary': true } } },
      { match: { path: '/orders/*', method: ['GET', 'HEAD'] }, timeout: '1s', subset: 'v1' },
    ],
    locality: {
      local: 'us-west1/us-west1-a',
      distribute: [
        {
          from: 'us-west1/us-west1-a',
          to: { 'us-west1/us-west1-a': 67, 'us-west1/us-west1-b': 33 },
        },
      ],
    },
    loadBalancer: 'least-request',
    timeout: '2s',
    retry: { attempts: retries, perTryTimeout: '500ms' },
    hedge: { onPerTryTimeout: true, delay: 'p95' },
    connectionPool: { maxConnections: 100, maxPendingRequests: 100, maxRequests: 1000 },
    outlierDetection: { consecutiveGatewayErrors: 3 },
    ...policy,
  });
}

/** For measurements of one cluster alone: calls go to the service as a whole, wherever its endpoints are. */
export const withoutRoutes = { subsets: false, routes: false, locality: false };

/** @type {readonly Row[]} */
export const rows = [
  {
    id: 'outrigger-fetch',
    title: 'outrigger client.fetch',
    composes:
      'a route by path and method out of four, to a subset of three endpoints in two zones that share the calls, least-request with two choices, a timeout for the call and for each try, two retries within a budget, hedges on the per-try timeout and after the 95th percentile, limits of the connection pool, outlier detection',
    ours: true,
    async open(origins) {
      const client = await openOutrigger(origins);
      return async () => (await client.fetch(path)).json();
    },
  },
  {
    id: 'outrigger-request',
    title: 'outrigger client.request',
    composes: 'the same client, called in the shape of `undici.request`',
    ours: true,
    async open(origins) {
      const client = await openOutrigger(origins);
      return async () => (await client.request(path)).body.json();
    },
  },
  {
    id: 'pool-dispatch',
    title: 'undici Pool.dispatch',
    composes: '`Pool` with 32 connections, chunks gathered by a handler of our own: the floor',
    extra: true,
    async open(origins) {
      const pool = await openPool(origins);
      return () =>
        new Promise((resolve, reject) => {
          let text = '';
          pool.dispatch(
            { path, method: 'GET' },
            {
              onRequestStart() {},
              onResponseStart() {},
              onResponseData(_, chunk) {
                text += chunk.toString();
              },
              onResponseEnd: () => resolve(JSON.parse(text)),
              onResponseError: (_, error) => reject(error),
            },
          );
        });
    },
  },
  {
    id: 'pool-request',
    title: 'undici Pool.request',
    composes: '`Pool` with 32 connections, no timeout of its own, no retry',
    async open(origins) {
      const pool = await openPool(origins);
      return async () => (await pool.request({ path, method: 'GET' })).body.json();
    },
  },
  {
    id: 'undici-request',
    title: 'undici.request',
    composes: 'undici’s global `Agent`',
    async open(origins) {
      const { request } = await import('undici');
      const url = urlAt(origins);
      return async () => (await request(url)).body.json();
    },
  },
  {
    id: 'retry-agent',
    title: 'undici RetryAgent',
    composes: '`RetryAgent` (2 retries) over an `Agent` with 32 connections',
    async open(origins) {
      const { Agent, RetryAgent } = await import('undici');
      const agent = new RetryAgent(new Agent({ connections }), { maxRetries: retries });
      const origin = /** @type {string} */ (origins[0]);
      return async () => (await agent.request({ origin, path, method: 'GET' })).body.json();
    },
  },
  {
    id: 'cockatiel-pool',
    title: 'cockatiel + Pool.request',
    composes: 'retry (2), circuit breaker, timeout (2 s), bulkhead (100) around `Pool.request`',
    async open(origins) {
      const [policy, pool] = await Promise.all([openCockatiel(), openPool(origins)]);
      return () =>
        policy.execute(async ({ signal }) =>
          (await pool.request({ path, method: 'GET', signal })).body.json(),
        );
    },
  },
  {
    id: 'undici-fetch',
    title: 'undici.fetch',
    composes: '`fetch` of the npm package',
    async open(origins) {
      const { fetch } = await import('undici');
      const url = urlAt(origins);
      return async () => (await fetch(url)).json();
    },
  },
  {
    id: 'fetch',
    title: 'global fetch',
    composes: 'what Node brings',
    async open(origins) {
      const url = urlAt(origins);
      return async () => (await fetch(url)).json();
    },
  },
  {
    id: 'cockatiel-fetch',
    title: 'cockatiel + fetch',
    composes: 'retry (2), circuit breaker, timeout (2 s), bulkhead (100) around global `fetch`',
    async open(origins) {
      const policy = await openCockatiel();
      const url = urlAt(origins);
      return () => policy.execute(async ({ signal }) => (await fetch(url, { signal })).json());
    },
  },
  {
    id: 'opossum-fetch',
    title: 'opossum + fetch',
    composes: 'circuit breaker with a timeout (2 s) around global `fetch`; no retry',
    async open(origins) {
      const { default: CircuitBreaker } = await import('opossum');
      const url = urlAt(origins);
      const breaker = new CircuitBreaker(async () => (await fetch(url)).json(), {
        timeout,
        errorThresholdPercentage: 50,
        resetTimeout: 10_000,
      });
      return () => breaker.fire();
    },
  },
  {
    id: 'p-retry-fetch',
    title: 'p-retry + fetch',
    composes: '`pRetry` (2) around global `fetch` with `AbortSignal.timeout(2000)`',
    async open(origins) {
      const { default: pRetry } = await import('p-retry');
      const url = urlAt(origins);
      const attempt = async () =>
        (await fetch(url, { signal: AbortSignal.timeout(timeout) })).json();
      return () => pRetry(attempt, { retries });
    },
  },
  {
    id: 'got',
    title: 'got',
    composes: 'retry (2), timeout (2 s), a keep-alive agent with 32 sockets',
    async open(origins) {
      const [{ got }, { Agent }] = await Promise.all([import('got'), import('node:http')]);
      const client = got.extend({
        agent: { http: new Agent({ keepAlive: true, maxSockets: connections }) },
        retry: { limit: retries },
        timeout: { request: timeout },
      });
      const url = urlAt(origins);
      return () => client(url).json();
    },
  },
  {
    id: 'ky',
    title: 'ky',
    composes: 'retry (2), timeout (2 s), over global `fetch`',
    async open(origins) {
      const { default: ky } = await import('ky');
      const client = ky.create({ retry: retries, timeout });
      const url = urlAt(origins);
      return () => client(url).json();
    },
  },
  {
    id: 'axios',
    title: 'axios + axios-retry',
    composes: 'retry (2), timeout (2 s), a keep-alive agent with 32 sockets',
    async open(origins) {
      const [{ default: axios }, { default: axiosRetry }, { Agent }] = await Promise.all([
        import('axios'),
        import('axios-retry'),
        import('node:http'),
      ]);
      const client = axios.create({
        httpAgent: new Agent({ keepAlive: true, maxSockets: connections }),
        timeout,
        proxy: false,
      });
      axiosRetry(client, { retries });
      const url = urlAt(origins);
      return async () => (await client.get(url)).data;
    },
  },
];
