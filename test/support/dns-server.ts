/** A server of names on loopback that answers as the test says. */
import { createSocket } from 'node:dgram';
import * as packet from 'dns-packet';
import { onTestFinished } from 'vitest';

export interface DnsServer {
  /** For the option `servers`. */
  readonly address: string;
  /** Names that were asked for, with the type: `A shop.test`. */
  readonly questions: string[];
  /** The records of now; a name without any is none. */
  records: readonly packet.Answer[];
  /** In place of an answer: a code such as SERVFAIL, or silence. */
  trouble: 'SERVFAIL' | 'silence' | undefined;
}

export async function dnsServer(...records: packet.Answer[]): Promise<DnsServer> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => socket.close(() => resolve())));
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    questions: [],
    records,
    trouble: undefined,
  };
  socket.on('message', (message, { port, address }) => {
    const { id = 0, questions = [] } = packet.decode(message);
    const [question] = questions;
    if (question === undefined) return;
    server.questions.push(`${question.type} ${question.name}`);
    if (server.trouble === 'silence') return;
    const ofName = server.records.filter(({ name }) => name === question.name);
    const answers = ofName.filter(({ type }) => type === question.type);
    // The code of the answer stands in the last four bits of the flags.
    const code = server.trouble === 'SERVFAIL' ? 2 : ofName.length === 0 ? 3 : 0;
    const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | code;
    const reply = { type: 'response' as const, id, flags, questions };
    socket.send(packet.encode({ ...reply, answers: code === 0 ? answers : [] }), port, address);
  });
  return server;
}

export function a(name: string, data: string, ttl = 60): packet.Answer {
  return { type: 'A', name, data, ttl };
}

export function aaaa(name: string, data: string, ttl = 60): packet.Answer {
  return { type: 'AAAA', name, data, ttl };
}

export function srv(
  name: string,
  target: string,
  port: number,
  { priority = 0, weight = 0 } = {},
): packet.Answer {
  return { type: 'SRV', name, ttl: 60, data: { target, port, priority, weight } };
}
