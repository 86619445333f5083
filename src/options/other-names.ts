/** Names that people bring along from elsewhere, and those of later versions, with the name that they have here. */

/** Options of a service that this version does not have yet. */
export const laterServiceOptions: readonly string[] = [
  'retry',
  'hedge',
  'connectionPool',
  'outlierDetection',
  'circuitBreaker',
  'healthCheck',
  'locality',
  'routes',
  'subsets',
  'fault',
  'proxy',
  'fetch',
];

/** Options of an endpoint that this version does not have yet. */
export const laterEndpointOptions: readonly string[] = ['priority', 'labels'];

/** Policies that this version does not have yet. */
export const laterPolicies: readonly string[] = ['ring-hash', 'maglev'];

/**
 * Istio's and Envoy's names, simplified (lower case, letters and digits alone), and where the same is said here. A
 * name that differs from ours in spelling alone (`choice_count`) is found without this table.
 */
export const otherNames: ReadonlyMap<string, string> = new Map([
  // Load balancing
  ['lbpolicy', 'loadBalancer'],
  ['simple', 'loadBalancer.policy'],
  ['leastrequestlbconfig', 'loadBalancer'],
  ['roundrobinlbconfig', 'loadBalancer'],
  ['localitylbsetting', 'locality'],
  // Services and endpoints
  ['host', 'service'],
  ['hosts', 'services'],
  ['baseurl', 'service'],
  ['prefixurl', 'service'],
  ['origin', 'service'],
  ['address', 'endpoints[].url'],
  ['lbendpoints', 'endpoints'],
  ['loadassignment', 'endpoints'],
  ['loadbalancingweight', 'endpoints[].weight'],
  // Timeouts, retries, hedging
  ['retries', 'retry'],
  ['retrypolicy', 'retry'],
  ['numretries', 'retry.attempts'],
  ['maxretries', 'retry'],
  ['retryon', 'retry.retryOn'],
  ['pertrytimeout', 'retry.perTryTimeout'],
  ['retrybackoff', 'retry.backoff'],
  ['retrybudget', 'retry.budget'],
  ['retryremotelocalities', 'retry.retryRemoteLocalities'],
  ['hedgepolicy', 'hedge'],
  ['hedgeonpertrytimeout', 'hedge.onPerTryTimeout'],
  // Circuit breaking
  ['circuitbreakers', 'connectionPool'],
  ['http1maxpendingrequests', 'connectionPool.maxPendingRequests'],
  ['maxpendingrequests', 'connectionPool.maxPendingRequests'],
  ['http2maxrequests', 'connectionPool.maxRequests'],
  ['maxrequests', 'connectionPool.maxRequests'],
  ['maxconnections', 'connectionPool.maxConnections'],
  ['maxrequestsperconnection', 'connectionPool.maxRequestsPerConnection'],
  ['connecttimeout', 'connectionPool.connectTimeout'],
  ['idletimeout', 'connectionPool.idleTimeout'],
  // Outlier detection
  ['consecutiveerrors', 'outlierDetection.consecutive5xxErrors'],
  ['consecutive5xx', 'outlierDetection.consecutive5xxErrors'],
  ['consecutive5xxerrors', 'outlierDetection.consecutive5xxErrors'],
  ['interval', 'outlierDetection.interval'],
  ['baseejectiontime', 'outlierDetection.baseEjectionTime'],
  ['maxejectionpercent', 'outlierDetection.maxEjectionPercent'],
  ['healthchecks', 'healthCheck'],
  // TLS, also by Node's own names
  ['transportsocket', 'tls'],
  ['cacertificates', 'tls.ca'],
  ['clientcertificate', 'tls.cert'],
  ['privatekey', 'tls.key'],
  ['sni', 'tls.servername'],
  ['insecureskipverify', 'tls.rejectUnauthorized'],
  ['alpnprotocols', 'tls.alpn'],
]);

/** Istio's names of what has no counterpart here, simplified, and what to do. */
export const otherConcepts: ReadonlyMap<string, string> = new Map([
  ['trafficpolicy', 'what stands in it is given here directly'],
  ['portlevelsettings', "each port is a service of its own in 'services'"],
  ['consistenthash', "'ring-hash' and 'maglev' are not available in this version"],
]);

/** Istio's and Envoy's policies, simplified, whose name here is another word. */
export const otherPolicies: ReadonlyMap<string, string> = new Map([
  ['leastconn', 'least-request'],
  ['leastconnection', 'least-request'],
  ['leastconnections', 'least-request'],
  ['p2c', 'least-request'],
  ['ewma', 'peak-ewma'],
]);
