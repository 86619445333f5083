import { createResilientClient, custom, type ResilientClient } from '../../../src/index.js';

/** A registry that answers with the addresses of today, `["http://10.0.0.1:8080", …]`, as soon as they change. */
export function followRegistry(registry: string): ResilientClient {
  return createResilientClient({
    service: 'http://simple-backend',
    endpoints: custom(
      async function* (signal) {
        let version = '';
        for (;;) {
          const answer = await fetch(`${registry}?after=${version}`, { signal });
          if (!answer.ok) throw new Error(`the registry answers ${answer.status}`);
          version = answer.headers.get('etag') ?? '';
          yield (await answer.json()) as string[];
        }
      },
      { name: 'registry' },
    ),
  });
}
