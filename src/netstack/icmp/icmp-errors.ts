/**
 * Destination unreachable, given to the connection or socket that the quoted packet came from.
 * ICMP is easily forged: RFC 5927 says what to believe.
 */
import { sequenceAtOrBefore, sequenceBefore } from '../../lib/sequence-number.js';
import { readUint16 } from '../../wire/bytes.js';
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HEADER_LENGTH,
  icmpCode,
  icmpNextHopMtu,
} from '../../wire/icmp.js';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../wire/ipv4.js';
import { TCP_HEADER_LENGTH, tcpSequence } from '../../wire/tcp.js';
import type { Inbound } from '../ip/inbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import { terminate } from '../tcp/events.js';
import { applyMss } from '../tcp/handshake.js';
import { settle } from '../tcp/segment-arrives.js';
import type { Tcb } from '../tcp/tcb.js';
import type { TcpLayer } from '../tcp/tcp-layer.js';
import type { UdpLayer } from '../udp/udp-layer.js';

/** Less is not believed: Linux's min_pmtu. RFC 5927 7.1: else a forger could make us send crumbs. */
const MINIMUM_PATH_MTU = 552;

/** Quoted bytes behind the IP header that every error has (RFC 792): ports and sequence number. */
const QUOTED_LENGTH = 8;

export class IcmpErrors {
  readonly #addresses: OwnAddresses;
  readonly #tcp: TcpLayer;
  readonly #udp: UdpLayer;

  constructor(addresses: OwnAddresses, tcp: TcpLayer, udp: UdpLayer) {
    this.#addresses = addresses;
    this.#tcp = tcp;
    this.#udp = udp;
  }

  /** Handles destination unreachable; false when it is about nothing that we know. */
  handle(packet: Inbound, now: number): boolean {
    const { bytes, offset } = packet;
    const end = offset + packet.length;
    const quoted = offset + ICMP_HEADER_LENGTH;
    if (quoted + IPV4_HEADER_LENGTH > end) return false;
    const upper = quoted + ipv4HeaderLength(bytes, quoted);
    if (upper + QUOTED_LENGTH > end) return false;
    const localIndex = this.#addresses.indexOf(ipv4Source(bytes, quoted));
    if (localIndex === undefined) return false;
    const localPort = readUint16(bytes, upper);
    const remote = {
      address: ipv4Destination(bytes, quoted).slice(),
      port: readUint16(bytes, upper + 2),
    };
    const code = icmpCode(bytes, offset);
    if (ipv4Protocol(bytes, quoted) === PROTOCOL_UDP) {
      const socket = this.#udp.find(localIndex, localPort);
      socket?.onError?.({ kind: 'unreachable', code, remote });
      return socket !== undefined;
    }
    if (ipv4Protocol(bytes, quoted) !== PROTOCOL_TCP) return false;
    const tcb = this.#tcp.find(localIndex, localPort, remote);
    if (tcb === undefined || !isInFlight(tcb, tcpSequence(bytes, upper))) return false;
    if (code === ICMP_FRAGMENTATION_NEEDED) shrink(tcb, icmpNextHopMtu(bytes, offset), now);
    else unreachable(tcb, now);
    return true;
  }
}

/** RFC 5927 4.1: only a segment that we have sent and that is not acknowledged can be quoted. */
function isInFlight(tcb: Tcb, sequence: number): boolean {
  const { sndUna, sndNxt } = tcb.sender;
  return sequenceAtOrBefore(sndUna, sequence) && sequenceBefore(sequence, sndNxt);
}

/**
 * RFC 5461 4: an error in answer to a SYN ends the attempt, lest the user waits for nothing.
 * RFC 5927 6: an established connection outlives it; its own timers decide.
 */
function unreachable(tcb: Tcb, now: number): void {
  if (tcb.state !== 'SYN-SENT') return;
  terminate(tcb, 'unreachable');
  settle(tcb, now);
}

/** Path MTU discovery: RFC 1191 6.3 and 6.4. Our packets all have DF set. */
function shrink(tcb: Tcb, nextHopMtu: number, now: number): void {
  const mtu = Math.max(MINIMUM_PATH_MTU, nextHopMtu);
  const mss = mtu - tcb.header.length - TCP_HEADER_LENGTH;
  if (mss >= tcb.mss) return;
  const before = tcb.sender.mss;
  applyMss(tcb, mss);
  if (tcb.sender.mss >= before) {
    tcb.sender.setMss(before);
    return;
  }
  tcb.sender.sendAgain();
  settle(tcb, now);
}
