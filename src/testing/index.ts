/** The public surface of `outrigger/testing`: time that is told, chance that repeats, servers that fail on request. */
export {
  virtualRuntime,
  type VirtualRuntime,
  type VirtualRuntimeOptions,
} from './virtual-runtime.js';
export { seededRandom } from './seeded-random.js';
export {
  loopbackFleet,
  type LoopbackFleet,
  type LoopbackFleetOptions,
  type LoopbackServerOptions,
} from './fleet/loopback-fleet.js';
export type { LoopbackEndpoint, LoopbackServer } from './fleet/server.js';
export {
  hold,
  type Answer,
  type AnswerBody,
  type Bytes,
  type EarlyStep,
  type Ending,
  type HeaderFields,
  type Hold,
  type LaterStep,
  type Plan,
  type PlanFunction,
  type RawBytes,
  type Step,
  type Wait,
} from './fleet/plan.js';
export type { ReceivedRequest, ReceivedTls } from './fleet/request-record.js';
