/** A connection between two processes of one command, which shows each whether the other lives. */
import { Socket } from 'node:net';

import type { LocalStream } from '../../ports/local-sockets.js';
import { ask } from './shared-dialer.js';

/** Sends the reply to the first request, and keeps the connection open. */
export function answerLifeline(stream: LocalStream, reply: string): void {
  if (!(stream instanceof Socket)) throw new TypeError('a local stream must be a node:net socket');
  // The 'close' event of the process's own exit is sufficient.
  stream.on('error', () => undefined);
  stream.resume();
  stream.write(reply);
}

export interface Lifeline {
  /** The reply; `{}` if it is not a JSON object. */
  readonly reply: Readonly<Record<string, unknown>>;
  /** Resolves when the other process has disconnected. */
  readonly end: Promise<void>;
  close(): void;
}

/** @throws Error if the other process does not reply */
export async function openLifeline(
  request: string,
  connect: () => Promise<Socket>,
): Promise<Lifeline> {
  const lost = () => new Error('the process that owns the tunnel has ended');
  const { socket, reply } = await ask(request, { connect, lost });
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.resume();
  return { reply, end, close: () => socket.destroy() };
}
