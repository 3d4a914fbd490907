/**
 * Delivers each segment from the network to a connection (segment-arrives.ts) or a listener
 * (passive-open.ts). Other segments are handled as in state CLOSED (RFC 9293 3.10.7.1).
 */
import { sequenceBefore } from '../../../lib/sequence-number.js';
import { TokenBucket } from '../../../lib/token-bucket.js';
import { isChecksumValid, sumBytes } from '../../../wire/checksum.js';
import { PROTOCOL_TCP } from '../../../wire/ipv4.js';
import { ACK, RST, SYN } from '../../../wire/tcp.js';
import type { Inbound } from '../../ip/inbound.js';
import type { ConnectionAttempts } from '../../gateway/connection-attempts.js';
import type { TcpDemux } from '../tables/demux.js';
import { terminate } from '../events.js';
import type { ListenerTable } from '../tables/listener-table.js';
import { PassiveOpen, type PassiveOpenHost } from '../open/passive-open.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import { createReset } from './reset.js';
import { Segment } from '../segment.js';
import { segmentArrives } from './segment-arrives.js';
import type { UnmatchedSegments } from '../tables/unmatched-segments.js';
import type { Tcb } from '../tcb.js';

/**
 * The maximum number of RSTs per second for unmatched segments, as in FreeBSD. The limit protects
 * metered links from floods, and protects hosts whose addresses are forged from unwanted replies.
 */
const RESETS_PER_SECOND = 100;

/** The parts of the TCP layer that inbound segments use. */
export interface InboundSegmentsHost extends PassiveOpenHost {
  readonly demux: TcpDemux;
  readonly listeners: ListenerTable;
  /** Receives segments that do not match a connection; undefined without a subscriber. */
  readonly unmatchedSegments: UnmatchedSegments | undefined;
  /** The unanswered SYNs of a gateway; undefined for other stacks. */
  readonly attempts: ConnectionAttempts | undefined;
  /** TSval for a segment without a connection. */
  timestamp(local: SocketAddress, remote: SocketAddress, now: number): number;
}

export class InboundSegments {
  readonly #host: InboundSegmentsHost;
  readonly #passiveOpen: PassiveOpen;
  readonly #segment = new Segment();
  readonly #resets: TokenBucket;

  /** @param cookieKey the secret 16-byte key for SYN cookies */
  constructor(host: InboundSegmentsHost, cookieKey: Uint8Array, now: number) {
    this.#host = host;
    this.#resets = new TokenBucket(RESETS_PER_SECOND, RESETS_PER_SECOND, now);
    this.#passiveOpen = new PassiveOpen(host, cookieKey);
  }

  handle(packet: Inbound, now: number): void {
    const { bytes, offset, length } = packet;
    const { drops } = this.#host;
    const segment = this.#segment;
    if (!segment.parse(bytes, offset, length)) {
      drops.count('tcp-truncated');
      return;
    }
    const pseudoSum = packet.pseudoSum(PROTOCOL_TCP, length);
    // RFC 9293 3.1, MUST-3: verify the checksum.
    if (isChecksumValid(pseudoSum + sumBytes(bytes, offset, length))) {
      this.#deliver(packet, segment, now);
    } else {
      drops.count('tcp-checksum');
    }
    segment.release();
  }

  #deliver(packet: Inbound, segment: Segment, now: number): void {
    const { demux, listeners, attempts } = this.#host;
    const { localIndex, sourceKey } = packet;
    const { destinationPort, sourcePort } = segment;
    const tcb = demux.find(localIndex, destinationPort, sourceKey, sourcePort);
    if (tcb !== undefined && !this.#isReusable(tcb, segment)) {
      segmentArrives(tcb, segment, now);
      return;
    }
    const isSyn = (segment.flags & (SYN | ACK | RST)) === SYN;
    let listener = listeners.find(localIndex, destinationPort);
    if (listener === undefined && isSyn) {
      const decision = attempts?.decide(packet, sourcePort, destinationPort);
      if (decision === 'pending') return;
      if (decision !== 'refused') listener = decision;
    }
    if (listener !== undefined && isSyn) {
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

  /**
   * RFC 9293 3.10.7.4: if a listener exists, a SYN whose sequence number is above RCV.NXT may end
   * TIME-WAIT.
   */
  #isReusable(tcb: Tcb, segment: Segment): boolean {
    return (
      tcb.state === 'TIME-WAIT' &&
      (segment.flags & (SYN | ACK | RST)) === SYN &&
      sequenceBefore(tcb.receiver.rcvNxt, segment.segSeq) &&
      (this.#host.attempts !== undefined ||
        this.#host.listeners.find(tcb.localIndex, tcb.local.port) !== undefined)
    );
  }

  /** RFC 9293 3.10.7.1: answers any segment except an RST with an RST, within the rate limit. */
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
    const tsVal = this.#host.timestamp(local, remote, now);
    this.#host.answer(createReset(slots, header, segment, tsVal));
  }
}
