/** A socket whose reading can be held, without undici's knowing: it finds nothing to read meanwhile. */
import type { Socket } from 'node:net';

export interface HeldSocket {
  readonly socket: Socket;
  /** So many times something has come: what came at one time came together. */
  reads: number;
  /** What comes need not outlast its being handed out: whoever wants to keep some of it makes a copy. */
  lends: boolean;
  /** What has come is not handed out any more. */
  hold(): void;
  goOn(): void;
}

/** For a socket that is read as a stream, as those with TLS are. */
export function heldSocket(socket: Socket): HeldSocket {
  const read = socket.read.bind(socket);
  let held = false;
  // Node reads nothing in order to begin, and to end.
  socket.read = (size?: number): unknown => {
    opened.reads += 1;
    return held && size !== 0 ? null : read(size);
  };
  const opened: HeldSocket = {
    socket,
    reads: 0,
    // Node gives what it has read away.
    lends: false,
    hold() {
      held = true;
    },
    goOn() {
      held = false;
      afterReading(() => {
        if (!held) socket.emit('readable');
      });
    },
  };
  return opened;
}

/** Undici cannot read anew from within the handing out of what it has read. */
export function afterReading(callback: () => void): void {
  process.nextTick(callback);
}
