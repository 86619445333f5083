/** A server that sends bytes as a script has them, whether they are HTTP or not, and writes down what it was asked. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/** How one request is answered, in bytes. */
export interface RawAnswer {
  /** Written one after another, each in a turn of its own. */
  readonly pieces: readonly Buffer[];
  /** What becomes of the connection then; 'keep' is for answers that are complete. */
  readonly end: 'keep' | 'close' | 'reset';
}

export interface RawAsked {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly whole: boolean;
}

/** Milliseconds without a byte after which a body that should go on is taken for all there is. */
const BODY_IDLE = 250;
/** Milliseconds after which what was written has surely been read: a reset takes it away. */
const BEFORE_RESET = 15;

interface Request {
  readonly line: string;
  readonly headers: [string, string][];
  body: Buffer;
}

export class RawServer implements AsyncDisposable {
  readonly asked: RawAsked[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #answers: (line: string) => RawAnswer;

  private constructor(answers: (line: string) => RawAnswer) {
    this.#answers = answers;
  }

  static async open(answers: (line: string) => RawAnswer): Promise<RawServer> {
    const server = new RawServer(answers);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    let rest = Buffer.alloc(0);
    let idle: NodeJS.Timeout | undefined;
    let isAnswering = false;
    const take = (isOver: boolean): void => {
      clearTimeout(idle);
      if (isAnswering) return;
      const request = headOf(rest);
      if (request === undefined) return;
      const body = bodyOf(request, isOver);
      if (body === undefined) {
        idle = setTimeout(() => take(true), BODY_IDLE);
        return;
      }
      rest = Buffer.from(body.rest);
      const { line, headers } = request;
      this.asked.push({ line, headers, body: body.text, whole: body.whole });
      isAnswering = true;
      void this.#answer(socket, this.#answers(line)).then(() => {
        isAnswering = false;
        if (rest.length > 0) take(false);
      });
    };
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      take(false);
    });
    socket.on('end', () => {
      if (!isAnswering) take(true);
      socket.end();
    });
  }

  async #answer(socket: Socket, { pieces, end }: RawAnswer): Promise<void> {
    for (const piece of pieces) {
      socket.write(piece);
      await turn();
    }
    if (end === 'close') {
      socket.end();
    } else if (end === 'reset') {
      await sleep(BEFORE_RESET);
      socket.resetAndDestroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** The head of the request, with all that follows as its body; undefined while it is not whole. */
function headOf(bytes: Buffer): Request | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [line = '', ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).replace(/^ /, '')];
  });
  return { line, headers, body: bytes.subarray(end + 4) };
}

interface Body {
  readonly text: string;
  readonly whole: boolean;
  readonly rest: Buffer;
}

/** Undefined while there is more to come. */
function bodyOf({ headers, body }: Request, isOver: boolean): Body | undefined {
  const value = (wanted: string): string | undefined =>
    headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  if (value('transfer-encoding') === 'chunked') return chunksOf(body, isOver);
  const length = Number(value('content-length') ?? 0);
  if (body.length >= length) {
    return { text: body.toString('latin1', 0, length), whole: true, rest: body.subarray(length) };
  }
  return isOver ? cutOff(body) : undefined;
}

function chunksOf(body: Buffer, isOver: boolean): Body | undefined {
  const pieces: string[] = [];
  for (let at = 0; ;) {
    const end = body.indexOf('\r\n', at);
    const size = end === -1 ? NaN : parseInt(body.toString('latin1', at, end), 16);
    const next = end + 2 + size + 2;
    if (Number.isNaN(size) || body.length < next) return isOver ? cutOff(body) : undefined;
    if (size === 0) return { text: pieces.join(''), whole: true, rest: body.subarray(next) };
    pieces.push(body.toString('latin1', end + 2, end + 2 + size));
    at = next;
  }
}

/** How much of a body has arrived when it is cut off is a matter of chance. */
function cutOff(body: Buffer): Body {
  return { text: '', whole: false, rest: body.subarray(body.length) };
}
