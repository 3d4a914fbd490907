/**
 * ICMP (RFC 792, RFC 1122 3.2.2) and ICMPv6 (RFC 4443): handles echoes and dispatches messages by
 * type. icmp-errors.ts handles received errors; icmp-error-sender.ts sends errors.
 */
import type { DropCounter } from '../../lib/drop-counter.js';
import { PACKET_HEADROOM, packetLength } from '../../lib/packets/packet-slot.js';
import { TokenBucket } from '../../lib/token-bucket.js';
import type { Entropy } from '../../ports/entropy.js';
import { isChecksumValid, sumBytes } from '../../wire/checksum.js';
import {
  finishIcmp,
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LENGTH,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  icmpIdentifier,
  icmpSequence,
  icmpType,
  writeIcmpEcho,
} from '../../wire/icmp.js';
import { ICMPV6_ECHO_REPLY, ICMPV6_ECHO_REQUEST, isIcmpv6Error } from '../../wire/icmpv6.js';
import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';
import { PROTOCOL_ICMP } from '../../wire/ipv4.js';
import { PROTOCOL_ICMPV6 } from '../../wire/ipv6.js';
import type { DropReason } from '../drop-reason.js';
import type { Inbound } from '../ip/inbound.js';
import type { Outbound } from '../ip/outbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { PacketQueue } from '../packet-queue.js';
import { EchoSockets } from './echo-sockets.js';

/** The maximum number of echo replies per second, to limit the effect of a flood. */
const ANSWERS_PER_SECOND = 1000;

/** The reply to an echo request from sendEcho(). */
export interface EchoReply {
  readonly from: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export type EchoReplyHandler = (reply: EchoReply) => void;

/** Receives an ICMP or ICMPv6 error with a valid checksum. */
export type ErrorHandler = (packet: Inbound, now: number) => void;

export interface EchoRequest {
  readonly to: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly from: IpAddress | undefined;
}

export interface IcmpProtocolOptions {
  readonly outbound: Outbound;
  readonly entropy: Entropy;
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly control: PacketQueue;
  readonly datagrams: PacketQueue;
  /** Handles an echo request to an address that the stack has adopted. */
  readonly onForeignEcho?: ((packet: Inbound, now: number) => void) | undefined;
}

export class IcmpProtocol {
  onEchoReply: EchoReplyHandler | undefined = undefined;
  readonly sockets: EchoSockets;
  readonly #onError: ErrorHandler;
  readonly #options: IcmpProtocolOptions;
  readonly #answers: TokenBucket;

  constructor(options: IcmpProtocolOptions, onError: ErrorHandler, now: number) {
    this.#options = options;
    this.#onError = onError;
    this.#answers = new TokenBucket(ANSWERS_PER_SECOND, ANSWERS_PER_SECOND, now);
    this.sockets = new EchoSockets(options, (socket, sequence, payload) => {
      const { remote: to, identifier, address: from } = socket;
      return this.sendEcho({ to, identifier, sequence, payload, from });
    });
  }

  handleInbound(packet: Inbound, now: number): void {
    const { bytes, offset, length } = packet;
    const { drops } = this.#options;
    if (length < ICMP_HEADER_LENGTH) {
      drops.count('icmp-truncated');
      return;
    }
    // RFC 4443 2.3: the ICMPv6 checksum covers a pseudo header.
    const pseudoSum = packet.isIpv6 ? packet.pseudoSum(PROTOCOL_ICMPV6, length) : 0;
    if (isChecksumValid(pseudoSum + sumBytes(bytes, offset, length))) {
      this.#handleMessage(packet, now);
    } else {
      drops.count('icmp-checksum');
    }
  }

  #handleMessage(packet: Inbound, now: number): void {
    const { drops } = this.#options;
    const { isIpv6 } = packet;
    const type = icmpType(packet.bytes, packet.offset);
    if (type === (isIpv6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST)) {
      const { addresses, onForeignEcho } = this.#options;
      if (!this.#answers.take(now)) drops.count('icmp-rate');
      else if (addresses.isAdopted(packet.localIndex)) onForeignEcho?.(packet, now);
      else this.#answerEcho(packet);
    } else if (type === (isIpv6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY)) {
      this.#takeEchoReply(packet);
    } else if (isIpv6 ? isIcmpv6Error(type) : isHeededError(type)) {
      // RFC 4443 2.4 (a): unknown errors MUST also be passed to the upper layer.
      this.#onError(packet, now);
    } else {
      // RFC 1122 3.2.2 and RFC 4443 2.4 (b): an unknown type MUST be silently discarded. The tunnel
      // has no link-layer addresses, so Neighbor Discovery is not needed.
      drops.count('icmp-type');
    }
  }

  /** RFC 1122 3.2.2.6, RFC 4443 4.2: a reply MUST be passed to the user that sent the request. */
  #takeEchoReply(packet: Inbound): void {
    const { bytes, offset, end, localIndex, source, hopLimit } = packet;
    const identifier = icmpIdentifier(bytes, offset);
    const sequence = icmpSequence(bytes, offset);
    const payload = bytes.slice(offset + ICMP_HEADER_LENGTH, end);
    const socket = this.sockets.find(localIndex, identifier, source);
    if (socket !== undefined) socket.handlers.onReply({ sequence, payload, hopLimit });
    else if (this.onEchoReply === undefined) this.#options.drops.count('icmp-unmatched');
    else this.onEchoReply({ from: source.slice(), identifier, sequence, payload });
  }

  /** RFC 1122 3.2.2.6, RFC 4443 4.2: reply with the same data, from the address that was pinged. */
  #answerEcho(packet: Inbound): void {
    const { bytes, offset, end } = packet;
    this.sendEchoReply({
      to: packet.source,
      from: this.#options.addresses.at(packet.localIndex),
      identifier: icmpIdentifier(bytes, offset),
      sequence: icmpSequence(bytes, offset),
      payload: bytes.subarray(offset + ICMP_HEADER_LENGTH, end),
    });
  }

  /** @returns false if the reply was dropped because the queue is full */
  sendEchoReply(echo: EchoRequest & { readonly from: IpAddress }): boolean {
    const type = echo.from.length === 16 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY;
    return this.#enqueue(this.#options.control, this.#createEcho(type, echo), echo.to);
  }

  /** @returns false if the echo was dropped because it exceeds the MTU or the queue is full */
  sendEcho(request: EchoRequest): boolean {
    const { addresses, datagrams, outbound } = this.#options;
    const from = addresses.at(addresses.select(request.to, request.from));
    const type = from.length === 16 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST;
    const slot = this.#createEcho(type, { ...request, from });
    if (packetLength(slot) > outbound.mtu) return false;
    return this.#enqueue(datagrams, slot, request.to);
  }

  #enqueue(queue: PacketQueue, slot: Uint8Array, to: IpAddress): boolean {
    const { outbound, drops } = this.#options;
    if (queue.offerAll(outbound.fit(slot, to))) return true;
    drops.count('queue-full');
    return false;
  }

  #createEcho(type: number, echo: EchoRequest & { from: IpAddress }): Uint8Array {
    const { outbound } = this.#options;
    const { from, to, identifier, payload } = echo;
    const isIpv6 = from.length === 16;
    const protocol = isIpv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
    const local = { address: from, port: identifier };
    const header = outbound.createHeader(local, { address: to, port: 0 }, protocol);
    const length = ICMP_HEADER_LENGTH + payload.length;
    const slot = outbound.slots.allocate(header.length + length);
    const offset = PACKET_HEADROOM + header.length;
    header.write(slot, PACKET_HEADROOM, length);
    writeIcmpEcho(slot, offset, type, identifier, echo.sequence);
    slot.set(payload, offset + ICMP_HEADER_LENGTH);
    finishIcmp(slot, offset, length, isIpv6 ? header.pseudoSum(length) : 0);
    outbound.flows.note(protocol, ...echoEnds(from, to, slot, offset));
    return slot;
  }
}

/** The endpoints of an echo, with its identifier and sequence number as ports. */
export function echoEnds(
  local: IpAddress,
  remote: IpAddress,
  bytes: Uint8Array,
  offset: number,
): [SocketAddress, SocketAddress] {
  return [
    { address: local, port: icmpIdentifier(bytes, offset) },
    { address: remote, port: icmpSequence(bytes, offset) },
  ];
}

/**
 * Excludes source quench (deprecated by RFC 6633 3) and redirect (useless, because the tunnel is
 * the only route).
 */
function isHeededError(type: number): boolean {
  return (
    type === ICMP_DESTINATION_UNREACHABLE ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETER_PROBLEM
  );
}
