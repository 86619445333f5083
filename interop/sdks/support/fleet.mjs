/** Two endpoints of a service, the first of them in trouble. */
import { listen, nobody } from './loopback.mjs';
import { atTheEnd } from './ways.mjs';

const SERVICE = 'http://fleet.test';

/** `trouble`: 'refused' or '503'. */
export async function fleetOf(trouble, good) {
  const troubled = trouble === 'refused' ? await nobody() : await overloaded();
  return {
    url: SERVICE,
    troubled,
    options: {
      service: SERVICE,
      endpoints: [{ url: troubled }, { url: good.url }],
      loadBalancer: 'round-robin',
    },
  };
}

export async function overloaded() {
  const server = await listen((_request, response) => {
    response.writeHead(503, { 'content-type': 'text/plain' });
    response.end('overloaded');
  });
  atTheEnd(server.close);
  return server.url;
}
