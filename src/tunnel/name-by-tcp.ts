/** A question to a name server by TCP, for the answer that did not fit into a datagram. */
import type { Duplex } from 'node:stream';

import type { Clock } from './ports.js';

/** For the whole of question and answer. */
const TIMEOUT = 5_000;

/** RFC 1035 4.2.2: each message stands behind its length. */
const LENGTH_FIELD = 2;

/**
 * Sends one message and reads one (RFC 7766). The stream is gone afterwards.
 *
 * @returns undefined where no whole message came in time
 */
export function askByTcp(
  stream: Duplex,
  question: Uint8Array,
  clock: Clock,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const settle = (answer?: Uint8Array) => {
      timer.cancel();
      stream.destroy();
      resolve(answer);
    };
    const timer = clock.startTimer(TIMEOUT, () => settle());
    stream
      .on('data', (chunk: Buffer) => {
        // The length field bounds what is kept: 64 KiB and one chunk.
        received = Buffer.concat([received, chunk]);
        if (received.length < LENGTH_FIELD) return;
        const end = LENGTH_FIELD + received.readUInt16BE(0);
        if (received.length >= end) settle(received.subarray(LENGTH_FIELD, end));
      })
      .on('end', () => settle())
      .on('error', () => settle())
      .on('close', () => settle());
    const length = Buffer.alloc(LENGTH_FIELD);
    length.writeUInt16BE(question.length);
    // RFC 7766 8: both in one segment.
    stream.write(Buffer.concat([length, question]));
  });
}
