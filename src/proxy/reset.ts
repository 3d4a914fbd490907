import type { Socket } from 'node:net';

/**
 * Ends a connection with RST. During a shutdown, libuv refuses to reset, and Node treats the
 * refusal as success: the connection would stay open forever and keep the event loop busy. A plain
 * close is then correct, because the kernel has all data. While data is queued, Node has not yet
 * requested the shutdown, and a plain close would lose that data, so a reset is used.
 */
export function resetConnection(socket: Socket): void {
  const isHandedOver = socket.writableEnded && socket.writableLength === 0;
  if (isHandedOver && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
