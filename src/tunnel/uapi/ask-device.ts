/** Asks a WireGuard device of anybody's for its status, by the userspace interface. */
import { formatKey } from '../../lib/text/key-text.js';
import { type DeviceResponse, readGetResponse } from '../../engine/engine.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import type { PeerStatus } from '../tunnel-status.js';

export interface DeviceStatus {
  /** As base64; undefined where the device has no key. */
  readonly publicKey: string | undefined;
  /** 0 while there is no socket. */
  readonly listenPort: number;
  /** 0 for none. */
  readonly fwmark: number;
  readonly peers: readonly PeerStatus[];
}

/**
 * The answer names the private key, and not the public one: that is worked out of it, and nothing else
 * is done with it.
 *
 * @throws Error as LocalConnections.ask(), or where the answer is none
 */
export async function askDevice(
  path: string,
  connections: LocalConnections,
  publicKeyOf: (privateKey: Uint8Array) => Uint8Array,
): Promise<DeviceStatus> {
  const answer = readGetResponse(await connections.ask(path, 'get=1\n\n', '\n\n'));
  if (answer === undefined) throw new Error('it does not answer like WireGuard');
  const { privateKey, listenPort, fwmark, peers } = answer;
  const publicKey = privateKey && formatKey(publicKeyOf(privateKey.expose()));
  privateKey?.expose().fill(0);
  return { publicKey, listenPort, fwmark, peers: peers.map(peerStatus) };
}

function peerStatus({ publicKey, ...rest }: DeviceResponse['peers'][number]): PeerStatus {
  return { ...rest, publicKey: formatKey(publicKey), roundTrip: undefined, lossIn: undefined };
}
