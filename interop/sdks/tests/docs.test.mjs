/** The snippets of docs/sdks.md, run as they stand: their service is on the loopback. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createResilientClient } from 'outrigger';
import { json, listen } from '../support/loopback.mjs';
import { test } from '../support/suite.mjs';
import { atTheEnd } from '../support/ways.mjs';

const page = readFileSync(new URL('../../../docs/sdks.md', import.meta.url), 'utf8');
/** Within `node_modules`, so that their imports are found and nobody else finds them. */
const folder = new URL('../node_modules/.snippets/', import.meta.url);

const snippets = [...page.matchAll(/^```js (\S+)\n([^]*?)^```$/gm)];
const ORIGINS = [...['openai', 'anthropic', 'github', 'stripe'].map((name) => `api.${name}.com`)];

for (const key of ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GITHUB_TOKEN', 'STRIPE_KEY']) {
  process.env[key] = 'key';
}

const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'Aye' } }] })}\n\n`;

/** Something for everybody. */
function answer(request, response) {
  if (/events|completions/.test(request.url)) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(event);
  } else {
    const result = { data: { order: { state: 'paid' } } };
    json(response, request.url.startsWith('/trpc') ? [{ result }] : result);
  }
}

test('docs/sdks.md has a snippet for each', () => assert.equal(snippets.length, 15));

for (const [, name, code] of snippets) {
  test(`docs/sdks.md: ${name}`, async () => {
    const server = await listen(answer);
    atTheEnd(server.close);
    const service = { endpoints: [{ url: server.url }] };
    const origins = ['api.example.com', ...ORIGINS].map((host) => [`https://${host}`, service]);
    const client = createResilientClient({ services: Object.fromEntries(origins) });
    atTheEnd(() => client.destroy());
    globalThis.clientOfSnippets = client;
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      new URL('client.js', folder),
      'export const client = globalThis.clientOfSnippets;',
    );
    const own = code
      .replace('./client.js', `./client.js?${name}`)
      .replaceAll('console.log(', 'globalThis.printed.push(');
    const file = new URL(`${name}.mjs`, folder);
    writeFileSync(file, own);
    globalThis.printed = [];
    const { client: made, explainedFetch } = await import(file.href);
    if (made !== undefined) return made.destroy();
    if (explainedFetch !== undefined) await explainedFetch('https://api.example.com/orders/42');
    assert.notEqual(server.seen.length, 0);
    if (code.includes('console.log(') && explainedFetch === undefined) {
      assert.notEqual(globalThis.printed[0], undefined);
    }
  });
}
