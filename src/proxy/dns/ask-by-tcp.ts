/** Queries a name server over TCP after a response did not fit into a datagram. */
import type { Duplex } from 'node:stream';

import { abortable } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { LENGTH_FIELD, withLength } from './dns-message.js';

/** The default total timeout, in milliseconds, for the connection, the query and the response. */
const TIMEOUT = 5_000;

/**
 * Sends one message and reads one (RFC 7766), then destroys the stream.
 *
 * @param dial opens the stream to the server; its signal aborts at the timeout
 * @param timeout milliseconds
 * @returns undefined if no complete message arrives in time
 * @throws the error with which `dial` rejects before the timeout
 */
export async function askByTcp(
  dial: (signal: AbortSignal) => Promise<Duplex>,
  question: Uint8Array,
  clock: Clock,
  timeout = TIMEOUT,
): Promise<Uint8Array | undefined> {
  const limit = new AbortController();
  const timer = clock.startTimer(timeout, () => limit.abort());
  try {
    const stream = await dial(limit.signal);
    return await exchange(stream, question, limit.signal).finally(() => stream.destroy());
  } catch (error) {
    if (limit.signal.aborted) return undefined;
    throw error;
  } finally {
    timer.cancel();
  }
}

function exchange(
  stream: Duplex,
  question: Uint8Array,
  limit: AbortSignal,
): Promise<Uint8Array | undefined> {
  return abortable<Uint8Array | undefined>(limit, (resolve) => {
    let received = Buffer.alloc(0);
    stream
      .on('data', (chunk: Buffer) => {
        // The length field limits the buffer to 64 KiB plus one chunk.
        received = Buffer.concat([received, chunk]);
        if (received.length < LENGTH_FIELD) return;
        const end = LENGTH_FIELD + received.readUInt16BE(0);
        if (received.length >= end) resolve(received.subarray(LENGTH_FIELD, end));
      })
      .on('end', () => resolve(undefined))
      .on('error', () => resolve(undefined))
      .on('close', () => resolve(undefined));
    // A stream that is already destroyed emits no more events.
    if (stream.destroyed) resolve(undefined);
    stream.write(withLength(question));
    return undefined;
  });
}
