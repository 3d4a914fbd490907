/**
 * Detects segments for unknown connections from a remote endpoint that this stack also uses.
 * Another host probably has the same address and uses the same service.
 *
 * RFC 9293 3.10.7.1 answers such segments with an RST, because they could belong to an old
 * connection of this host. If another host shares the address, the RST would reset that host's
 * connection. RFC 9293 does not use MUST for the RST.
 */
import { ACK, SYN } from '../../../wire/tcp.js';
import type { Inbound } from '../../ip/inbound.js';
import type { UnmatchedSegmentObserver } from '../../stack-options.js';
import type { TcpDemux } from './demux.js';
import type { Segment } from '../segment.js';
import type { Tcb } from '../tcb.js';
import { addressKey } from '../../../wire/ip-address.js';

/** The number of ended connections to remember. */
const FORMER_CONNECTIONS = 4_096;

export class UnmatchedSegments {
  readonly #demux: TcpDemux;
  readonly #unmatched: UnmatchedSegmentObserver;
  /** Both endpoints of each ended connection, in the order in which the connections ended. */
  readonly #former = new Set<string>();
  /** The number of ended connections for each remote endpoint. */
  readonly #remotes = new Map<string, number>();

  constructor(demux: TcpDemux, unmatched: UnmatchedSegmentObserver) {
    this.#demux = demux;
    this.#unmatched = unmatched;
  }

  /** Records a connection that ended, because late segments for it may still arrive. */
  ended({ localIndex, local, remote }: Tcb): void {
    const end = remoteKey(addressKey(remote.address), remote.port);
    const flow = flowKey(localIndex, local.port, end);
    if (this.#former.has(flow)) return;
    this.#former.add(flow);
    this.#remotes.set(end, (this.#remotes.get(end) ?? 0) + 1);
    if (this.#former.size > FORMER_CONNECTIONS) this.#forgetOldest();
  }

  /**
   * Reports a segment that matches neither a current nor a recent connection.
   *
   * @returns true if the segment must not be answered
   */
  arrived(packet: Inbound, segment: Segment, now: number): boolean {
    const isAnswer = segment.has(ACK);
    const end = remoteKey(packet.sourceKey, segment.sourcePort);
    if (!isAnswer || !this.#isRemoteOfOurs(packet, segment, end)) return false;
    const flow = flowKey(packet.localIndex, segment.destinationPort, end);
    if (this.#former.has(flow)) return false;
    this.#unmatched.onUnmatched({ flow, isSynAck: segment.has(SYN) }, now);
    return this.#unmatched.isQuiet;
  }

  /**
   * Whether this stack has, or recently had, connections to the segment's source. Without this
   * check, any host in the tunnel could cause reports by sending segments from its own endpoint.
   */
  #isRemoteOfOurs(packet: Inbound, segment: Segment, end: string): boolean {
    if (this.#remotes.has(end)) return true;
    const tcbs = this.#demux.allTo(packet.sourceKey);
    return tcbs.some(({ remote }) => remote.port === segment.sourcePort);
  }

  #forgetOldest(): void {
    for (const oldest of this.#former) {
      this.#former.delete(oldest);
      const end = oldest.slice(oldest.indexOf(' ') + 1);
      const left = this.#remotes.get(end)! - 1;
      if (left === 0) this.#remotes.delete(end);
      else this.#remotes.set(end, left);
      return;
    }
  }
}

function remoteKey(address: number | string, port: number): string {
  return `${address} ${port}`;
}

function flowKey(localIndex: number, localPort: number, end: string): string {
  return `${localIndex}:${localPort} ${end}`;
}
