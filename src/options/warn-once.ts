/** The warnings of a client, each of them said once. */
import { pathOf } from './describe.js';
import type { NormalizedClientOptions } from './normalized.js';
import { usesTls } from './read-services.js';
import { policyWarnings, type PolicyWarning } from './warnings.js';

/**
 * Says each warning of a client's policies once, through `process.emitWarning`: those of its first options, and those
 * that an update brings.
 */
export function warner(): (options: NormalizedClientOptions) => void {
  const said = new Set<string>();
  return (options) => {
    for (const { code, message } of clientWarnings(options)) {
      if (said.has(message)) continue;
      said.add(message);
      process.emitWarning(message, { type: 'OutriggerWarning', code });
    }
  };
}

/** What a service has from the client is said of the client, and once, however many services have it. */
function clientWarnings({
  service,
  services,
  otherOrigins,
  defaultPolicy,
}: NormalizedClientOptions): PolicyWarning[] {
  const found = otherOrigins === 'default-policy' ? policyWarnings(defaultPolicy, '') : [];
  const saidOfClient = new Set(found.map(nameOf));
  const all = [...services];
  const usesHttp2 = otherOrigins === 'default-policy' || all.some(([, policy]) => usesTls(policy));
  for (const [origin, policy] of all) {
    const { endpoints } = policy;
    const inherited = policyWarnings({ ...defaultPolicy, origin, endpoints }, '');
    const own = policyWarnings(policy, service === undefined ? pathOf('services', origin) : '');
    policyWarnings(policy, '').forEach((warning, index) => {
      if (!inherited.some(({ message }) => message === warning.message)) {
        found.push(own[index] ?? warning);
        return;
      }
      // The client's means those services that can have it.
      if (warning.option === 'connectionPool.http2' && usesHttp2) return;
      if (saidOfClient.has(nameOf(warning))) return;
      saidOfClient.add(nameOf(warning));
      found.push(warning);
    });
  }
  return found;
}

/** One cause: figures may differ with the number of endpoints. */
function nameOf({ code, option }: PolicyWarning): string {
  return `${code} ${option}`;
}
