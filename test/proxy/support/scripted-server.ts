/** A TCP server that sends exactly the bytes that a test specifies. */
import { createServer, type Server, type Socket } from 'node:net';

import { Wire } from './wire.js';

export interface ScriptedServer {
  readonly port: number;
  /** All connections so far, in order. */
  readonly wires: Wire[];
  close(): Promise<void>;
}

/** @param script runs once for each connection */
export async function scriptedServer(
  script: (wire: Wire, index: number) => void | Promise<void>,
): Promise<ScriptedServer> {
  const wires: Wire[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    const wire = new Wire(socket);
    wires.push(wire);
    void script(wire, wires.length - 1);
  });
  const port = await listen(server);
  return {
    port,
    wires,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const { socket } of wires) socket.destroy();
      }),
  };
}

/** Resolves with the port that the system assigned. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
