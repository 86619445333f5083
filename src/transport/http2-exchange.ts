/** One attempt as a stream of an HTTP/2 session: the listener that reports to the driver. */
import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Attempt, Exchange } from '../core/attempt.js';
import * as drive from '../core/drive.js';
import { failure, type Failure } from '../core/failure.js';
import { headerValue } from '../core/raw-headers.js';
import { writeBody } from './http2-body.js';
import { promisedLength, requestHeaders, type Content } from './http2-headers.js';

/** The session that an exchange shares with others. */
export interface SharedSession {
  /** While it takes streams. */
  readonly openSession: ClientHttp2Session | undefined;
  /** It is over, and with it all streams. */
  readonly isCut: boolean;
  /** The last stream that the server has taken, as far as it has said so. */
  readonly lastTaken: number;
  /** The exchange is over, in whatever way. */
  over(exchange: Http2Exchange): void;
  /** The session was closed before anything of the attempt was sent: another connection shall have it. */
  passOn(exchange: Http2Exchange, attempt: Attempt): void;
  /** The server has reset the stream. */
  countReset(): void;
  /** So many times something of an answer has come. */
  reads: number;
  /** An exchange was given up, and nothing has come since it began: is anybody there? */
  doubt(): void;
}

export class Http2Exchange implements Exchange {
  readonly #attempt: Attempt;
  readonly #shared: SharedSession;
  #stream: ClientHttp2Stream | undefined = undefined;
  /** Ends a stream whose body has not been written. */
  #writing: AbortController | undefined = undefined;
  #hasHead = false;
  #over = false;
  /** Bytes of the body so far, and how many there should be. */
  #received = 0;
  #announced = -1;
  #trailers: string[] = [];
  /** What the session had read when it began. */
  #readsBefore = 0;

  constructor(attempt: Attempt, shared: SharedSession) {
    this.#attempt = attempt;
    this.#shared = shared;
  }

  begin(origin: string): void {
    const attempt = this.#attempt;
    const { openSession: session } = this.#shared;
    if (session === undefined) {
      this.#over = true;
      this.#shared.passOn(this, attempt);
      return;
    }
    const content =
      attempt.body === undefined ? (attempt.call.body as Content | null) : attempt.body.content;
    drive.connected(attempt);
    // A hook may have ended it.
    if (this.#over) return;
    try {
      const headers = requestHeaders(attempt, content, origin);
      if (content !== null) this.#writing = new AbortController();
      const stream = session.request(headers, {
        endStream: content === null,
        signal: this.#writing?.signal,
      });
      this.#stream = stream;
      this.#readsBefore = this.#shared.reads;
      this.#listen(stream);
      if (content !== null) this.#write(stream, content, promisedLength(headers));
    } catch (error) {
      this.#fail(failure('unsendable', undefined, error, false));
    }
  }

  cancel(): void {
    if (this.#over) return;
    const isUnheard = this.#stream !== undefined && this.#shared.reads === this.#readsBefore;
    this.#settle();
    if (isUnheard) this.#shared.doubt();
  }

  pause(): void {
    if (!this.#over) this.#stream?.pause();
  }

  resume(): void {
    if (!this.#over) this.#stream?.resume();
  }

  #listen(stream: ClientHttp2Stream): void {
    // Node hands the list over as it came, which its types do not know.
    stream.on('response', (_headers, _flags, ...[raw]: unknown[]) => {
      // The body may come sooner than the head that came before it, to those who listen.
      stream.on('data', (chunk: Buffer) => this.#data(stream, chunk));
      this.#head(raw as string[]);
    });
    stream.on('trailers', (_trailers, _flags, ...[raw]: unknown[]) => {
      this.#trailers = raw as string[];
    });
    stream.on('end', () => this.#end(stream));
    stream.on('frameError', (type: number, code: number) => this.#notWritten(type, code));
    stream.on('error', (error: Error) => this.#broke(stream, error));
    stream.on('close', () => this.#broke(stream, new Error('the stream was closed')));
  }

  #head(raw: string[]): void {
    this.#shared.reads += 1;
    if (this.#over) return;
    const at = raw.indexOf(':status');
    const status = Number(raw[at + 1]);
    const headers = raw.toSpliced(at, 2);
    this.#hasHead = true;
    const isBodiless = this.#attempt.call.method === 'HEAD' || status === 204 || status === 304;
    const length = isBodiless ? undefined : headerValue(headers, 'content-length');
    if (length !== undefined) this.#announced = Number(length);
    drive.head(this.#attempt, status, '', headers);
  }

  #data(stream: ClientHttp2Stream, chunk: Buffer): void {
    this.#received += chunk.length;
    this.#shared.reads += 1;
    if (!this.#over && !drive.data(this.#attempt, chunk)) stream.pause();
  }

  /** A reset with the code of a cancellation, or with none, looks like an end: the bytes tell. */
  #end(stream: ClientHttp2Stream): void {
    if (this.#over) return;
    const isCut = this.#announced !== -1 && this.#received !== this.#announced;
    if (!this.#hasHead || stream.rstCode !== constants.NGHTTP2_NO_ERROR || isCut) {
      const where = this.#hasHead ? 'in its body' : 'before its head';
      this.#broke(stream, new Error(`the stream ended ${where}`));
      return;
    }
    this.#settle();
    drive.end(this.#attempt, this.#trailers);
  }

  #broke(stream: ClientHttp2Stream, error: Error): void {
    if (this.#over) return;
    const { isCut } = this.#shared;
    const isReset = !isCut && stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM;
    // As in Envoy, one that was refused does not count.
    if (isReset) this.#shared.countReset();
    this.#fail(this.#classify(stream, error, isReset));
  }

  #classify(stream: ClientHttp2Stream, error: Error, isReset: boolean): Failure {
    if (this.#hasHead) return failure('body-cut', 'UPE', error, true);
    const isRefused =
      stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ||
      (stream.id ?? Number.POSITIVE_INFINITY) > this.#shared.lastTaken;
    if (isRefused) return failure('refused-stream', 'UR', error, false);
    return isProtocolError(error)
      ? failure('protocol-error', 'UPE', error, true)
      : failure('reset', isReset ? 'UR' : 'UC', error, true);
  }

  /** Node could not write the head: it is too long, or the server has just said that it leaves. */
  #notWritten(type: number, code: number): void {
    if (this.#over || type !== HEADERS_FRAME) return;
    const error = new Error(`the head of the request was not written (HTTP/2 error ${code})`);
    const isLeaving = this.#shared.openSession === undefined;
    const [kind, flag] = isLeaving
      ? (['refused-stream', 'UR'] as const)
      : (['unsendable'] as const);
    this.#fail(failure(kind, flag, error, false));
  }

  #write(stream: ClientHttp2Stream, content: Content, promised: number | undefined): void {
    const tell = (): void => {
      if (!this.#over) drive.sent(this.#attempt);
    };
    writeBody(stream, content, promised, tell).catch((error: unknown) => {
      if (this.#over) return;
      const { bodyError } = this.#attempt.call;
      const kind = bodyError === undefined ? 'unsendable' : 'invalid';
      this.#fail(failure(kind, undefined, bodyError ?? error, true));
    });
  }

  #fail(reason: Failure): void {
    this.#settle();
    drive.fail(this.#attempt, reason);
  }

  #settle(): void {
    this.#over = true;
    // Before another has its place, the server hears that nothing more is sent or read.
    if (this.#stream !== undefined) this.#abandon(this.#stream);
    this.#shared.over(this);
  }

  /** Closed by its method, a stream ends its body in due form first: what there was of it would look complete. */
  #abandon(stream: ClientHttp2Stream): void {
    if (stream.readableEnded && stream.writableFinished) return;
    if (stream.writableEnded) stream.close(constants.NGHTTP2_CANCEL);
    else this.#writing?.abort();
  }
}

const HEADERS_FRAME = 1;

/** What came was not HTTP/2; then nothing else of the session is to be had either. */
function isProtocolError(error: Error & { code?: string }): boolean {
  return error.code === 'ERR_HTTP2_ERROR';
}
