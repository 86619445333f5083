/** Two backends, one of them in trouble, behind a balancer that knows nothing of health: what an application has before. */
import { request as httpRequest } from 'node:http';
import { pipeline } from 'node:stream';
import { listen, json } from './loopback.mjs';
import { overloaded } from './fleet.mjs';
import { nobody } from './loopback.mjs';
import { atTheEnd } from './ways.mjs';

/** Answers `served`, the number of the request. */
function backend(server) {
  return (request, response, body) => {
    const served = server().seen.length;
    if (request.url === '/chart') {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('north\n'.repeat(20_000));
    } else {
      json(response, { served, path: request.url, sent: body.toString() });
    }
  };
}

/**
 * `url` is the balancer's, which the application knows; `config` what `OUTRIGGER_CONFIG` says: the same service, its
 * backends by their addresses. `trouble`: 'refused' or '503'.
 */
export async function balancedFleet(trouble) {
  const good = await listen(backend(() => good));
  atTheEnd(good.close);
  const troubled = trouble === 'refused' ? await nobody() : await overloaded();
  const balancer = await listen(inTurn([troubled, good.url]));
  atTheEnd(balancer.close);
  const service = {
    endpoints: [{ url: troubled }, { url: good.url }],
    loadBalancer: 'round-robin',
  };
  return {
    url: balancer.url,
    good,
    balancer,
    config: JSON.stringify({ services: { [balancer.url]: service } }),
  };
}

function inTurn(backends) {
  let turn = 0;
  return ({ method, url, headers }, response, body) => {
    const to = backends[turn++ % backends.length];
    const outgoing = httpRequest(`${to}${url}`, { method, headers }, (incoming) => {
      response.writeHead(incoming.statusCode, incoming.headers);
      pipeline(incoming, response, () => {});
    });
    outgoing.on('error', () => json(response, { error: 'bad gateway' }, { status: 502 }));
    outgoing.end(body);
  };
}
