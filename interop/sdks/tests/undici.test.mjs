/** undici 7 over client.dispatcher. */
import * as undici from 'undici';
import { undiciSuite } from '../support/undici-suite.mjs';

undiciSuite('undici 7', undici);
