/** The command as `build-once.ts` has built it. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inject } from 'vitest';

const dist = join(inject('commandFolder'), 'dist');

export const cli = join(dist, 'cli.js');
/** The compiled `fleet-process`. */
export const fleetEntry = pathToFileURL(join(dist, 'lab/fleet-process.js'));
