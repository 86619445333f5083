/** Names that people bring along from elsewhere, and those of later versions, with the name that they have here. */
import type { RetryWord } from '../core/policy.js';

/** Options of a service that this version does not have yet. */
export const laterServiceOptions: readonly string[] = [
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

/** Options of retries that this version does not have yet. */
export const laterRetryOptions: readonly string[] = [
  'retryRemoteLocalities',
  'retriableRequestHeaders',
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
  // Timeouts
  ['headerstimeout', 'timeout.response'],
  ['bodytimeout', 'timeout.idle'],
  ['streamidletimeout', 'timeout.idle'],
  // Retries
  ['retries', 'retry'],
  ['retrypolicy', 'retry'],
  ['retryoptions', 'retry'],
  ['numretries', 'retry.attempts'],
  ['retrycount', 'retry.attempts'],
  ['limit', 'retry.attempts'],
  ['statuscodes', 'retry.retriableStatusCodes'],
  ['attempttimeout', 'retry.perTryTimeout'],
  ['pertrytimeout', 'retry.perTryTimeout'],
  ['retrybackoff', 'retry.backoff'],
  ['retrydelay', 'retry.backoff'],
  ['calculatedelay', 'retry.backoff'],
  ['mintimeout', 'retry.backoff.baseInterval'],
  ['maxtimeout', 'retry.backoff.maxInterval'],
  ['backofflimit', 'retry.backoff.maxInterval'],
  ['ratelimitedretrybackoff', 'retry.rateLimitedBackoff'],
  ['retryafter', 'retry.rateLimitedBackoff'],
  ['maxretryafter', 'retry.rateLimitedBackoff.maxInterval'],
  ['retrybudget', 'retry.budget'],
  ['budgetpercent', 'retry.budget.percent'],
  ['budgetinterval', 'retry.budget.interval'],
  ['retryremotelocalities', 'retry.retryRemoteLocalities'],
  ['retrypriority', 'retry.retryRemoteLocalities'],
  ['retryignoreprevioushosts', 'retry.ignorePreviousHosts'],
  ['retryhostpredicate', 'retry.ignorePreviousHosts'],
  ['perrequestbufferlimitbytes', 'retry.maxBufferedBytes'],
  ['requestbodybufferlimit', 'retry.maxBufferedBytes'],
  // Hedging
  ['hedgepolicy', 'hedge'],
  ['hedging', 'hedge'],
  ['hedgeonpertrytimeout', 'hedge.onPerTryTimeout'],
  ['maxhedgedattempts', 'hedge.maxHedges'],
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

/** What a name means in one place: the option that has it, and the name, simplified. */
export const namesInPlace: ReadonlyMap<string, string> = new Map([
  ['retry.delay', 'backoff.baseInterval'],
  ['retry.interval', 'backoff.baseInterval'],
  ['retry.timeout', 'perTryTimeout'],
  ['retry.key', 'idempotencyKey'],
  ['backoff.interval', 'baseInterval'],
  ['backoff.initialinterval', 'baseInterval'],
  ['backoff.mininterval', 'baseInterval'],
  ['backoff.min', 'baseInterval'],
  ['backoff.max', 'maxInterval'],
  ['hedge.attempts', 'maxHedges'],
  ['hedge.maxattempts', 'maxHedges'],
  ['hedge.timeout', 'delay'],
  ['hedge.percentile', 'delay'],
  ['timeout.call', 'total'],
  ['timeout.headers', 'response'],
  ['timeout.body', 'idle'],
]);

/** The same where the value is a number, which says more than the name. */
export const otherNamesOfNumbers: ReadonlyMap<string, string> = new Map([
  ['retries', 'retry.attempts'],
]);

/** Names elsewhere of what has no counterpart here, simplified, and what to do. */
export const otherConcepts: ReadonlyMap<string, string> = new Map([
  ['trafficpolicy', 'what stands in it is given here directly'],
  ['portlevelsettings', "each port is a service of its own in 'services'"],
  ['consistenthash', "'ring-hash' and 'maglev' are not available in this version"],
  [
    'maxretries',
    "here it is 'retry.attempts' for one call, and 'retry.maxRetries' for all calls at any one time",
  ],
  ['maxattempts', "here it is 'retry.attempts', which does not count the first"],
  ['shouldretry', "here it is a function in 'retry.retryOn'"],
  ['retrycondition', "here it is a function in 'retry.retryOn'"],
  [
    'retryontimeout',
    "here it is 'reset' in 'retry.retryOn', which a try whose time is up falls under",
  ],
  ['suppressenvoyheaders', "here it is 'envoyHeaders', the other way round"],
]);

/** Words for what is retried that are too far from Envoy's, simplified, and the nearest of those. */
export const otherRetryWords: ReadonlyMap<string, RetryWord> = new Map([
  ['5', '5xx'],
  ['5x', '5xx'],
  ['50x', '5xx'],
  ['4x', 'retriable-4xx'],
  ['4xx', 'retriable-4xx'],
  ['conflict', 'retriable-4xx'],
  ['timeout', 'reset'],
  ['pertrytimeout', 'reset'],
  ['econnreset', 'reset'],
  ['econnrefused', 'connect-failure'],
  ['connecterror', 'connect-failure'],
  ['ratelimited', 'envoy-ratelimited'],
]);

/** Istio's and Envoy's policies, simplified, whose name here is another word. */
export const otherPolicies: ReadonlyMap<string, string> = new Map([
  ['leastconn', 'least-request'],
  ['leastconnection', 'least-request'],
  ['leastconnections', 'least-request'],
  ['p2c', 'least-request'],
  ['ewma', 'peak-ewma'],
]);
