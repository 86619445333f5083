/**
 * A backend that behaves like the chapter's `fake-service` (nicholasjackson/fake-service): it calls who is behind it,
 * takes the time it is told to take, fails as often as it is told to fail, and answers JSON that says who it is.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { seededRandom } from '../../testing/index.js';
import { answerTo } from './answer.js';
import type { Behaviour, FakeServiceOptions } from './options.js';
import { type Plan, planAnswer } from './plan.js';
import { type UpstreamResult, type Upstreams, upstreamsOf } from './upstreams.js';

export interface FakeService {
  readonly name: string;
  readonly port: number;
  /** How many requests have arrived since it was started, or since the count was reset. */
  readonly received: number;
  /** How many connections to it are open. */
  readonly connections: number;
  resetCount(): void;
  /** From the next request on; what is not mentioned stays as it is. */
  change(behaviour: Behaviour): void;
  /** Cuts every connection; further ones are refused. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts one on a free port of the loopback interface.
 * @throws whatever the system says when it cannot listen.
 */
export async function startFakeService(options: FakeServiceOptions): Promise<FakeService> {
  const random = seededRandom(options.seed ?? 1);
  const upstreams = upstreamsOf(options);
  let current = options;
  let received = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    received += 1;
    serve(current, planAnswer(current, random), upstreams, request, response);
  });
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => (connections -= 1));
  });
  // A connection that idles between two calls must not be closed under the client.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    name: options.name,
    port: (server.address() as AddressInfo).port,
    get received() {
      return received;
    },
    get connections() {
      return connections;
    },
    resetCount() {
      received = 0;
    },
    change(behaviour) {
      current = { ...current, ...behaviour };
    },
    async stop() {
      await upstreams?.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function serve(
  options: FakeServiceOptions,
  plan: Plan,
  upstreams: Upstreams | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const start = new Date();
  const arrived = performance.now();
  const uri = request.url ?? '/';
  let timer: NodeJS.Timeout | undefined;
  response.once('close', () => clearTimeout(timer));

  /** As in fake-service, the time that upstreams took is part of the backend's own. */
  const answer = (called: UpstreamResult): void => {
    // The caller has left in the meantime.
    if (response.destroyed) return;
    const elapsed = performance.now() - arrived;
    if (elapsed < plan.delay) {
      // Node's timers may fire up to a millisecond early; an answer never comes early here.
      timer = setTimeout(answer, Math.ceil(plan.delay - elapsed), called);
      return;
    }
    if (plan.reset === true) {
      request.socket.resetAndDestroy();
      return;
    }
    const { calls, failed } = called;
    const ended = failed === undefined ? plan : { ...plan, code: failed, error: UPSTREAM_FAILED };
    response.writeHead(ended.code, { 'content-type': 'application/json' });
    response.end(answerTo(uri, options, ended, { start, end: new Date(), elapsed }, calls));
  };

  request.resume();
  if (plan.reset === true) request.once('end', () => answer({ calls: {} }));
  else if (upstreams === undefined || plan.error !== undefined) answer({ calls: {} });
  else void upstreams.call().then(answer);
}

/** Where fake-service answers 500, the upstream's own status is passed on, as by a gateway. */
const UPSTREAM_FAILED = 'An upstream failed';
