/** ICMP (RFC 792, RFC 1122 3.2.2): echo both ways, and errors out. Errors in: icmp-errors.ts. */
import type { DropCounter } from '../../lib/drop-counter.js';
import { PACKET_HEADROOM, packetInSlot, type PacketSlots } from '../../lib/packet-slot.js';
import { TokenBucket } from '../../lib/token-bucket.js';
import { isChecksumValid, sumBytes } from '../../wire/checksum.js';
import {
  finishIcmp,
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LENGTH,
  ICMP_PORT_UNREACHABLE,
  icmpIdentifier,
  icmpSequence,
  icmpType,
  writeIcmpEcho,
  writeIcmpError,
} from '../../wire/icmp.js';
import type { IpAddress } from '../../wire/ip-address.js';
import { PROTOCOL_ICMP } from '../../wire/ipv4.js';
import type { DropReason } from '../drop-reason.js';
import type { Inbound } from '../ip/inbound.js';
import { IpHeader } from '../ip/ip-header.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { PacketQueue } from '../packet-queue.js';

/** Echo replies and errors in a second; a flood is not answered in kind. */
const ANSWERS_PER_SECOND = 1000;
const ERRORS_PER_SECOND = 100;

/** An answer to sendEcho(). */
export interface EchoReply {
  readonly from: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

export type EchoReplyHandler = (reply: EchoReply) => void;

export interface EchoRequest {
  readonly to: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly from: IpAddress | undefined;
}

export interface IcmpLayerOptions {
  readonly mtu: number;
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly control: PacketQueue;
  readonly datagrams: PacketQueue;
}

export class IcmpLayer {
  /** Called with each echo reply. */
  onEchoReply: EchoReplyHandler | undefined = undefined;
  /** Called with each error message whose checksum is right. */
  readonly #onError: (packet: Inbound) => void;
  readonly #options: IcmpLayerOptions;
  readonly #answers: TokenBucket;
  readonly #errors: TokenBucket;

  constructor(options: IcmpLayerOptions, onError: (packet: Inbound) => void, now: number) {
    this.#options = options;
    this.#onError = onError;
    this.#answers = new TokenBucket(ANSWERS_PER_SECOND, ANSWERS_PER_SECOND, now);
    this.#errors = new TokenBucket(ERRORS_PER_SECOND, ERRORS_PER_SECOND, now);
  }

  /** Handles the ICMP message in `packet`. */
  handleInbound(packet: Inbound, now: number): void {
    const { bytes, offset, length } = packet;
    const { drops } = this.#options;
    if (length < ICMP_HEADER_LENGTH) {
      drops.count('icmp-truncated');
    } else if (!isChecksumValid(sumBytes(bytes, offset, length))) {
      drops.count('icmp-checksum');
    } else {
      this.#handleMessage(packet, now);
    }
  }

  #handleMessage(packet: Inbound, now: number): void {
    const { bytes, offset, length } = packet;
    const { drops } = this.#options;
    switch (icmpType(bytes, offset)) {
      case ICMP_ECHO_REQUEST:
        if (this.#answers.take(now)) this.#answerEcho(packet);
        else drops.count('icmp-rate');
        break;
      case ICMP_ECHO_REPLY:
        this.onEchoReply?.({
          from: packet.source.slice(),
          identifier: icmpIdentifier(bytes, offset),
          sequence: icmpSequence(bytes, offset),
          payload: bytes.slice(offset + ICMP_HEADER_LENGTH, offset + length),
        });
        break;
      case ICMP_DESTINATION_UNREACHABLE:
        this.#onError(packet);
        break;
      default:
        // RFC 1122 3.2.2: an unknown type MUST be silently discarded.
        drops.count('icmp-type');
    }
  }

  /** RFC 1122 3.2.2.6: the request's data comes back whole, from the address it was sent to. */
  #answerEcho(packet: Inbound): void {
    const { bytes, offset, length } = packet;
    const payload = bytes.subarray(offset + ICMP_HEADER_LENGTH, offset + length);
    const slot = this.#createEcho(ICMP_ECHO_REPLY, {
      to: packet.source,
      from: this.#options.addresses.at(packet.localIndex),
      identifier: icmpIdentifier(bytes, offset),
      sequence: icmpSequence(bytes, offset),
      payload,
    });
    if (!this.#options.control.offer(slot)) this.#options.drops.count('queue-full');
  }

  /** @returns false where the echo was dropped: too long for the MTU, or the queue is full */
  sendEcho(request: EchoRequest): boolean {
    const { addresses, datagrams, drops, mtu } = this.#options;
    const from = addresses.at(addresses.select(request.to, request.from));
    const slot = this.#createEcho(ICMP_ECHO_REQUEST, { ...request, from });
    if (packetInSlot(slot).length > mtu) return false;
    if (datagrams.offer(slot)) return true;
    drops.count('queue-full');
    return false;
  }

  #createEcho(type: number, echo: EchoRequest & { from: IpAddress }): Uint8Array {
    const header = new IpHeader(echo.from, echo.to, PROTOCOL_ICMP);
    const length = ICMP_HEADER_LENGTH + echo.payload.length;
    const slot = this.#options.slots.allocate(header.length + length);
    const offset = PACKET_HEADROOM + header.length;
    header.write(slot, PACKET_HEADROOM, length);
    writeIcmpEcho(slot, offset, type, echo.identifier, echo.sequence);
    slot.set(echo.payload, offset + ICMP_HEADER_LENGTH);
    finishIcmp(slot, offset, length);
    return slot;
  }

  /** Tells the sender of a datagram that nobody has its port: RFC 1122 3.2.2.1 and 4.1.3.1. */
  sendPortUnreachable(packet: Inbound, now: number): void {
    const { addresses, slots, control, drops } = this.#options;
    if (!this.#errors.take(now)) {
      drops.count('icmp-rate');
      return;
    }
    const header = new IpHeader(addresses.at(packet.localIndex), packet.source, PROTOCOL_ICMP);
    // RFC 1122 3.2.2: at least the IP header and eight bytes are quoted.
    const quoted = packet.bytes.subarray(0, packet.offset + 8);
    const length = ICMP_HEADER_LENGTH + quoted.length;
    const slot = slots.allocate(header.length + length);
    const offset = PACKET_HEADROOM + header.length;
    header.write(slot, PACKET_HEADROOM, length);
    writeIcmpError(slot, offset, ICMP_DESTINATION_UNREACHABLE, ICMP_PORT_UNREACHABLE);
    slot.set(quoted, offset + ICMP_HEADER_LENGTH);
    finishIcmp(slot, offset, length);
    if (!control.offer(slot)) drops.count('queue-full');
  }
}
