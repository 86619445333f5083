/** A small server of names on loopback, whose answers can be changed while it runs. */
import { createSocket } from 'node:dgram';
import * as packet from 'dns-packet';

export interface DnsServer {
  /** For the option `servers` of `dns()`. */
  readonly address: string;
  /** Names that were asked for, with the type: `A shop.test`. */
  readonly questions: string[];
  /** The records of now; a name without any is none. */
  records: readonly packet.Answer[];
  /** In place of an answer: a code, or silence. */
  trouble: 'SERVFAIL' | 'silence' | undefined;
  stop(): Promise<void>;
}

/** The codes of answers, which stand in the last four bits of their flags. */
const CODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;

/**
 * Starts one on a free UDP port of 127.0.0.1.
 * @throws whatever the system says when there is none
 */
export async function startDnsServer(...records: packet.Answer[]): Promise<DnsServer> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    questions: [],
    records,
    trouble: undefined,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  };
  socket.on('message', (message, { port, address }) => {
    const asked = decoded(message);
    const [question] = asked?.questions ?? [];
    if (question === undefined) return;
    server.questions.push(`${question.type} ${question.name}`);
    if (server.trouble === 'silence') return;
    socket.send(answerTo(question, asked?.id ?? 0, server), port, address);
  });
  return server;
}

/** Undefined for what is no question of DNS. */
function decoded(message: Buffer): packet.DecodedPacket | undefined {
  try {
    return packet.decode(message);
  } catch {
    return undefined;
  }
}

function answerTo(
  question: packet.Question,
  id: number,
  { records, trouble }: Pick<DnsServer, 'records' | 'trouble'>,
): Buffer {
  const ofName = records.filter(({ name }) => name === question.name);
  const code = trouble ?? (ofName.length === 0 ? 'NXDOMAIN' : 'NOERROR');
  return packet.encode({
    type: 'response',
    id,
    flags:
      packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | CODES[code as keyof typeof CODES],
    questions: [question],
    answers: code === 'NOERROR' ? ofName.filter(({ type }) => type === question.type) : [],
  });
}

/** TTLs are in seconds. */
export function a(name: string, data: string, ttl = 60): packet.Answer {
  return { type: 'A', name, data, ttl };
}

export function srv(
  name: string,
  target: string,
  port: number,
  { priority = 0, weight = 0, ttl = 60 } = {},
): packet.Answer {
  return { type: 'SRV', name, ttl, data: { target, port, priority, weight } };
}
