/** The page on TLS against the code: its recipe is run, and what it says of sizes and names is so. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { certificateAuthority } from '../support/certificates.js';
import { clientFor } from '../support/client.js';
import { fleetOf } from '../support/fleet.js';
import { followCertificate } from './documented/follow-certificate.js';

test('the page shows the recipe as it is run', () => {
  const page = readFileSync(new URL('../../docs/tls.md', import.meta.url), 'utf8');
  const program = readFileSync(
    new URL('./documented/follow-certificate.ts', import.meta.url),
    'utf8',
  ).replace("'../../../src/index.js'", "'outrigger'");
  expect(page).toContain(`\`\`\`ts\n${program.trim()}\n\`\`\``);
});

test('a certificate that is replaced in its folder is shown from then on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const ca = await certificateAuthority();
  const [first, second] = [
    await ca.issue({ names: ['web-1'] }),
    await ca.issue({ names: ['web-2'] }),
  ];
  const replace = async (name: string, text: string): Promise<void> => {
    await writeFile(join(folder, `.${name}`), text);
    await rename(join(folder, `.${name}`), join(folder, name));
  };
  const fleet = await fleetOf({
    endpoints: 1,
    tls: { ...(await ca.issue({ names: ['shop.test'] })), ca: ca.cert, requestCert: true },
  });
  const client = clientFor({
    service: 'https://shop.test',
    endpoints: fleet.endpoints,
    tls: { ca: ca.cert, ...first },
  });
  const warned = vi.spyOn(console, 'warn').mockReturnValue();
  const watcher = followCertificate(client, folder);
  onTestFinished(() => watcher.close());

  const shown = async (): Promise<string | undefined> => {
    await (await client.fetch('/')).text();
    return fleet.server(0).requests.at(-1)?.tls?.clientName;
  };
  await replace('ca.crt', ca.cert);
  await replace('tls.crt', second.cert);
  await replace('tls.key', first.key);
  await expect.poll(() => warned.mock.calls.flat().join()).toContain('tls.key: found a key of');
  expect(await shown()).toBe('web-1');
  await replace('tls.key', second.key);
  await expect.poll(shown, { timeout: 5000 }).toBe('web-2');
});
