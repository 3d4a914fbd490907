/** One datagram through a DatagramDialer, and the one that answers it. */
import type { DatagramDialer } from './datagram-dialer.js';
import type { DialTarget } from './dialer.js';

export interface UdpExchangeLimits {
  /** Milliseconds to wait for the answer. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends the message once and waits for one datagram from the target.
 *
 * @returns undefined when none came in time: there is none, or it or the message was lost
 * @throws DialError when there is no way, or the target or a router said that it did not arrive
 * @throws RangeError when the message does not fit into one packet
 */
export async function exchangeUdp(
  dialer: DatagramDialer,
  target: DialTarget,
  message: Uint8Array,
  { timeout, signal }: UdpExchangeLimits,
): Promise<Uint8Array | undefined> {
  const channel = await dialer.open(target, signal);
  try {
    channel.send(message);
    return await channel.receive(timeout, signal);
  } finally {
    channel.close();
  }
}
