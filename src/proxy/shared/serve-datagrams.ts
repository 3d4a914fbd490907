/** Serves one UDP channel of a shared tunnel on a local socket. */
import type { Socket } from 'node:net';

import type { DatagramChannel } from '../datagram-dialer.js';
import { DialError } from '../dialer.js';
import { FRAME, frame, FrameReader } from './frames.js';
import type { Refusal } from './requests.js';

/**
 * A UDP channel without a datagram in either direction is closed after this many milliseconds, the
 * default of RFC 4787 4.3, REQ-5.
 */
const LONGEST_SILENCE = 5 * 60_000;

/**
 * Datagrams are dropped while the client has this many bytes to read, as a full socket buffer would
 * do.
 */
const MAX_UNREAD = 256 * 1024;

/**
 * Serves the channel until the client disconnects. The socket must not have unread bytes.
 *
 * @param longestSilence after how many milliseconds without a datagram to disconnect the client
 */
export function serveDatagrams(
  socket: Socket,
  channel: DatagramChannel,
  describe: (error: unknown) => Refusal,
  longestSilence = LONGEST_SILENCE,
): void {
  const reader = new FrameReader(
    (type, payload) => {
      if (type === FRAME.data) send(payload);
    },
    { splitsData: false },
  );
  const ended = new AbortController();
  let lastSent = performance.now();
  socket.on('data', (chunk: Buffer) => {
    if (!reader.read(chunk)) socket.destroy();
  });
  socket.once('end', () => socket.destroy());
  socket.once('close', () => {
    channel.close();
    ended.abort(new Error('the client has disconnected'));
  });
  socket.resume();
  void receive();

  function send(payload: Buffer): void {
    lastSent = performance.now();
    if (payload.length > channel.maxPayload) {
      report(new RangeError(`a datagram must not exceed ${channel.maxPayload} bytes`));
      return;
    }
    try {
      channel.send(payload);
    } catch (error) {
      // A full queue drops datagrams, as a network does.
      if (!(error instanceof DialError && error.reason === 'exhausted')) report(error);
    }
  }

  async function receive(): Promise<void> {
    while (!socket.destroyed) {
      try {
        const payload = await channel.receive(LONGEST_SILENCE, ended.signal);
        if (payload !== undefined) write(FRAME.data, payload);
        else if (performance.now() - lastSent >= longestSilence) socket.destroy();
      } catch (error) {
        if (ended.signal.aborted) return;
        report(error);
        // Every other failure lasts, so the next receive() would fail immediately.
        if (error instanceof DialError && error.reason === 'refused') continue;
        socket.end();
        return;
      }
    }
  }

  function report(error: unknown): void {
    write(FRAME.failure, Buffer.from(JSON.stringify(describe(error))));
  }

  function write(type: (typeof FRAME)['data' | 'failure'], payload: Uint8Array): void {
    if (socket.destroyed || socket.writableLength > MAX_UNREAD) return;
    socket.write(frame(type, payload));
  }
}
