/** What every way into the tunnel has to find out first, and the words for what is missing. */
import type { Peer } from '../../engine/engine.js';
import type { NetstackEngine } from '../../engine/netstack-engine.js';
import { DialError } from '../../proxy/dialer.js';
import { type IpAddress, parseIpAddress } from '../../wire/ip-address.js';
import type { SilenceError } from '../tunnel-error.js';

/** A peer from which nothing came for this long, over two initiations, does not answer. */
export const SILENCE_TIMEOUT = 10_000;

/** The words for a peer that is silent. */
export interface PeerSilence {
  /** Why nothing comes from the peer, for whoever has waited in vain. */
  explain(): SilenceError;
  /** Why nothing can be sent to it, where that is known without waiting. */
  blocked(): SilenceError | undefined;
}

/**
 * The address that a text stands for, and the peer that has it.
 * @throws DialError `no-route` for what is no address, nobody's, or of a family that we have no
 *   address of; `no-handshake` where it is not
 *   known where the peer is, so that nothing can be sent
 */
export function routeTo(
  host: string,
  engine: NetstackEngine,
  silence: PeerSilence,
): { address: IpAddress; peer: Peer } {
  const address = parseIpAddress(host);
  if (address === undefined) throw new DialError('no-route', `${host} is not an IP address`);
  const peer = engine.device.peerFor(address);
  if (peer === undefined) throw new DialError('no-route', `${host} is outside the allowed IPs`);
  if (!engine.stack.isHost(address)) {
    throw new DialError('no-route', `${host} is not the address of another host`);
  }
  if (!engine.stack.hasAddressFor(address)) {
    const family = address.length === 16 ? 'IPv6' : 'IPv4';
    throw new DialError('no-route', `the tunnel has no ${family} address, but ${host} is one`);
  }
  const blocked = silence.blocked();
  if (blocked !== undefined) throw silentPeer(blocked);
  return { address, peer };
}

/** Nothing was sent, or nothing came back; `error` tells why. */
export function silentPeer(error: SilenceError): DialError {
  const options = { cause: error, silence: error.reason };
  if (error.reason === 'name-not-found')
    return new DialError('no-handshake', error.message, options);
  return new DialError('no-handshake', `the Arc server is not answering: ${error.why}`, options);
}

export function closingTunnel(): DialError {
  return new DialError('closed', 'the tunnel is closing');
}
