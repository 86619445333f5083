/** Clients that know nothing of Outrigger: `node:http`, and bytes on a socket. */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import {
  loopbackFleet,
  type LoopbackFleet,
  type LoopbackFleetOptions,
  type LoopbackServer,
  type Plan,
} from '../../../src/testing/index.js';

export async function fleetOf(options: LoopbackFleetOptions): Promise<LoopbackFleet> {
  const fleet = await loopbackFleet(options);
  onTestFinished(() => fleet.close());
  return fleet;
}

export async function serverOf(plan: Plan): Promise<LoopbackServer> {
  return (await fleetOf({ endpoints: 1, plan })).server(0);
}

/** What a client of `node:http` saw. */
export interface Outcome {
  readonly status: number | undefined;
  /** Names and values in turn, as on the wire. */
  readonly headers: readonly string[];
  readonly body: string;
  /** Statuses of the heads that came before. */
  readonly information: readonly number[];
  /** The error's code, whether it came before the head or in the body. */
  readonly error: string | undefined;
}

export interface Question extends Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername'> {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly agent?: Agent;
}

export async function ask(url: string, question: Question = {}): Promise<Outcome> {
  const { body, path = '/', agent = freshAgent(url), ...rest } = question;
  const address = url.startsWith('unix:') ? { socketPath: url.slice(5) } : addressOf(url);
  const send = url.startsWith('https:') ? tlsRequest : request;
  const outgoing = send({ ...address, path, agent, ...rest });
  const information: number[] = [];
  outgoing.on('information', ({ statusCode }) => information.push(statusCode));
  // An error after the head comes here too, beside the one in the body.
  outgoing.on('error', () => {});
  outgoing.end(body);
  const nothing = { status: undefined, headers: [], body: '', information };
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const { statusCode: status, rawHeaders: headers } = response;
    const read = await readAll(response);
    return { status, headers, information, ...read };
  } catch (error) {
    return { ...nothing, error: codeOf(error) };
  }
}

async function readAll(response: IncomingMessage): Promise<Pick<Outcome, 'body' | 'error'>> {
  let body = '';
  response.setEncoding('utf8');
  try {
    for await (const piece of response) body += piece as string;
    return { body, error: undefined };
  } catch (error) {
    return { body, error: codeOf(error) };
  }
}

/** One connection for each question; it is not kept. */
function freshAgent(url: string): Agent {
  return url.startsWith('https:') ? new TlsAgent() : new Agent();
}

/** An agent that keeps one connection until the test is over. */
export function keepingAgent(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return agent;
}

/** A connection on which nothing is sent by itself. */
export async function dial(url: string): Promise<Socket> {
  const socket = connect(addressOf(url));
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** What came over a connection until its end, and how that was. */
export interface Heard {
  readonly text: string;
  readonly end: 'close' | 'reset';
}

/** Listens until the connection ends. */
export async function hear(socket: Socket): Promise<Heard> {
  let text = '';
  let end: Heard['end'] = 'close';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  socket.on('error', (error) => {
    if (codeOf(error) === 'ECONNRESET') end = 'reset';
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return { text, end };
}

/** Sends a request as text and listens until the connection ends. */
export async function talk(url: string, text = get('/')): Promise<Heard> {
  const socket = await dial(url);
  const heard = hear(socket);
  socket.write(text);
  return heard;
}

export function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`;
}

export function addressOf(url: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port) };
}

export function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}
