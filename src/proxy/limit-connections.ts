/** Limits and closes the connections of an HTTP server. */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { makeRoom, markUsed } from '../lib/oldest-idle.js';

/**
 * Limits the number of connections. At the limit, a new connection replaces the oldest idle one, so
 * that one client cannot block all others.
 */
export function limitConnections(server: Server, most: number): void {
  /** In order of last use; `isBusy` is set while a request is in progress. */
  const connections = new Map<Socket, { isBusy: boolean }>();
  server.on('connection', (socket) => {
    if (!makeRoom(connections, most)) {
      socket.destroy();
      return;
    }
    connections.set(socket, { isBusy: false });
    socket.on('close', () => connections.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    const setBusy = (isBusy: boolean) => {
      if (connections.has(socket)) connections.set(socket, { isBusy });
      markUsed(connections, socket);
    };
    setBusy(true);
    response.once('close', () => setBusy(false));
  });
}

/**
 * Whether a response can be sent now. Node.js does not emit 'close' for a response that waits behind
 * another one on its connection (pipelining), or whose connection is already closed, so such a
 * response must not be kept.
 */
export function canStream({ socket, destroyed }: ServerResponse): boolean {
  return socket !== null && !destroyed;
}

/** Closes the server and all its connections; resolves when everything is closed. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
