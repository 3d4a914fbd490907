import type { DropCounter } from '../lib/drop-counter.js';

/**
 * Why a message or packet was dropped. Invalid input from a peer never throws; it is counted here.
 *
 * From the network:
 * - `malformed`: not a WireGuard message: invalid type, reserved bytes or length
 * - `bad-mac1`: mac1 was not computed with the local public key; never answered (whitepaper 5.1)
 * - `under-load`: the device sent a cookie reply instead of a handshake response
 * - `rate-limited`: valid cookie, but too many handshakes from one source
 * - `handshake-overload`: more handshake messages than the device reads; not even mac1 was checked
 * - `bad-handshake`: a handshake message that does not decrypt, or has a low-order key
 * - `unknown-peer`: the public key does not belong to a configured peer
 * - `replayed-initiation`: its timestamp is not later than the last accepted one
 * - `initiation-flood`: too soon after the peer's last accepted initiation
 * - `unexpected-response`: no initiation waits for this response
 * - `bad-cookie`: an unsolicited cookie reply, or one that does not decrypt
 * - `unknown-session`: this device did not allocate the receiver index
 * - `expired-session`: older than REJECT_AFTER_TIME, or a counter beyond REJECT_AFTER_MESSAGES
 * - `bad-tag`: a data message that does not decrypt
 * - `replayed`: a counter seen before, or older than the replay window
 * - `malformed-packet`: the decrypted bytes are not an IPv4 or IPv6 packet, or are truncated
 * - `wrong-source`: the source address is not in this peer's allowed IPs
 * - `congestion`: outer CE mark, but the inner packet is not ECN-capable (RFC 6040 4.2)
 *
 * From the local side:
 * - `no-route`: no peer has the destination in its allowed IPs
 * - `no-endpoint`: the peer's endpoint is unknown
 * - `routing-loop`: the system routed one of the device's own messages back into the tunnel
 * - `staged-overflow`: too many packets waited for the handshake; the oldest was dropped
 * - `staged-purged`: the handshake gave up or the peer was removed while these packets waited
 * - `low-order-key`: the peer's public key is of low order, or the device has no private key
 */
export const DROP_REASONS = [
  'malformed',
  'bad-mac1',
  'under-load',
  'rate-limited',
  'handshake-overload',
  'bad-handshake',
  'unknown-peer',
  'replayed-initiation',
  'initiation-flood',
  'unexpected-response',
  'bad-cookie',
  'unknown-session',
  'expired-session',
  'bad-tag',
  'replayed',
  'malformed-packet',
  'wrong-source',
  'congestion',
  'no-route',
  'no-endpoint',
  'routing-loop',
  'staged-overflow',
  'staged-purged',
  'low-order-key',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

/** The drop counts by reason, which the layers above can read but not change. */
export type DropCounts = Omit<DropCounter<DropReason>, 'count'>;
