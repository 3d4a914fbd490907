/** What every way into the tunnel has to find out first, and the words for what is missing. */
import type { NetstackEngine, Peer } from '../engine/netstack-engine.js';
import { DialError } from '../proxy/dialer.js';
import { type IpAddress, parseIpAddress } from '../wire/ip-address.js';

/** A peer from which nothing came for this long, over two initiations, does not answer. */
export const SILENCE_TIMEOUT = 10_000;

/**
 * The address that a text stands for, and the peer that has it.
 * @throws DialError `no-route` for what is no address, or nobody's
 */
export function routeTo(host: string, engine: NetstackEngine): { address: IpAddress; peer: Peer } {
  const address = parseIpAddress(host);
  if (address === undefined) throw new DialError('no-route', `${host} is not an IP address`);
  const peer = engine.device.peerFor(address);
  if (peer === undefined) throw new DialError('no-route', `${host} is outside of the allowed IPs`);
  return { address, peer };
}

export function silentPeer(options?: ErrorOptions): DialError {
  const text = 'the Arc server is silent: it answers no handshake';
  return new DialError('no-handshake', text, options);
}

export function closingTunnel(): DialError {
  return new DialError('closed', 'the tunnel is closing');
}
