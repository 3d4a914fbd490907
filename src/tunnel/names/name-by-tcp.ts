/** A question to a name server by TCP, for the answer that did not fit into a datagram. */
import type { Duplex } from 'node:stream';

import { abortable } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';

/** For the connection, the question and the answer together. */
const TIMEOUT = 5_000;

/** RFC 1035 4.2.2: each message stands behind its length. */
const LENGTH_FIELD = 2;

/**
 * Sends one message and reads one (RFC 7766). The stream is gone afterwards.
 *
 * @param dial opens the stream to the server; its signal fires when the time is over
 * @returns undefined where no whole message came in time
 * @throws what `dial` rejects with before that
 */
export async function askByTcp(
  dial: (signal: AbortSignal) => Promise<Duplex>,
  question: Uint8Array,
  clock: Clock,
): Promise<Uint8Array | undefined> {
  const limit = new AbortController();
  const timer = clock.startTimer(TIMEOUT, () => limit.abort());
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
        // The length field bounds what is kept: 64 KiB and one chunk.
        received = Buffer.concat([received, chunk]);
        if (received.length < LENGTH_FIELD) return;
        const end = LENGTH_FIELD + received.readUInt16BE(0);
        if (received.length >= end) resolve(received.subarray(LENGTH_FIELD, end));
      })
      .on('end', () => resolve(undefined))
      .on('error', () => resolve(undefined))
      .on('close', () => resolve(undefined));
    // What was over before tells no more of it.
    if (stream.destroyed) resolve(undefined);
    const length = Buffer.alloc(LENGTH_FIELD);
    length.writeUInt16BE(question.length);
    // RFC 7766 8: both in one segment.
    stream.write(Buffer.concat([length, question]));
    return undefined;
  });
}
