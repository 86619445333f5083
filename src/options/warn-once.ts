/** The warnings of a client, each of them said once. */
import { pathOf } from './describe.js';
import type { NormalizedClientOptions } from './normalized.js';
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

/** What a service has from the client is said of the client. */
function clientWarnings({
  service,
  services,
  otherOrigins,
  defaultPolicy,
}: NormalizedClientOptions): PolicyWarning[] {
  const common = policyWarnings(defaultPolicy, '');
  const found = otherOrigins === 'default-policy' ? [...common] : [];
  for (const [origin, policy] of services) {
    const path = service === undefined ? pathOf('services', origin) : '';
    const own = policyWarnings(policy, path);
    policyWarnings(policy, '').forEach((warning, index) => {
      const isCommon = common.some(({ message }) => message === warning.message);
      found.push(isCommon ? warning : (own[index] ?? warning));
    });
  }
  return found;
}
