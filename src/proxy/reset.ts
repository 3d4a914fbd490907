import type { Socket } from 'node:net';

/**
 * Ends a connection with RST. While a shutdown is under way libuv refuses to reset, and Node takes
 * the refusal for done: the connection would stay open for ever and keep the event loop spinning.
 * All that was to be sent has been handed over then, so a plain close says nothing wrong. While there
 * is more to be written, Node has not yet asked for the shutdown, and a plain close would cut it off.
 */
export function resetConnection(socket: Socket): void {
  const isHandedOver = socket.writableEnded && socket.writableLength === 0;
  if (isHandedOver && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
