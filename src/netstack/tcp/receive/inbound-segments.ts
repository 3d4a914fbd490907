/**
 * Segments from the network, each given to whom it is for: a connection (segment-arrives.ts), a
 * listener (passive-open.ts), or nobody, which is CLOSED (RFC 9293 3.10.7.1).
 */
import { sequenceBefore } from '../../../lib/sequence-number.js';
import { TokenBucket } from '../../../lib/token-bucket.js';
import { isChecksumValid, sumBytes, sumPseudoHeader } from '../../../wire/checksum.js';
import { PROTOCOL_TCP } from '../../../wire/ipv4.js';
import { ACK, RST, SYN } from '../../../wire/tcp.js';
import type { Inbound } from '../../ip/inbound.js';
import type { TcpDemux } from '../tables/demux.js';
import { terminate } from '../events.js';
import type { ListenerTable } from '../tables/listener-table.js';
import { PassiveOpen, type PassiveOpenHost } from '../open/passive-open.js';
import { createReset } from './reset.js';
import { Segment } from '../segment.js';
import { segmentArrives } from './segment-arrives.js';
import type { UnmatchedSegments } from '../tables/unmatched-segments.js';
import type { Tcb } from '../tcb.js';

/**
 * RSTs to segments that belong to no connection, as FreeBSD limits them. A flood of segments gets no
 * flood of answers, which would go over a metered line and, for a forged source, to a third host.
 */
const RESETS_PER_SECOND = 100;

/** What arriving segments need of the TCP layer. */
export interface InboundSegmentsHost extends PassiveOpenHost {
  readonly demux: TcpDemux;
  readonly listeners: ListenerTable;
  /** Where somebody wants to know of segments that are for none of our connections. */
  readonly unmatchedSegments: UnmatchedSegments | undefined;
}

export class InboundSegments {
  readonly #host: InboundSegmentsHost;
  readonly #passiveOpen: PassiveOpen;
  readonly #segment = new Segment();
  readonly #resets: TokenBucket;

  /** @param cookieKey 16 secret bytes, for SYN cookies */
  constructor(host: InboundSegmentsHost, cookieKey: Uint8Array, now: number) {
    this.#host = host;
    this.#resets = new TokenBucket(RESETS_PER_SECOND, RESETS_PER_SECOND, now);
    this.#passiveOpen = new PassiveOpen(host, cookieKey);
  }

  /** Handles the TCP segment in `packet`. */
  handle(packet: Inbound, now: number): void {
    const { bytes, offset, length } = packet;
    const { drops } = this.#host;
    const segment = this.#segment;
    if (!segment.parse(bytes, offset, length)) {
      drops.count('tcp-truncated');
      return;
    }
    const pseudoSum = sumPseudoHeader(packet.source, packet.destination, PROTOCOL_TCP, length);
    // RFC 9293 3.1, MUST-3.
    if (isChecksumValid(pseudoSum + sumBytes(bytes, offset, length))) {
      this.#deliver(packet, segment, now);
    } else {
      drops.count('tcp-checksum');
    }
    segment.release();
  }

  #deliver(packet: Inbound, segment: Segment, now: number): void {
    const { demux, listeners } = this.#host;
    const { localIndex, sourceKey } = packet;
    const { destinationPort, sourcePort } = segment;
    const tcb = demux.find(localIndex, destinationPort, sourceKey, sourcePort);
    if (tcb !== undefined && !this.#isReusable(tcb, segment)) {
      segmentArrives(tcb, segment, now);
      return;
    }
    const listener = listeners.find(localIndex, destinationPort);
    if (listener !== undefined && (segment.flags & (SYN | ACK | RST)) === SYN) {
      if (tcb !== undefined) terminate(tcb, 'normal');
      this.#passiveOpen.takeSyn(listener, packet, segment, now);
      return;
    }
    if (listener !== undefined && (segment.flags & (SYN | ACK | RST)) === ACK) {
      const opened = this.#passiveOpen.takeCookie(listener, packet, segment, now);
      if (opened !== undefined) {
        segmentArrives(opened, segment, now);
        return;
      }
    }
    this.#arriveInClosed(packet, segment, now);
  }

  /** RFC 9293 3.10.7.4: a new SYN, above all that went before, may end TIME-WAIT for a listener. */
  #isReusable(tcb: Tcb, segment: Segment): boolean {
    return (
      tcb.state === 'TIME-WAIT' &&
      (segment.flags & (SYN | ACK | RST)) === SYN &&
      sequenceBefore(tcb.receiver.rcvNxt, segment.segSeq) &&
      this.#host.listeners.find(tcb.localIndex, tcb.local.port) !== undefined
    );
  }

  /** RFC 9293 3.10.7.1: a segment without RST gets one, within the limit. */
  #arriveInClosed(packet: Inbound, segment: Segment, now: number): void {
    const { drops, addresses, outbound, slots, unmatchedSegments } = this.#host;
    drops.count('tcp-port');
    if (segment.has(RST)) return;
    if (unmatchedSegments?.arrived(packet, segment, now) === true) return;
    if (!this.#resets.take(now)) {
      drops.count('reset-rate');
      return;
    }
    const local = { address: addresses.at(packet.localIndex), port: segment.destinationPort };
    const remote = { address: packet.source, port: segment.sourcePort };
    const header = outbound.createHeader(local, remote, PROTOCOL_TCP);
    this.#host.answer(createReset(slots, header, segment));
  }
}
