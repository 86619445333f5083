/** Carries one step out. */
import type { ServerResponse } from 'node:http';
import { breakOff, sendAnswer } from './answer.js';
import type { Connection } from './connection.js';
import type { Step } from './plan.js';
import type { ReceivedRequest } from './request-record.js';

const GARBAGE_LENGTH = 256;

/** One request and the answer that is due to it. */
export interface Exchange {
  readonly request: ReceivedRequest;
  readonly response: ServerResponse;
  readonly connection: Connection;
  readonly random: () => number;
}

/** Resolves true when a whole answer was handed to the system, false when there was none. */
export async function perform(step: Step, exchange: Exchange): Promise<boolean> {
  const { request, response, connection } = exchange;
  if (typeof step === 'number') {
    return sendAnswer({ status: step, headers: TEXT, body: request.server }, response, connection);
  }
  if (typeof step === 'object') {
    if ('wait' in step) return (await connection.wait(step.wait)) && perform(step.step, exchange);
    if ('early' in step) return perform(step.early, exchange);
    if (!('raw' in step)) return sendAnswer(step, response, connection);
    await connection.write(step.raw);
    await breakOff(step.end ?? 'close', connection);
    return false;
  }
  if (step === 'echo') {
    return sendAnswer({ headers: JSON_TEXT, body: echoOf(request) }, response, connection);
  }
  if (step === 'garbage') return perform({ raw: garbage(exchange.random) }, exchange);
  await breakOff(step, connection);
  return false;
}

const TEXT = { 'content-type': 'text/plain' };
const JSON_TEXT = { 'content-type': 'application/json' };

function echoOf(request: ReceivedRequest): string {
  const { server, method, path, httpVersion, rawHeaders, body } = request;
  return JSON.stringify({
    server,
    method,
    path,
    httpVersion,
    headers: rawHeaders,
    body: body.toString(),
  });
}

/** Begins with a byte that no answer begins with. */
function garbage(random: () => number): Uint8Array {
  return Uint8Array.from({ length: GARBAGE_LENGTH }, (_, i) =>
    i === 0 ? 0 : Math.floor(random() * 256),
  );
}
