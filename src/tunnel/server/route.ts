/**
 * Determines the address and peer for a destination, or throws an error that explains the failure.
 */
import type { Peer } from '../../engine/engine.js';
import type { NetstackEngine } from '../../engine/netstack-engine.js';
import { DialError } from '../../proxy/dialer.js';
import { type IpAddress, parseIpAddress } from '../../wire/ip-address.js';
import type { SilenceError } from '../tunnel-error.js';

/**
 * After this many milliseconds of silence, which include two initiations, a peer counts as not
 * answering.
 */
export const SILENCE_TIMEOUT = 10_000;

/** Explains why a peer is silent. */
export interface PeerSilence {
  /** Returns the error for a caller that has waited without a reply from the peer. */
  explain(): SilenceError;
  /** Returns why nothing can be sent to the peer, if this is known immediately. */
  blocked(): SilenceError | undefined;
}

/**
 * Parses an address and finds its peer.
 * @throws DialError `no-route` for an address that is invalid, outside the allowed IPs, or of a
 * family for which the tunnel has no address; `no-handshake` if the peer's endpoint is unknown, so
 * that nothing can be sent
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
    throw new DialError('no-route', `${host} must be the address of another host`);
  }
  if (!engine.stack.hasAddressFor(address)) {
    const family = address.length === 16 ? 'IPv6' : 'IPv4';
    throw new DialError(
      'no-route',
      `the tunnel does not have an ${family} address, which is needed to reach ${host}`,
    );
  }
  const blocked = silence.blocked();
  if (blocked !== undefined) throw silentPeer(blocked);
  return { address, peer };
}

/** Returns the error for a dial that failed because the Arc server is silent or cannot be found. */
export function silentPeer(error: SilenceError): DialError {
  const options = { cause: error, silence: error.reason };
  if (error.reason === 'name-not-found')
    return new DialError('no-handshake', error.message, options);
  return new DialError('no-handshake', `the Arc server is not answering: ${error.why}`, options);
}

export function closingTunnel(): DialError {
  return new DialError('closed', 'the tunnel is closing');
}
