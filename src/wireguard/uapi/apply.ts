/** Applies a `set=1` request to a device. */
import { sameBytes } from '../../lib/same-bytes.js';
import type { Device, Peer } from '../device.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { PeerChange, SetRequest } from './set-request.js';

export interface ApplyOptions {
  readonly now: number;
  /** Called for each existing peer whose endpoint the request sets. */
  readonly onEndpoint?: ((peer: Peer, endpoint: Endpoint) => void) | undefined;
}

/**
 * Changes keys and peers. A new peer with the device's own public key is ignored, as in the Linux
 * kernel.
 *
 * The caller applies `listenPort` and `fwmark`, which belong to the socket.
 */
export function applySetRequest(
  device: Device,
  request: SetRequest,
  { now, onEndpoint }: ApplyOptions,
): void {
  if (request.privateKey !== undefined) device.setPrivateKey(request.privateKey);
  if (request.replacePeers) for (const peer of [...device.peers]) device.removePeer(peer);
  for (const change of request.peers) applyPeer(device, change, { now, onEndpoint });
}

function applyPeer(device: Device, change: PeerChange, { now, onEndpoint }: ApplyOptions): void {
  const known = device.peerOf(change.publicKey);
  if (change.remove) {
    if (known !== undefined) device.removePeer(known);
    return;
  }
  if (known === undefined) {
    if (!change.updateOnly && !isOwnKey(device, change)) addPeer(device, change, now);
    return;
  }
  const { presharedKey, endpoint, persistentKeepalive } = change;
  if (presharedKey !== undefined) known.setPresharedKey(presharedKey);
  if (change.replaceAllowedIps) device.allowedIps.removeAll(known);
  for (const prefix of change.allowedIps) device.allowedIps.set(prefix, known);
  if (endpoint !== undefined) {
    known.setEndpoint(endpoint);
    onEndpoint?.(known, endpoint);
  }
  if (persistentKeepalive !== undefined) {
    known.setPersistentKeepalive(persistentKeepalive * 1000, now);
  }
}

function addPeer(device: Device, change: PeerChange, now: number): void {
  const { publicKey, presharedKey, endpoint, persistentKeepalive = 0, allowedIps } = change;
  device.addPeer(
    {
      publicKey,
      ...(presharedKey !== undefined && { presharedKey }),
      ...(endpoint !== undefined && { endpoint }),
      persistentKeepalive: persistentKeepalive * 1000,
      allowedIps,
    },
    now,
  );
}

function isOwnKey(device: Device, { publicKey }: PeerChange): boolean {
  return sameBytes(publicKey, device.publicKey);
}
