/** SEGMENT ARRIVES in LISTEN: RFC 9293 3.10.7.2, with SYN cookies if the backlog is full. */
import type { DropCounter } from '../../../lib/drop-counter.js';
import type { PacketSlots } from '../../../lib/packets/packet-slot.js';
import { sequenceAdd } from '../../../lib/sequence-number.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import { PROTOCOL_TCP } from '../../../wire/ipv4.js';
import { TCP_HEADER_LENGTH } from '../../../wire/tcp.js';
import type { DropReason } from '../../drop-reason.js';
import type { Inbound } from '../../ip/inbound.js';
import type { Outbound } from '../../ip/outbound.js';
import type { OwnAddresses } from '../../ip/own-addresses.js';
import { createCookieSegment } from './cookie-segment.js';
import { synchronize, synchronizeByCookie } from './handshake.js';
import type { TcpListener } from './listener.js';
import { defaultMss } from './options.js';
import type { Segment } from '../segment.js';
import { SynCookies } from './syn-cookies.js';
import type { Tcb } from '../tcb.js';

/** The parts of the TCP layer that a passive open uses. */
export interface PassiveOpenHost {
  readonly mtu: number;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly addresses: OwnAddresses;
  readonly outbound: Outbound;
  /** Whether the connection limit is reached. */
  readonly isFull: boolean;
  /** @param iss the initial sequence number, if already sent; if unset, a new one is created */
  createPassive(
    local: SocketAddress,
    remote: SocketAddress,
    localIndex: number,
    now: number,
    iss?: number,
  ): Tcb;
  /** Registers the connection and starts its handshake. */
  start(tcb: Tcb, now: number): void;
  answer(slot: Uint8Array): void;
}

export class PassiveOpen {
  readonly #host: PassiveOpenHost;
  readonly #cookies: SynCookies;

  /** @param key the secret 16-byte key for SYN cookies */
  constructor(host: PassiveOpenHost, key: Uint8Array) {
    this.#host = host;
    this.#cookies = new SynCookies(key);
  }

  /** Handles a SYN. Ignores any data in the SYN, because the peer will retransmit it. */
  takeSyn(listener: TcpListener, packet: Inbound, segment: Segment, now: number): void {
    const host = this.#host;
    if (host.isFull) {
      host.drops.count('tcp-connections');
      return;
    }
    const { local, remote } = this.#ends(packet, segment);
    if (listener.isFull) {
      this.#answerWithCookie(local, remote, segment, now);
      return;
    }
    const tcb = host.createPassive(local, remote, packet.localIndex, now);
    listener.enterBacklog(tcb);
    tcb.acceptor = listener;
    synchronize(tcb, segment, now);
    tcb.sender.updateWindow(segment.segWnd, segment.segSeq, tcb.sender.iss);
    host.start(tcb, now);
  }

  #answerWithCookie(
    local: SocketAddress,
    remote: SocketAddress,
    segment: Segment,
    now: number,
  ): void {
    const { mtu, slots, drops, outbound } = this.#host;
    drops.count('tcp-backlog');
    const header = outbound.createHeader(local, remote, PROTOCOL_TCP);
    const peerMss = segment.options.hasMss ? segment.options.mss : defaultMss(remote.address);
    const cookie = this.#cookies.create(local, remote, segment.segSeq, peerMss, now);
    const mss = mtu - header.length - TCP_HEADER_LENGTH;
    this.#host.answer(createCookieSegment(slots, header, segment, cookie, mss));
  }

  /**
   * Handles an ACK that does not match a connection. If the ACK carries a valid cookie, creates a
   * connection in SYN-RECEIVED. The connection must then process the segment.
   */
  takeCookie(
    listener: TcpListener,
    packet: Inbound,
    segment: Segment,
    now: number,
  ): Tcb | undefined {
    const host = this.#host;
    const { local, remote } = this.#ends(packet, segment);
    const irs = sequenceAdd(segment.segSeq, -1);
    const cookie = sequenceAdd(segment.segAck, -1);
    const mss = this.#cookies.check(local, remote, irs, cookie, now);
    if (mss === 0 || host.isFull) return undefined;
    const tcb = host.createPassive(local, remote, packet.localIndex, now, cookie);
    tcb.acceptor = listener;
    synchronizeByCookie(tcb, irs, mss);
    host.start(tcb, now);
    return tcb;
  }

  #ends(packet: Inbound, segment: Segment): { local: SocketAddress; remote: SocketAddress } {
    const address = this.#host.addresses.at(packet.localIndex);
    return {
      local: { address, port: segment.destinationPort },
      remote: { address: packet.source.slice(), port: segment.sourcePort },
    };
  }
}
