/** Asks any WireGuard device for its status through the userspace API. */
import { formatKey } from '../../lib/text/key-text.js';
import { type DeviceResponse, readGetResponse } from '../../engine/engine.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import type { PeerStatus, TunnelStatus } from '../tunnel-status.js';

export interface DeviceStatus extends Pick<TunnelStatus, 'listenPort' | 'fwmark' | 'peers'> {
  /** The device's public key in base64; undefined if the device has no key. */
  readonly publicKey: string | undefined;
}

/**
 * Asks a device for its status. The response contains the private key; the public key is derived
 * from it.
 *
 * @throws Error like LocalConnections.ask(), or if the response is invalid
 */
export async function askDevice(
  path: string,
  connections: LocalConnections,
  publicKeyOf: (privateKey: Uint8Array) => Uint8Array,
): Promise<DeviceStatus> {
  const answer = readGetResponse(await connections.ask(path, 'get=1\n\n', '\n\n'));
  if (answer === undefined) throw new Error("the response is not in WireGuard's format");
  const { privateKey, listenPort, fwmark, peers } = answer;
  const publicKey = privateKey && formatKey(publicKeyOf(privateKey.expose()));
  privateKey?.expose().fill(0);
  return { publicKey, listenPort, fwmark, peers: peers.map(peerStatus) };
}

function peerStatus({ publicKey, ...rest }: DeviceResponse['peers'][number]): PeerStatus {
  return { ...rest, publicKey: formatKey(publicKey), roundTrip: undefined, lossIn: undefined };
}
