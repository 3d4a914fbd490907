import type { DatagramSocket } from '../../ports/datagram-sockets.js';

/** The maximum time in milliseconds that close() waits for queued datagrams. */
const LONGEST_CLOSE = 1_000;

/**
 * Calls `finish` when the socket's queue is empty or after LONGEST_CLOSE, whichever comes first.
 */
export function whenDrained(socket: DatagramSocket, isEmpty: boolean, finish: () => void): void {
  if (isEmpty) {
    finish();
    return;
  }
  const timer = setTimeout(finish, LONGEST_CLOSE);
  socket.onDrain = () => {
    clearTimeout(timer);
    finish();
  };
}
