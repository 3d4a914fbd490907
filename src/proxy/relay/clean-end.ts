/** Tells the clean end of a local connection from a reset. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The parts of Node.js' sockets that are used here and are not public. */
interface SocketInternals {
  readonly _handle?: { readStart?(): unknown } | null;
  readonly _readableState: { autoDestroy: boolean };
}

/**
 * Calls `handle` once, after the stream has ended cleanly and all its bytes were read. Other
 * listeners of 'end' may be called although the peer has reset the connection, and data is missing:
 * if a reset arrives together with the last data, libuv reads the data, and reports an end instead
 * of the error that the next read would return (`uv__stream_io()`, POLLHUP after a partial read).
 *
 * Therefore, a socket is read once more after its end. The result arrives within one iteration of
 * the event loop: another end, or an error, which destroys the socket.
 */
export function onceCleanlyEnded(stream: Duplex, handle: () => void): void {
  const check = (): void => {
    if (stream instanceof Socket) readOnceMore(stream, handle);
    else handle();
  };
  if (stream.readableEnded) process.nextTick(check);
  else stream.once('end', check);
}

function readOnceMore(socket: Socket, handle: () => void): void {
  const { _handle: source, _readableState: state } = socket as unknown as SocketInternals;
  if (typeof source?.readStart !== 'function') {
    handle();
    return;
  }
  // Otherwise Node.js closes the socket now if it has finished writing.
  state.autoDestroy = false;
  source.readStart();
  // The first callback follows this iteration's poll, the second follows the next poll.
  setImmediate(() => {
    setImmediate(() => {
      if (socket.destroyed) return;
      state.autoDestroy = true;
      handle();
      if (socket.writableFinished) socket.destroy();
    });
  });
}
