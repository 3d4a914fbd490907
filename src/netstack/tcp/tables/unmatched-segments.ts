/**
 * Segments for connections that are none of ours and never were, from an end that we have connections
 * to: somebody else who has our address talks to the same service.
 *
 * RFC 9293 3.10.7.1 answers them with a RST, on the ground that the connection is an old one of this
 * host. Where the address is another's as well, that ground is gone, and the RST would end the
 * connection of whom the segment was for. No MUST asks for it.
 */
import { ACK, SYN } from '../../../wire/tcp.js';
import type { Inbound } from '../../ip/inbound.js';
import type { UnmatchedSegmentObserver } from '../../stack-options.js';
import type { TcpDemux } from './demux.js';
import type { Segment } from '../segment.js';
import type { Tcb } from '../tcb.js';
import { addressKey } from '../../../wire/ip-address.js';

/** Connections of ours that are remembered behind their end. */
const FORMER_CONNECTIONS = 4_096;

export class UnmatchedSegments {
  readonly #demux: TcpDemux;
  readonly #unmatched: UnmatchedSegmentObserver;
  /** Both ends of each, in the order in which they ended. */
  readonly #former = new Set<string>();
  /** How many of those went to each remote end. */
  readonly #remotes = new Map<string, number>();

  constructor(demux: TcpDemux, unmatched: UnmatchedSegmentObserver) {
    this.#demux = demux;
    this.#unmatched = unmatched;
  }

  /** To be told of each connection that ends: what is on its way still is no stranger's. */
  ended({ localIndex, local, remote }: Tcb): void {
    const end = remoteKey(addressKey(remote.address), remote.port);
    const flow = flowKey(localIndex, local.port, end);
    if (this.#former.has(flow)) return;
    this.#former.add(flow);
    this.#remotes.set(end, (this.#remotes.get(end) ?? 0) + 1);
    if (this.#former.size > FORMER_CONNECTIONS) this.#forgetOldest();
  }

  /**
   * Tells of a segment that is for no connection of now, where it is a stranger's.
   *
   * @returns whether it is to get no answer
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

  /** Others inside of the tunnel could send anything, from their own ends. */
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
