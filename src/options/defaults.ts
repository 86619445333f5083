/** The one table of defaults: every option by its path; undefined where there is none. */
import { systemRuntime } from '../core/runtime.js';

/**
 * A path with `[]` stands for each entry of a list. The options of a service inside `services` are those of the
 * same names here. `docs/options.md` is tested against this table.
 */
export const defaults = {
  service: undefined,
  name: undefined,
  endpoints: undefined,
  'endpoints[].url': undefined,
  'endpoints[].weight': 1,
  'endpoints[].locality': '',
  loadBalancer: 'least-request',
  'loadBalancer.policy': undefined,
  'loadBalancer.choiceCount': 2,
  'loadBalancer.activeRequestBias': 1,
  'loadBalancer.fullScan': false,
  'loadBalancer.decayTime': '10s',
  timeout: 0,
  tls: undefined,
  'tls.ca': undefined,
  'tls.cert': undefined,
  'tls.key': undefined,
  'tls.passphrase': undefined,
  'tls.servername': undefined,
  'tls.alpn': ['http/1.1'],
  'tls.rejectUnauthorized': undefined,
  'tls.minVersion': undefined,
  'tls.maxVersion': undefined,
  'tls.ciphers': undefined,
  services: undefined,
  otherOrigins: 'refuse',
  localReplies: 'throw',
  middleware: [],
  layers: undefined,
  'layers.call': [],
  'layers.attempt': [],
  around: undefined,
  runtime: systemRuntime,
} as const;
