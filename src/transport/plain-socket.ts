/**
 * A socket without TLS whose reads go through one buffer that all of them share. Node's own way of reading makes a
 * buffer of 64 KiB for every answer and passes it through a stream, which costs more than parsing the answer.
 */
import { connect } from 'node:net';
import type { buildConnector } from 'undici';
import { chunkOf } from './chunk.js';
import { afterReading, type HeldSocket } from './held-socket.js';

/** As much as the system hands over at once. */
const READ_SIZE = 64 * 1024;

/** Never holds anything beyond the callback in which it was filled, which is as long as it is lent. */
let shared: Buffer | undefined;

export interface PlainAddress {
  readonly hostname: string;
  readonly port: string;
  /** In place of the two. */
  readonly socketPath: string | undefined;
}

/** Opens a socket as undici's own connector does; the callback is undici's. */
export function openPlain(address: PlainAddress, callback: buildConnector.Callback): HeldSocket {
  const { hostname, port, socketPath } = address;
  const where =
    socketPath === undefined
      ? { host: hostname, port: port === '' ? 80 : Number(port) }
      : { path: socketPath };
  const socket = connect({
    ...where,
    noDelay: true,
    onread: { buffer: (shared ??= Buffer.allocUnsafeSlow(READ_SIZE)), callback: take },
  });
  const opened: HeldSocket = {
    socket,
    reads: 0,
    lends: false,
    hold() {
      held = true;
    },
    goOn() {
      held = false;
      afterReading(() => {
        if (!held && stopped) socket.emit('readable');
      });
    },
  };
  const read = socket.read.bind(socket);
  /** What has come and undici has not read. */
  let unread: Buffer | null = null;
  let held = false;
  /** Node has been told to read no further. */
  let stopped = false;

  function take(size: number, buffer: Uint8Array): boolean {
    opened.reads += 1;
    const bytes = partOf(buffer, size);
    const { lends } = opened;
    unread = lends ? (bytes as Buffer) : chunkOf(bytes);
    socket.emit('readable');
    if (lends && isLeft()) unread = chunkOf(bytes);
    stopped = held || isLeft();
    return !stopped;
  }

  const isLeft = (): boolean => unread !== null;

  socket.read = (size?: number): Buffer | null => {
    // Node reads nothing in order to begin, and to end.
    if (size === 0) {
      opened.reads += 1;
      return read(0) as null;
    }
    if (held) return null;
    const chunk = unread;
    unread = null;
    if (chunk === null && stopped) {
      stopped = false;
      socket.resume();
    }
    return chunk;
  };

  const settle = (error: Error | null): void => {
    socket.off('connect', connected).off('error', settle);
    if (error === null) callback(null, socket);
    else callback(error, null);
  };
  const connected = (): void => settle(null);
  socket.once('connect', connected).once('error', settle);
  return opened;
}

/** The latest part of the shared buffer: many answers are as long as the one before. */
let part: Uint8Array | undefined;

function partOf(buffer: Uint8Array, size: number): Uint8Array {
  if (part?.length !== size || part.buffer !== buffer.buffer) part = buffer.subarray(0, size);
  return part;
}
