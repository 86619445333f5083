/** A body as the web stream that `response.body` is, with its back-pressure reaching the socket. */
import type { FetchReply } from './fetch-reply.js';

/** Takes in only what is read, and keeps no hold on a stream that nobody reads: it may be garbage-collected. */
export function bodyStream(reply: FetchReply): ReadableStream<Uint8Array> {
  let piped = false;
  let ended = false;
  let reading: ReadableByteStreamController | undefined;
  let idle: WeakRef<ReadableByteStreamController>;
  const isReading = (): boolean => reading !== undefined;
  const stream = new ReadableStream(
    {
      type: 'bytes',
      start(controller) {
        idle = new WeakRef(controller);
        reply.onUnreadFailure((error) => idle.deref()?.error(error));
      },
      pull(controller) {
        reading = controller;
        if (ended) {
          close(controller);
          return;
        }
        if (piped) {
          reply.head.resume();
          return;
        }
        piped = true;
        reply.pipe({
          borrows: true,
          data(chunk) {
            const open = reading ?? idle.deref();
            if (open === undefined || chunk.length === 0) return true;
            // When another read waits, enqueue() calls pull at once, which sets it again.
            reading = undefined;
            // A byte stream detaches what it is given: hand it a buffer of its own.
            open.enqueue(new Uint8Array(chunk));
            return isReading();
          },
          end() {
            // As there, only who reads on is told that there is no more.
            ended = true;
            if (reading !== undefined) close(reading);
          },
          fail(error) {
            (reading ?? idle.deref())?.error(error);
          },
        });
      },
      cancel(reason) {
        reply.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  reply.handTo(stream);
  return stream;
}

function close(controller: ReadableByteStreamController): void {
  controller.close();
  controller.byobRequest?.respond(0);
}
