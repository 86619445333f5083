/** The warnings of a client, each of them said once. */
import { pathOf } from './describe.js';
import type { NormalizedClientOptions, NormalizedService } from './normalized.js';
import { usesTls } from './read-services.js';
import { routeWarnings } from './route-warnings.js';
import { policyWarnings, type PolicyWarning, type WarnedPolicy } from './warnings.js';

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

type Warnings = typeof policyWarnings;

/** A service may have a proxy where another has none. */
const OF_CARRIER = 'OUTRIGGER_POOL_OPTION_HAS_NO_EFFECT';

/** What a service has from the client is said of the client, and once, however many services have it. */
function clientWarnings({
  service,
  services,
  otherOrigins,
  defaultPolicy,
  transport,
}: NormalizedClientOptions): PolicyWarning[] {
  const warningsOf: Warnings = (policy, path) =>
    policyWarnings({ ...policy, transport: transport?.kind }, path);
  const found = otherOrigins === 'default-policy' ? warningsOf(defaultPolicy, '') : [];
  const saidOfClient = new Set(found.map(nameOf));
  const all = [...services];
  const usesHttp2 =
    (otherOrigins === 'default-policy' && defaultPolicy.proxy === undefined) ||
    all.some(([, policy]) => policy.proxy === undefined && usesTls(policy));
  const isDirect =
    (otherOrigins === 'default-policy' && defaultPolicy.proxy === undefined) ||
    all.some(([, policy]) => policy.proxy === undefined);
  for (const [origin, policy] of all) {
    const { endpoints } = policy;
    const inherited = warningsOf({ ...defaultPolicy, origin, endpoints }, '');
    const prefix = service === undefined ? pathOf('services', origin) : '';
    const own = warningsOf(policy, prefix);
    warningsOf(policy, '').forEach((warning, index) => {
      if (!inherited.some(({ message }) => message === warning.message)) {
        found.push(own[index] ?? warning);
        return;
      }
      // The client's means those services that can have it.
      if (warning.option === 'connectionPool.http2' && usesHttp2) return;
      if (warning.code === OF_CARRIER && transport === undefined && isDirect) return;
      if (saidOfClient.has(nameOf(warning))) return;
      saidOfClient.add(nameOf(warning));
      found.push(warning);
    });
    found.push(...waysWarnings(policy, prefix, warningsOf));
  }
  return found;
}

/** What is wrong with the subsets and routes of a service, and not with the service as a whole. */
function waysWarnings(
  service: NormalizedService,
  path: string,
  warningsOf: Warnings,
): PolicyWarning[] {
  const prefix = path === '' ? '' : `${path}.`;
  const ofService = new Set(warningsOf(service, '').map(({ message }) => message));
  const own = (policy: WarnedPolicy, place: string): PolicyWarning[] => {
    const warnings = warningsOf(policy, `${prefix}${place}`);
    const bare = warningsOf(policy, '');
    return warnings.filter((_, index) => !ofService.has(bare[index]?.message ?? ''));
  };
  return [
    ...routeWarnings(service).map(({ code, option, sentence }) => ({
      code,
      option,
      message: `${prefix}${option}: ${sentence}`,
    })),
    ...[...service.subsets].flatMap(([name, subset]) => own(subset, pathOf('subsets', name))),
    ...service.routes.flatMap(({ overrides }, index) =>
      overrides === undefined ? [] : own(overrides.apply(service), `routes[${index}]`),
    ),
  ];
}

/** One cause: figures may differ with the number of endpoints. */
function nameOf({ code, option }: PolicyWarning): string {
  return `${code} ${option}`;
}
