/** The response to `get=1` of WireGuard's userspace interface (wireguard.com/xplatform). */
import { formatAuthority } from '../../lib/text/http-syntax.js';
import { formatIpAddress } from '../../wire/ip-address.js';
import type { Device, Peer } from '../device.js';

export interface Listening {
  /** The port of the UDP socket, or 0 without a socket. */
  readonly listenPort: number;
  readonly fwmark: number;
}

/**
 * Returns the device's configuration and statistics as lines, without the final `errno` line.
 *
 * The result is secret: it contains the private key and the pre-shared keys.
 */
export function getResponse(device: Device, { listenPort, fwmark }: Listening): string[] {
  const lines: string[] = [];
  const privateKey = device.privateKey().expose();
  if (!isZero(privateKey)) lines.push(`private_key=${hex(clamped(privateKey))}`);
  if (listenPort !== 0) lines.push(`listen_port=${listenPort}`);
  if (fwmark !== 0) lines.push(`fwmark=${fwmark}`);
  for (const peer of device.peers) addPeer(lines, device, peer);
  return lines;
}

function addPeer(lines: string[], device: Device, peer: Peer): void {
  const handshake = peer.lastHandshakeUnix ?? 0;
  lines.push(
    `public_key=${hex(peer.publicKey)}`,
    `preshared_key=${hex(peer.presharedKey().expose())}`,
    'protocol_version=1',
  );
  if (peer.endpoint !== undefined) {
    const { address: host, port } = peer.endpoint;
    lines.push(`endpoint=${formatAuthority({ host, port })}`);
  }
  lines.push(
    `last_handshake_time_sec=${Math.floor(handshake / 1000)}`,
    `last_handshake_time_nsec=${Math.floor(handshake % 1000) * 1_000_000}`,
    `tx_bytes=${peer.txBytes}`,
    `rx_bytes=${peer.rxBytes}`,
    `persistent_keepalive_interval=${Math.round(peer.persistentKeepalive / 1000)}`,
  );
  for (const { address, prefixLength } of device.allowedIps.prefixesOf(peer)) {
    lines.push(`allowed_ip=${formatIpAddress(address)}/${prefixLength}`);
  }
}

function isZero(key: Uint8Array): boolean {
  return key.every((byte) => byte === 0);
}

/** Clamps an X25519 private key (RFC 7748 5). Linux stores and shows only clamped keys. */
function clamped(privateKey: Uint8Array): Uint8Array {
  return privateKey.map((byte, index) => {
    if (index === 0) return byte & 0xf8;
    return index === 31 ? (byte & 0x7f) | 0x40 : byte;
  });
}

function hex(key: Uint8Array): string {
  return Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
