/**
 * Parses any WireGuard device's response to `get=1` on the userspace interface
 * (wireguard.com/xplatform, Configuration Protocol).
 */
import { Secret } from '../../lib/secrets/secret.js';
import { parseKey } from './key-text.js';

export interface DeviceResponse {
  /** The private key, 32 bytes; undefined if the device has none. */
  readonly privateKey: Secret<Uint8Array> | undefined;
  /** The port of the UDP socket, or 0 without a socket. */
  readonly listenPort: number;
  /** The firewall mark, or 0 if unset. */
  readonly fwmark: number;
  readonly peers: readonly PeerResponse[];
}

export interface PeerResponse {
  /** The peer's public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The endpoint exactly as the device wrote it; undefined if unknown. */
  readonly endpoint: string | undefined;
  /** When the last handshake completed, in ms since 1970; undefined before the first. */
  readonly latestHandshakeUnix: number | undefined;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** The persistent keepalive interval in seconds; 0 if disabled. */
  readonly persistentKeepalive: number;
  readonly allowedIps: readonly string[];
}

/**
 * Parses a response. Unknown field names are ignored, because some devices add their own.
 * Pre-shared keys are ignored, too.
 *
 * @returns undefined if the string is not a valid response, or if the response reports an error
 */
export function readGetResponse(text: string): DeviceResponse | undefined {
  const lines = text.trimEnd().split('\n');
  // The last line reports the result.
  if (lines.pop() !== 'errno=0') return undefined;
  const sections = [new Map<string, string[]>()];
  for (const line of lines) {
    const separator = line.indexOf('=');
    if (separator === -1) return undefined;
    const [key, value] = [line.slice(0, separator), line.slice(separator + 1)];
    if (key === 'public_key') sections.push(new Map());
    const section = sections.at(-1)!;
    const values = section.get(key);
    if (values === undefined) section.set(key, [value]);
    else values.push(value);
  }
  const [device, ...others] = sections;
  const peers = others.map(peerOf);
  if (!peers.every((peer) => peer !== undefined)) return undefined;
  const privateKey = parseKey(valueOf(device!, 'private_key') ?? '');
  return {
    privateKey: privateKey && new Secret(privateKey),
    listenPort: numberOf(device!, 'listen_port'),
    fwmark: numberOf(device!, 'fwmark'),
    peers,
  };
}

type Section = ReadonlyMap<string, readonly string[]>;

function peerOf(section: Section): PeerResponse | undefined {
  const publicKey = parseKey(valueOf(section, 'public_key') ?? '');
  if (publicKey === undefined) return undefined;
  const seconds = numberOf(section, 'last_handshake_time_sec');
  const nanoseconds = numberOf(section, 'last_handshake_time_nsec');
  const handshake = seconds * 1000 + Math.floor(nanoseconds / 1_000_000);
  return {
    publicKey,
    endpoint: valueOf(section, 'endpoint'),
    latestHandshakeUnix: handshake === 0 ? undefined : handshake,
    sentBytes: numberOf(section, 'tx_bytes'),
    receivedBytes: numberOf(section, 'rx_bytes'),
    persistentKeepalive: numberOf(section, 'persistent_keepalive_interval'),
    allowedIps: section.get('allowed_ip') ?? [],
  };
}

function valueOf(section: Section, key: string): string | undefined {
  return section.get(key)?.at(-1);
}

/** Returns 0 if the field is missing or not a number. */
function numberOf(section: Section, key: string): number {
  const text = valueOf(section, key) ?? '';
  return /^\d{1,16}$/.test(text) ? Number(text) : 0;
}
