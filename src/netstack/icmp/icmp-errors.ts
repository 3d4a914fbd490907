/**
 * Passes received ICMP errors to the connection or socket that sent the quoted packet (RFC 1122
 * 3.2.2, RFC 4443 2.4 (d)). ICMP errors are easily forged, so errors are ignored unless this stack
 * probably sent the quoted packet.
 */
import {
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_HEADER_LENGTH,
  ICMP_PORT_UNREACHABLE,
  ICMP_TIME_EXCEEDED,
  icmpCode,
  icmpNextHopMtu,
  icmpType,
} from '../../wire/icmp.js';
import {
  ICMPV6_DESTINATION_UNREACHABLE,
  ICMPV6_PACKET_TOO_BIG,
  ICMPV6_PORT_UNREACHABLE,
  ICMPV6_TIME_EXCEEDED,
  icmpv6Parameter,
} from '../../wire/icmpv6.js';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from '../../wire/ipv4.js';
import { PROTOCOL_ICMPV6 } from '../../wire/ipv6.js';
import { tcpSequence } from '../../wire/tcp.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import type { Inbound } from '../ip/inbound.js';
import type { Outbound } from '../ip/outbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import { destinationUnreachable, isInFlight } from '../tcp/network-errors.js';
import type { TcpProtocol } from '../tcp/tcp-protocol.js';
import type { UdpProtocol } from '../udp/udp-protocol.js';
import type { UdpErrorKind } from '../udp/udp-socket.js';
import type { EchoSockets } from './echo-sockets.js';
import { echoEnds } from './icmp-protocol.js';
import { type QuotedPacket, readQuotedPacket } from './quoted-packet.js';

export type IcmpErrorOutcome = 'taken' | 'icmp-unmatched' | 'icmp-path-mtu';

export interface IcmpErrorsOptions {
  readonly addresses: OwnAddresses;
  readonly outbound: Outbound;
  readonly tcp: TcpProtocol;
  readonly udp: UdpProtocol;
  readonly echoes: EchoSockets;
}

export class IcmpErrors {
  readonly #addresses: OwnAddresses;
  readonly #outbound: Outbound;
  readonly #tcp: TcpProtocol;
  readonly #udp: UdpProtocol;
  readonly #echoes: EchoSockets;

  constructor({ addresses, outbound, tcp, udp, echoes }: IcmpErrorsOptions) {
    this.#addresses = addresses;
    this.#outbound = outbound;
    this.#tcp = tcp;
    this.#udp = udp;
    this.#echoes = echoes;
  }

  /** Handles an ICMP or ICMPv6 error with a valid checksum. */
  handle(packet: Inbound, now: number): IcmpErrorOutcome {
    const { bytes, offset, end, isIpv6 } = packet;
    const quoted = readQuotedPacket(bytes, offset + ICMP_HEADER_LENGTH, end, isIpv6);
    if (quoted === undefined) return 'icmp-unmatched';
    const localIndex = this.#addresses.indexOf(quoted.source);
    if (localIndex === undefined) return 'icmp-unmatched';
    const kind = kindOf(bytes, offset, isIpv6);
    switch (quoted.protocol) {
      case PROTOCOL_TCP:
        return this.#handleTcp(packet, quoted, localIndex, kind, now);
      case PROTOCOL_UDP:
        return this.#handleUdp(packet, quoted, localIndex, kind, now);
      case isIpv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP:
        return this.#handleEcho(packet, quoted, localIndex, kind, now);
      default:
        return 'icmp-unmatched';
    }
  }

  #handleTcp(
    packet: Inbound,
    quoted: QuotedPacket,
    localIndex: number,
    kind: UdpErrorKind,
    now: number,
  ): IcmpErrorOutcome {
    const remote = { address: quoted.destination, port: quoted.destinationPort };
    const tcb = this.#tcp.find(localIndex, quoted.sourcePort, remote);
    const sequence = tcpSequence(packet.bytes, quoted.upper);
    if (tcb === undefined || !isInFlight(tcb, sequence)) return 'icmp-unmatched';
    if (kind === 'too-big') return this.#learn(packet, quoted, now);
    // RFC 1122 4.2.3.9: time exceeded and parameter problem are soft errors, since a router may
    // have caused them.
    if (kind === 'unreachable' || kind === 'port-unreachable') destinationUnreachable(tcb, now);
    return 'taken';
  }

  #handleUdp(
    packet: Inbound,
    quoted: QuotedPacket,
    localIndex: number,
    kind: UdpErrorKind,
    now: number,
  ): IcmpErrorOutcome {
    const local = { address: this.#addresses.at(localIndex), port: quoted.sourcePort };
    const remote = { address: quoted.destination.slice(), port: quoted.destinationPort };
    if (!this.#hasSent(PROTOCOL_UDP, local, remote)) return 'icmp-unmatched';
    const outcome = kind === 'too-big' ? this.#learn(packet, quoted, now) : 'taken';
    if (outcome !== 'taken') return outcome;
    const socket = this.#udp.findFor(localIndex, quoted.sourcePort, remote);
    // RFC 1122 4.1.3.3: UDP MUST pass errors to the application.
    socket?.onError?.({ kind, code: icmpCode(packet.bytes, packet.offset), remote });
    return socket === undefined && kind !== 'too-big' ? 'icmp-unmatched' : 'taken';
  }

  #handleEcho(
    packet: Inbound,
    quoted: QuotedPacket,
    localIndex: number,
    kind: UdpErrorKind,
    now: number,
  ): IcmpErrorOutcome {
    const { source, destination, protocol, upper } = quoted;
    const { bytes, offset } = packet;
    const [local, remote] = echoEnds(source, destination, bytes, upper);
    if (!this.#hasSent(protocol, local, remote)) return 'icmp-unmatched';
    const outcome = kind === 'too-big' ? this.#learn(packet, quoted, now) : 'taken';
    if (outcome !== 'taken') return outcome;
    // RFC 1122 3.2.2: an error MUST be passed to the user of the quoted packet.
    this.#echoes.find(localIndex, local.port, destination)?.handlers.onError({
      kind,
      type: icmpType(bytes, offset),
      code: icmpCode(bytes, offset),
      sequence: remote.port,
      from: packet.source.slice(),
    });
    return 'taken';
  }

  #hasSent(protocol: number, local: SocketAddress, remote: SocketAddress): boolean {
    return this.#outbound.flows.isNoted(protocol, local, remote);
  }

  /** Path MTU discovery (RFC 1191 6.2, RFC 8201 4 and 5.2). */
  #learn({ bytes, offset, isIpv6 }: Inbound, quoted: QuotedPacket, now: number): IcmpErrorOutcome {
    const mtu = isIpv6 ? icmpv6Parameter(bytes, offset) : icmpNextHopMtu(bytes, offset);
    const { paths } = this.#outbound;
    if (!paths.learn(quoted.destination, mtu, quoted.length, now)) return 'icmp-path-mtu';
    this.#tcp.pathMtuChanged(quoted.destinationKey, now);
    return 'taken';
  }
}

function kindOf(bytes: Uint8Array, offset: number, isIpv6: boolean): UdpErrorKind {
  const type = icmpType(bytes, offset);
  const code = icmpCode(bytes, offset);
  if (isIpv6) {
    if (type === ICMPV6_PACKET_TOO_BIG) return 'too-big';
    if (type === ICMPV6_TIME_EXCEEDED) return 'time-exceeded';
    if (type !== ICMPV6_DESTINATION_UNREACHABLE) return 'other';
    return code === ICMPV6_PORT_UNREACHABLE ? 'port-unreachable' : 'unreachable';
  }
  if (type === ICMP_TIME_EXCEEDED) return 'time-exceeded';
  if (type !== ICMP_DESTINATION_UNREACHABLE) return 'other';
  if (code === ICMP_FRAGMENTATION_NEEDED) return 'too-big';
  return code === ICMP_PORT_UNREACHABLE ? 'port-unreachable' : 'unreachable';
}
