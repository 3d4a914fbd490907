/** The owner's side of an echo channel: presents it as a channel of encoded datagrams. */
import type { DatagramChannel } from '../datagram-dialer.js';
import type { EchoChannel } from '../echo-dialer.js';
import { decodeRequest, encodeEvent, REQUEST_HEADER, SendTimes } from './echo-frames.js';

/** The channel carries the payloads of echo-frames.ts. Invalid requests are ignored. */
export function encodedEcho(channel: EchoChannel): DatagramChannel {
  const times = new SendTimes();
  return {
    maxPayload: channel.maxPayload + REQUEST_HEADER,
    send(bytes) {
      const request = decodeRequest(bytes);
      if (request === undefined) return;
      const { sequence, payload } = request;
      times.add(sequence, channel.send(sequence, payload));
    },
    async receive(timeout, signal) {
      for (;;) {
        const event = await channel.receive(timeout, signal);
        if (event === undefined) return undefined;
        const sent = times.of(event.sequence);
        if (sent === undefined) continue;
        return encodeEvent({ ...event, elapsed: Math.max(0, event.at - sent) });
      }
    },
    close: () => channel.close(),
  };
}
