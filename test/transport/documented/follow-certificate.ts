import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResilientClient } from '../../../src/index.js';

/** Makes the client show the certificate that lies in the folder, and the next one as soon as it is there. */
export function followCertificate(client: ResilientClient, folder: string): FSWatcher {
  let timer: NodeJS.Timeout | undefined;

  async function reload(): Promise<void> {
    try {
      const files = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => readFile(join(folder, name)));
      const [cert, key, ca] = await Promise.all(files);
      client.update({ tls: { cert, key, ca } });
    } catch (error) {
      // Half of a pair, or a file that is not there yet: the old certificate holds until the next event.
      console.warn(`certificates in ${folder} are not used: ${String(error)}`);
    }
  }

  // The folder, not the files: they are replaced, and in Kubernetes they are links into a folder that is.
  return watch(folder, () => {
    clearTimeout(timer);
    timer = setTimeout(() => void reload(), 100);
  }).unref();
}
