import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Ends a connection with RST. During a shutdown, libuv refuses to reset, and Node treats the
 * refusal as success: the connection would stay open forever and keep the event loop busy. A plain
 * close is then correct, because the kernel has all data. While data is queued, Node has not yet
 * requested the shutdown, and a plain close would lose that data, so a reset is used.
 */
export function resetConnection(socket: Socket): void {
  const isHandedOver = socket.writableEnded && socket.writableLength === 0;
  if (isHandedOver && !socket.writableFinished) {
    socket.destroy();
    return;
  }
  try {
    socket.resetAndDestroy();
  } catch {
    // Node cannot reset Unix sockets, which have no RST.
    socket.destroy();
  }
}

/** Ends a stream of any kind so that its peer does not mistake the end for a clean one. */
export function resetStream(stream: Duplex, why: string): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket) resetConnection(stream);
  else stream.destroy(new Error(why));
}
