/** A port where connections are taken and nothing is ever said: a TLS handshake with it hangs. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';

export interface SilentPort {
  /** `https://127.0.0.1:…` */
  readonly url: string;
  /** Connections that are open. */
  readonly open: number;
  connectionsAre(count: number): Promise<void>;
}

export async function silentPort(): Promise<SilentPort> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    // Who does not read does not see the client go.
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get open() {
      return sockets.size;
    },
    connectionsAre: (count) => expect.poll(() => sockets.size).toBe(count),
  };
}
