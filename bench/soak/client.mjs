/** The client of the soak: one, with every layer on. */

/**
 * @param {(options: any) => any} createResilientClient
 * @param {readonly string[]} origins of the endpoints
 */
export function everyLayer(createResilientClient, origins) {
  const zones = ['here/a', 'here/a', 'here/b'];
  return createResilientClient({
    service: 'http://shop',
    otherOrigins: 'default-policy',
    endpoints: origins.map((url, index) => ({
      url,
      locality: zones[index % zones.length],
      labels: { version: 'v1' },
    })),
    subsets: { v1: { labels: { version: 'v1' } } },
    routes: [
      { match: { path: '/reports/*' }, timeout: { response: '2s' }, subset: 'v1' },
      { match: { path: '/orders/*', method: ['POST', 'PUT'] }, hedge: false },
    ],
    locality: {
      local: 'here/a',
      distribute: [{ from: 'here/a', to: { 'here/a': 70, 'here/b': 30 } }],
    },
    loadBalancer: { policy: 'least-request', warmup: { duration: '1s' } },
    timeout: { total: '20s', idle: '1s' },
    retry: {
      attempts: 2,
      retryOn: ['connect-failure', 'refused-stream', 'reset', 503, 'retriable-4xx'],
      perTryTimeout: '200ms',
      perTryIdleTimeout: '800ms',
      backoff: { baseInterval: '2ms', maxInterval: '20ms' },
      budget: { percent: 30, minRetryConcurrency: 10 },
      idempotencyKey: true,
    },
    hedge: { onPerTryTimeout: true, delay: 'p95' },
    circuitBreaker: { window: '2s', failurePercent: 90, openTime: '50ms' },
    rateLimitHold: { maxTime: '50ms' },
    fallback: (/** @type {unknown} */ _failure, /** @type {Request} */ { url }) =>
      url.includes('fallback') ? new Response('in its place') : undefined,
    connectionPool: {
      maxConnections: 128,
      maxPendingRequests: 256,
      maxRequests: 512,
      maxRequestsPerConnection: 200,
      maxConnectionDuration: '20s',
      idleTimeout: '2s',
    },
    outlierDetection: {
      consecutive5xxErrors: 20,
      interval: '500ms',
      baseEjectionTime: '50ms',
      maxEjectionPercent: 34,
    },
    healthCheck: { path: '/health', interval: '1s' },
    around: (/** @type {unknown} */ _attempt, /** @type {() => void} */ dispatch) => dispatch(),
  });
}
