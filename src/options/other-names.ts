/** Names that people bring along from elsewhere, and those of later versions, with the name that they have here. */
import type { RetryWord } from '../core/policy.js';

/** Options of a service that this version does not have yet. */
export const laterServiceOptions: readonly string[] = [
  'routes',
  'subsets',
  'fault',
  'proxy',
  'fetch',
];

/** Options of retries that this version does not have yet. */
export const laterRetryOptions: readonly string[] = ['retriableRequestHeaders'];

/** Options of an endpoint that this version does not have yet. */
export const laterEndpointOptions: readonly string[] = ['labels'];

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
  ['warmupdurationsecs', 'loadBalancer.warmup.duration'],
  ['slowstart', 'loadBalancer.warmup'],
  ['slowstartconfig', 'loadBalancer.warmup'],
  ['slowstartwindow', 'loadBalancer.warmup.duration'],
  ['minweightpercent', 'loadBalancer.warmup.minimumPercent'],
  ['localitylbsetting', 'locality'],
  ['localityloadbalancer', 'locality'],
  ['failovers', 'locality.failover'],
  ['zone', 'locality.local'],
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
  ['timelimiter', 'timeout'],
  ['timeoutinmilliseconds', 'timeout'],
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
  ['h2upgradepolicy', 'connectionPool.http2'],
  ['http2protocoloptions', 'connectionPool.http2'],
  ['allowh2', 'connectionPool.http2'],
  ['allowhttp2', 'connectionPool.http2'],
  ['h2', 'connectionPool.http2'],
  // The same by the names of undici, of Node's agents, and of bulkheads
  ['connections', 'connectionPool.maxConnections'],
  ['maxsockets', 'connectionPool.maxConnections'],
  ['maxtotalsockets', 'connectionPool.maxConnections'],
  ['maxrequestsperclient', 'connectionPool.maxRequestsPerConnection'],
  ['keepalivetimeout', 'connectionPool.idleTimeout'],
  ['keepalivemaxtimeout', 'connectionPool.idleTimeout'],
  ['freesockettimeout', 'connectionPool.idleTimeout'],
  ['clientttl', 'connectionPool.maxConnectionDuration'],
  ['socketactivettl', 'connectionPool.maxConnectionDuration'],
  ['keepalivemsecs', 'connectionPool.tcpKeepalive.time'],
  ['keepaliveinitialdelay', 'connectionPool.tcpKeepalive.time'],
  ['bulkhead', 'connectionPool'],
  ['maxconcurrent', 'connectionPool.maxRequests'],
  ['maxconcurrentcalls', 'connectionPool.maxRequests'],
  ['concurrency', 'connectionPool.maxRequests'],
  ['coresize', 'connectionPool.maxRequests'],
  ['permitlimit', 'connectionPool.maxRequests'],
  ['concurrencylimiter', 'connectionPool'],
  ['maxqueue', 'connectionPool.maxPendingRequests'],
  ['maxqueuesize', 'connectionPool.maxPendingRequests'],
  // The breaker, by the names of Hystrix, opossum, resilience4j, Polly and cockatiel
  ['breaker', 'circuitBreaker'],
  ['circuitbreakeroptions', 'circuitBreaker'],
  ['circuitbreakerpolicy', 'circuitBreaker'],
  ['errorthresholdpercentage', 'circuitBreaker.failurePercent'],
  ['failureratethreshold', 'circuitBreaker.failurePercent'],
  ['failureratepercent', 'circuitBreaker.failurePercent'],
  ['rollingcounttimeout', 'circuitBreaker.window'],
  ['slidingwindowsize', 'circuitBreaker.window'],
  ['timeinmilliseconds', 'circuitBreaker.window'],
  ['samplingduration', 'circuitBreaker.window'],
  ['volumethreshold', 'circuitBreaker.minimumCalls'],
  ['requestvolumethreshold', 'circuitBreaker.minimumCalls'],
  ['minimumnumberofcalls', 'circuitBreaker.minimumCalls'],
  ['minimumthroughput', 'circuitBreaker.minimumCalls'],
  ['slowcalldurationthreshold', 'circuitBreaker.slowCallDuration'],
  ['resettimeout', 'circuitBreaker.openTime'],
  ['sleepwindowinmilliseconds', 'circuitBreaker.openTime'],
  ['sleepwindow', 'circuitBreaker.openTime'],
  ['waitdurationinopenstate', 'circuitBreaker.openTime'],
  ['breakduration', 'circuitBreaker.openTime'],
  ['halfopenafter', 'circuitBreaker.openTime'],
  ['permittednumberofcallsinhalfopenstate', 'circuitBreaker.halfOpenCalls'],
  // Outlier detection
  ['outliers', 'outlierDetection'],
  ['outlierejection', 'outlierDetection'],
  ['passivehealthcheck', 'outlierDetection'],
  ['failureaccrual', 'outlierDetection'],
  ['consecutive5xx', 'outlierDetection.consecutive5xxErrors'],
  ['consecutivefailures', 'outlierDetection.consecutive5xxErrors'],
  ['maxfailures', 'outlierDetection.consecutive5xxErrors'],
  ['maxfails', 'outlierDetection.consecutive5xxErrors'],
  ['consecutivegatewayfailure', 'outlierDetection.consecutiveGatewayErrors'],
  ['consecutivelocaloriginfailure', 'outlierDetection.consecutiveLocalOriginFailures'],
  ['minpenalty', 'outlierDetection.baseEjectionTime'],
  ['failtimeout', 'outlierDetection.baseEjectionTime'],
  ['maxpenalty', 'outlierDetection.maxEjectionTime'],
  ['alwaysejectonehost', 'outlierDetection.alwaysEjectOne'],
  ['healthypanicthreshold', 'outlierDetection.minHealthPercent'],
  ['panicthreshold', 'outlierDetection.minHealthPercent'],
  ['consecutive5xxerrors', 'outlierDetection.consecutive5xxErrors'],
  ['interval', 'outlierDetection.interval'],
  ['baseejectiontime', 'outlierDetection.baseEjectionTime'],
  ['maxejectionpercent', 'outlierDetection.maxEjectionPercent'],
  // Health checks, also by the names of Kubernetes
  ['healthchecks', 'healthCheck'],
  ['activehealthcheck', 'healthCheck'],
  ['readinessprobe', 'healthCheck'],
  ['livenessprobe', 'healthCheck'],
  ['httphealthcheck', 'healthCheck.path'],
  ['tcphealthcheck', 'healthCheck.tcp'],
  ['healthcheckpath', 'healthCheck.path'],
  ['healthpath', 'healthCheck.path'],
  ['unhealthythreshold', 'healthCheck.unhealthyThreshold'],
  ['healthythreshold', 'healthCheck.healthyThreshold'],
  // TLS, also by Node's own names
  ['transportsocket', 'tls'],
  ['cacertificates', 'tls.ca'],
  ['clientcertificate', 'tls.cert'],
  ['privatekey', 'tls.key'],
  ['sni', 'tls.servername'],
  ['alpnprotocols', 'tls.alpn'],
]);

/** What a name means in one place: the option that has it, and the name, simplified. */
export const namesInPlace: ReadonlyMap<string, string> = new Map([
  ['retry.delay', 'retry.backoff.baseInterval'],
  ['retry.interval', 'retry.backoff.baseInterval'],
  ['retry.timeout', 'retry.perTryTimeout'],
  ['retry.key', 'retry.idempotencyKey'],
  ['backoff.interval', 'retry.backoff.baseInterval'],
  ['backoff.initialinterval', 'retry.backoff.baseInterval'],
  ['backoff.mininterval', 'retry.backoff.baseInterval'],
  ['backoff.min', 'retry.backoff.baseInterval'],
  ['backoff.max', 'retry.backoff.maxInterval'],
  ['connectionPool.maxpending', 'connectionPool.maxPendingRequests'],
  ['connectionPool.retrybudget', 'retry.budget'],
  ['connectionPool.timeout', 'connectionPool.connectTimeout'],
  ['connectionPool.keepalive', 'connectionPool.tcpKeepalive'],
  ['tcpKeepalive.keepalivetime', 'connectionPool.tcpKeepalive.time'],
  ['tcpKeepalive.initialdelay', 'connectionPool.tcpKeepalive.time'],
  ['circuitBreaker.capacity', 'connectionPool.maxRequests'],
  ['circuitBreaker.duration', 'circuitBreaker.window'],
  ['circuitBreaker.interval', 'circuitBreaker.window'],
  ['circuitBreaker.size', 'circuitBreaker.window'],
  ['circuitBreaker.threshold', 'circuitBreaker.failurePercent'],
  ['circuitBreaker.percent', 'circuitBreaker.failurePercent'],
  ['circuitBreaker.jitter', 'circuitBreaker.openTimeJitterPercent'],
  ['circuitBreaker.opentimejitter', 'circuitBreaker.openTimeJitterPercent'],
  ['warmup.window', 'loadBalancer.warmup.duration'],
  ['hedge.attempts', 'hedge.maxHedges'],
  ['hedge.maxattempts', 'hedge.maxHedges'],
  ['hedge.timeout', 'hedge.delay'],
  ['hedge.percentile', 'hedge.delay'],
  ['outlierDetection.jitter', 'outlierDetection.maxEjectionTimeJitter'],
  ['outlierDetection.jitterratio', 'outlierDetection.maxEjectionTimeJitter'],
  ['outlierDetection.ejectiontime', 'outlierDetection.baseEjectionTime'],
  ['outlierDetection.maxejectionpercentage', 'outlierDetection.maxEjectionPercent'],
  ['outlierDetection.stdevfactor', 'outlierDetection.successRateStdevFactor'],
  ['healthCheck.url', 'healthCheck.path'],
  ['healthCheck.uri', 'healthCheck.path'],
  ['healthCheck.endpoint', 'healthCheck.path'],
  ['healthCheck.tcphealthcheck', 'healthCheck.tcp'],
  ['healthCheck.tcpsocket', 'healthCheck.tcp'],
  ['healthCheck.hostname', 'healthCheck.host'],
  ['healthCheck.httpheaders', 'healthCheck.headers'],
  ['healthCheck.requestheaderstoadd', 'healthCheck.headers'],
  ['healthCheck.status', 'healthCheck.expectedStatuses'],
  ['healthCheck.statuses', 'healthCheck.expectedStatuses'],
  ['healthCheck.statuscodes', 'healthCheck.expectedStatuses'],
  ['healthCheck.expectedstatus', 'healthCheck.expectedStatuses'],
  ['healthCheck.matcher', 'healthCheck.expectedStatuses'],
  ['healthCheck.periodseconds', 'healthCheck.interval'],
  ['healthCheck.period', 'healthCheck.interval'],
  ['healthCheck.timeoutseconds', 'healthCheck.timeout'],
  ['healthCheck.failurethreshold', 'healthCheck.unhealthyThreshold'],
  ['healthCheck.fall', 'healthCheck.unhealthyThreshold'],
  ['healthCheck.retries', 'healthCheck.unhealthyThreshold'],
  ['healthCheck.successthreshold', 'healthCheck.healthyThreshold'],
  ['healthCheck.rise', 'healthCheck.healthyThreshold'],
  ['healthCheck.jitter', 'healthCheck.intervalJitter'],
  ['rateLimitHold.maxinterval', 'rateLimitHold.maxTime'],
  ['rateLimitHold.max', 'rateLimitHold.maxTime'],
  ['rateLimitHold.duration', 'rateLimitHold.maxTime'],
  ['rateLimitHold.statuses', 'rateLimitHold.statusCodes'],
  ['rateLimitHold.codes', 'rateLimitHold.statusCodes'],
  ['rateLimitHold.headers', 'rateLimitHold.resetHeaders'],
  ['timeout.call', 'timeout.total'],
  ['timeout.headers', 'timeout.response'],
  ['timeout.body', 'timeout.idle'],
]);

/** The same where the value is a number, which says more than the name. */
export const otherNamesOfNumbers: ReadonlyMap<string, string> = new Map([
  ['retries', 'retry.attempts'],
]);

const NODE_CANNOT = "Node can set 'time' alone: the system's own number holds";
const OF_HTTP_CHECK =
  "there is no such part here: 'path', 'host' and the statuses are given directly";
const NO_PIPELINING = 'a connection has one request at a time, which cannot be changed';
const GIVEN_DIRECTLY = 'there is no such part here: what stands in it is given directly';
const OF_FAILURES = 'what counts as a failure cannot be changed, see docs/circuit-breaker.md';
const A_SHARE =
  "here a share counts: 'circuitBreaker.failurePercent' of at least 'circuitBreaker.minimumCalls' calls";
const A_RULE = "here it is a function in 'retry.retryOn'";
const OWN_CONNECTIONS = "connections are the client's own, see 'connectionPool' and 'tls'";
const GROWS = "here the time doubles with each failed trial, up to 'circuitBreaker.maxOpenTime'";

/** Options that are on as soon as they are there. */
const SWITCHES = [
  'retry',
  'budget',
  'hedge',
  'warmup',
  'circuitBreaker',
  'outlierDetection',
  'healthCheck',
  'rateLimitHold',
  'tcpKeepalive',
];

/**
 * Parts that options have elsewhere, by their option and name, simplified: what stands in them is given here directly,
 * and looked at as if it were.
 */
export const mereParts: ReadonlySet<string> = new Set([
  'connectionPool.tcp',
  'connectionPool.http',
  'connectionPool.thresholds',
  'healthCheck.httphealthcheck',
  'healthCheck.httpget',
  'healthCheck.http',
]);

/** Names elsewhere of what has no counterpart here, simplified, and what to do; some of them in one place alone. */
export const otherConcepts: ReadonlyMap<string, string> = new Map([
  ['trafficpolicy', 'what stands in it is given here directly'],
  ['connectionPool.tcp', GIVEN_DIRECTLY],
  ['connectionPool.http', GIVEN_DIRECTLY],
  ['connectionPool.thresholds', GIVEN_DIRECTLY],
  ['connectionPool.maxretries', "here it is 'retry.maxRetries', which needs 'retry.budget: false'"],
  ['connectionPool.enabled', 'it is always on; false lifts the limits'],
  ...SWITCHES.map(
    (option) => [`${option}.enabled`, 'an object switches it on, false off'] as const,
  ),
  ['useclientprotocol', "the protocol depends on 'connectionPool.http2' alone"],
  ['connect', "here it is 'tls', and 'connectionPool.connectTimeout'"],
  ['agent', OWN_CONNECTIONS],
  ['httpagent', OWN_CONNECTIONS],
  ['httpsagent', OWN_CONNECTIONS],
  ['dispatcher', OWN_CONNECTIONS],
  ['trackremaining', 'what remains is always counted, see docs/connection-pool.md'],
  ['commonlbconfig', "its panic threshold is 'outlierDetection.minHealthPercent' here"],
  ['commonhttpprotocoloptions', "here it is part of 'connectionPool'"],
  [
    'ratelimit',
    "calls are not limited by time; 'connectionPool.maxRequests' limits how many there are at once",
  ],
  ['tls.mode', "https endpoints have TLS, and 'tls.cert' with 'tls.key' makes it mutual"],
  ['subjectaltnames', "one name is checked, which is 'tls.servername'"],
  ['credentialname', "the PEM itself is given: 'tls.cert', 'tls.key' and 'tls.ca'"],
  ['insecureskipverify', "here it is 'tls.rejectUnauthorized', the other way round"],
  ['tcpKeepalive.probes', NODE_CANNOT],
  ['tcpKeepalive.interval', NODE_CANNOT],
  ['tcpKeepalive.keepaliveprobes', NODE_CANNOT],
  ['tcpKeepalive.keepaliveinterval', NODE_CANNOT],
  ['pipelining', NO_PIPELINING],
  ['portlevelsettings', "each port is a service of its own in 'services'"],
  ['consistenthash', "'ring-hash' and 'maglev' are not available in this version"],
  [
    'maxretries',
    "here it is 'retry.attempts' for one call, and 'retry.maxRetries' for all calls at any one time, which needs 'retry.budget: false'",
  ],
  ['maxattempts', "here it is 'retry.attempts', which does not count the first"],
  ['shouldretry', A_RULE],
  ['retrycondition', A_RULE],
  ['retry.shouldhandle', A_RULE],
  ['retry.retryexceptions', A_RULE],
  ['retry.ignoreexceptions', A_RULE],
  [
    'retryontimeout',
    "here it is 'reset' in 'retry.retryOn', which a try whose time is up falls under",
  ],
  ['failureratio', "here it is 'circuitBreaker.failurePercent', in percent"],
  [
    'slowcallratethreshold',
    "a slow call is a failed one here, so it counts towards 'circuitBreaker.failurePercent'",
  ],
  ['slidingwindowtype', "'circuitBreaker.window' is always a time"],
  ['rollingcountbuckets', "'circuitBreaker.window' always has ten parts"],
  ['numbuckets', "'circuitBreaker.window' always has ten parts"],
  ['errorfilter', OF_FAILURES],
  ['circuitBreaker.shouldhandle', OF_FAILURES],
  ['circuitBreaker.recordexceptions', OF_FAILURES],
  ['circuitBreaker.ignoreexceptions', OF_FAILURES],
  ['circuitBreaker.maxfailures', A_SHARE],
  ['circuitBreaker.maxfails', A_SHARE],
  ['circuitBreaker.consecutivefailures', A_SHARE],
  ['circuitBreaker.failurethreshold', A_SHARE],
  ['circuitBreaker.thresholds', "Envoy's limits are in 'connectionPool'"],
  ['circuitBreaker.breaker', A_SHARE],
  ['circuitBreaker.metrics', "the counters are in 'client.stats()'"],
  ['forceopen', 'a circuit cannot be forced'],
  ['forceclosed', 'a circuit cannot be forced'],
  ['breakdurationgenerator', GROWS],
  ['waitintervalfunctioninopenstate', GROWS],
  ['minimumrps', "here it is 'circuitBreaker.minimumCalls', for the whole window"],
  ['healthCheck.httphealthcheck', OF_HTTP_CHECK],
  ['healthCheck.httpget', OF_HTTP_CHECK],
  ['healthCheck.http', OF_HTTP_CHECK],
  ['healthCheck.port', "a check goes to the endpoint's own port"],
  ['healthCheck.scheme', "a check has the endpoint's own scheme"],
  ['healthCheck.reuseconnection', 'each check has a connection of its own'],
  [
    'initialdelayseconds',
    "checks begin at once; 'healthCheck.initialJitter' spreads the first ones",
  ],
  [
    'consecutiveerrors',
    "which in Istio meant gateway errors alone: here it is 'outlierDetection.consecutiveGatewayErrors', or 'outlierDetection.consecutive5xxErrors' for every 5xx",
  ],
  [
    'successrateejection',
    "here the figures stand in 'outlierDetection' directly: 'successRateMinimumHosts' and the like",
  ],
  [
    'failurepercentageejection',
    "here the figures stand in 'outlierDetection' directly: 'failurePercentageThreshold' and the like",
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
