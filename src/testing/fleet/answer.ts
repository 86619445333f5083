/** Sends an answer as the plan describes it. */
import type { ServerResponse } from 'node:http';
import type { Connection } from './connection.js';
import type { Answer, AnswerBody, Bytes, Ending, HeaderFields } from './plan.js';

const PIECE = 64 * 1024;

/** Resolves true when the whole answer was handed to the system. */
export async function sendAnswer(
  answer: Answer,
  response: ServerResponse,
  connection: Connection,
): Promise<boolean> {
  for (const { status, headers = {} } of answer.information ?? []) {
    await connection.write(informationHead(status, headers));
  }
  if (!(await connection.wait(answer.delay ?? 0))) return false;
  const body = answer.body ?? '';
  writeHead(answer, body, response);
  const whole = isBytes(body) && answer.cut === undefined && answer.bodyDelay === undefined;
  const sent = whole || (await sendPieces(answer, body, response, connection));
  if (!sent) return false;
  const finished = await connection.until((done) => {
    if (whole) response.end(body, done);
    else response.end(done);
    return undefined;
  });
  if (finished && answer.after !== undefined) await breakOff(answer.after, connection);
  return finished;
}

/** How an exchange ends that has no whole answer. A silence lasts until the connection is gone. */
export async function breakOff(ending: Ending, connection: Connection): Promise<void> {
  if (ending === 'silence') await connection.gone();
  else if (ending === 'close') connection.close();
  // What was written before must have left: a reset throws away what is still to be sent.
  else if (await connection.write('')) connection.reset();
}

function writeHead(answer: Answer, body: AnswerBody, response: ServerResponse): void {
  const { status = 200, statusText } = answer;
  const fields = flat(answer.headers ?? {});
  const names = fields.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const framed = names.includes('content-length') || names.includes('transfer-encoding');
  const length = lengthOf(body);
  const { framing = length === undefined ? 'chunked' : 'content-length' } = answer;
  if (!framed && framing === 'content-length' && status !== 204 && status !== 304) {
    fields.push('content-length', String(length));
  }
  if (framing === 'until-close') {
    if (!names.includes('connection')) fields.push('connection', 'close');
    // So told, it does not choose chunks of its own accord.
    response.removeHeader('transfer-encoding');
  }
  response.sendDate = false;
  if (statusText === undefined) response.writeHead(status, fields);
  else response.writeHead(status, statusText, fields);
}

/** Sends the body piece by piece, as fast as the client reads; false when it was not sent wholly. */
async function sendPieces(
  answer: Answer,
  body: AnswerBody,
  response: ServerResponse,
  connection: Connection,
): Promise<boolean> {
  response.flushHeaders();
  if (!(await connection.wait(answer.bodyDelay ?? 0))) return false;
  let left = answer.cut?.at ?? Infinity;
  const pause = pauseOf(body);
  let first = true;
  if (left > 0) {
    for await (const piece of piecesOf(body)) {
      if (!first && !(await connection.wait(pause))) return false;
      first = false;
      const bytes = Buffer.from(piece as Uint8Array).subarray(0, left);
      left -= bytes.length;
      if (!(await writePiece(bytes, response, connection))) return false;
      if (left === 0) break;
    }
  }
  if (answer.cut === undefined) return true;
  await breakOff(answer.cut.by, connection);
  return false;
}

/** Waits until the system has taken the piece: what the client does not read holds up the next one. */
function writePiece(
  bytes: Uint8Array,
  response: ServerResponse,
  connection: Connection,
): Promise<boolean> {
  if (bytes.length === 0) return connection.wait(0);
  return connection.until((done) => {
    response.write(bytes, (error) => {
      if (error == null) done();
    });
    return undefined;
  });
}

function isBytes(body: AnswerBody): body is Bytes {
  return typeof body === 'string' || body instanceof Uint8Array;
}

/** Undefined when it is not known before the body has been made. */
function lengthOf(body: AnswerBody): number | undefined {
  if (isBytes(body)) return Buffer.byteLength(body);
  return typeof body === 'object' && 'size' in body ? body.size : undefined;
}

function pauseOf(body: AnswerBody): number {
  return typeof body === 'object' && 'pieces' in body ? (body.pause ?? 0) : 0;
}

function piecesOf(body: AnswerBody): Iterable<Bytes> | AsyncIterable<Bytes> {
  if (isBytes(body)) return [body];
  if (typeof body === 'function') return body();
  return 'size' in body ? filling(body.size) : body.pieces;
}

function* filling(size: number): Generator<Uint8Array> {
  const piece = Buffer.alloc(Math.min(size, PIECE), 'outrigger ');
  for (let left = size; left > 0; left -= piece.length) yield piece.subarray(0, left);
}

function informationHead(status: number, headers: HeaderFields): string {
  const fields = flat(headers);
  let head = `HTTP/1.1 ${status} Information\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}\r\n`;
}

/** Names and values in turn, as `writeHead` keeps their order and spelling. */
function flat(headers: HeaderFields): string[] {
  if (isPairs(headers)) return headers.flat();
  return Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [name, value] : value.flatMap((one) => [name, one]),
  );
}

function isPairs(headers: HeaderFields): headers is readonly (readonly [string, string])[] {
  return Array.isArray(headers);
}
