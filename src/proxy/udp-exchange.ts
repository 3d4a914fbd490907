/** Sends one datagram through a DatagramDialer and waits for the response. */
import type { DatagramDialer } from './datagram-dialer.js';
import type { DialTarget } from './dialer.js';

export interface UdpExchangeLimits {
  /** How long to wait for the response, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends the message once and waits for one datagram from the target.
 *
 * @returns undefined after the timeout: the target did not answer, or a datagram was lost
 * @throws DialError if the channel fails, or if the target or a router reports non-delivery
 * @throws RangeError if the message does not fit into one packet
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
