/** undici 8 over client.dispatcher, where Node is new enough for it. */
import { undiciSuite } from '../support/undici-suite.mjs';

if (Number.parseInt(process.versions.node, 10) >= 22) {
  undiciSuite('undici 8', await import('undici-8'));
}
