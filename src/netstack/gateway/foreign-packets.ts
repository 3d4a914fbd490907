/** Passes the packets for adopted addresses to the handlers of a gateway. */
import {
  ICMP_HEADER_LENGTH,
  ICMP_LONGEST_ERROR,
  icmpIdentifier,
  icmpSequence,
} from '../../wire/icmp.js';
import { ICMPV6_LONGEST_ERROR } from '../../wire/icmpv6.js';
import { finishIpv4Header } from '../../wire/ipv4.js';
import { finishIpv6Header, IPV6_HEADER_LENGTH } from '../../wire/ipv6.js';
import type { IcmpErrorSender } from '../icmp/icmp-error-sender.js';
import type { EchoRequest } from '../icmp/icmp-protocol.js';
import { Inbound } from '../ip/inbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import { ConnectionAttempts } from './connection-attempts.js';
import type { GatewayHandlers, Unreachable } from './gateway.js';

/** The parts of the stack that a gateway uses. */
export interface ForeignPacketsHost {
  readonly addresses: OwnAddresses;
  readonly errors: () => Pick<IcmpErrorSender, 'sendUnreachable'>;
  /** Handles a packet as if it had just arrived. */
  readonly replay: (packet: Uint8Array, now: number) => void;
  readonly reply: (echo: EchoRequest & { readonly from: Uint8Array }) => boolean;
}

export class ForeignPackets {
  readonly attempts: ConnectionAttempts;
  readonly #handlers: GatewayHandlers;
  readonly #host: ForeignPacketsHost;

  constructor(handlers: GatewayHandlers, host: ForeignPacketsHost) {
    this.#handlers = handlers;
    this.#host = host;
    const { onConnect } = handlers;
    const unreachable = this.#unreachable.bind(this);
    this.attempts = new ConnectionAttempts({ onConnect, replay: host.replay, unreachable });
  }

  handleDatagram(packet: Inbound, sourcePort: number, port: number): void {
    if (!this.#host.addresses.isAdopted(packet.localIndex)) return;
    // Port 0 is not an endpoint. A datagram from it does not expect a reply (RFC 768).
    if (port === 0 || sourcePort === 0) return;
    const quote = quoteOf(packet);
    this.#handlers.onDatagram({
      target: { address: packet.destination.slice(), port },
      source: { address: packet.source.slice(), port: sourcePort },
      unreachable: (reason, now) => this.#unreachable(quote, reason, now),
    });
  }

  handleEcho(packet: Inbound): void {
    const { bytes, offset, end } = packet;
    const target = packet.destination.slice();
    const source = packet.source.slice();
    const identifier = icmpIdentifier(bytes, offset);
    const sequence = icmpSequence(bytes, offset);
    const quote = quoteOf(packet);
    this.#handlers.onEcho({
      ...{ target, source, identifier, sequence },
      payload: bytes.slice(offset + ICMP_HEADER_LENGTH, end),
      reply: (payload) =>
        this.#host.reply({ to: source, from: target, identifier, sequence, payload }),
      unreachable: (reason, now) => this.#unreachable(quote, reason, now),
    });
  }

  #unreachable(packet: Uint8Array, reason: Unreachable, now: number): void {
    const inbound = new Inbound();
    const { addresses, errors } = this.#host;
    if (inbound.parse(packet, addresses) !== undefined) return;
    errors().sendUnreachable(inbound, reason, now);
  }
}

/** Copies as much of the packet as an ICMP error quotes, as a packet of this length. */
function quoteOf({ bytes, end, isIpv6 }: Inbound): Uint8Array {
  const longest = isIpv6 ? ICMPV6_LONGEST_ERROR : ICMP_LONGEST_ERROR;
  const quote = bytes.slice(0, Math.min(end, longest));
  if (quote.length === end) return quote;
  if (isIpv6) finishIpv6Header(quote, 0, quote.length - IPV6_HEADER_LENGTH);
  else finishIpv4Header(quote, 0, quote.length);
  return quote;
}
