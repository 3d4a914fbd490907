/** A TCP layer without a stack: the test passes in the peer's packets and takes each turn. */
import { DropCounter } from '../../../src/lib/drop-counter.js';
import { packetInSlot, PacketSlots } from '../../../src/lib/packets/packet-slot.js';
import type { DropReason } from '../../../src/netstack/drop-reason.js';
import { Inbound } from '../../../src/netstack/ip/inbound.js';
import { Outbound } from '../../../src/netstack/ip/outbound.js';
import { OwnAddresses } from '../../../src/netstack/ip/own-addresses.js';
import { DEFAULT_LIMITS, type StackLimits } from '../../../src/netstack/limits.js';
import { PacketQueue } from '../../../src/netstack/packet-queue.js';
import type { ConnectOptions } from '../../../src/netstack/stack-options.js';
import type { CongestionAlgorithm } from '../../../src/netstack/tcp/congestion/congestion-control.js';
import type { TcpConnection } from '../../../src/netstack/tcp/connection.js';
import { Segment } from '../../../src/netstack/tcp/segment.js';
import { TcpProtocol } from '../../../src/netstack/tcp/tcp-protocol.js';
import type { IpAddress } from '../../../src/wire/ip-address.js';
import { sumPseudoHeader } from '../../../src/wire/checksum.js';
import { finishTcp } from '../../../src/wire/tcp.js';
import { seededEntropy } from '../../support/pairs/netstack-pair.js';
import { OUR_V4, OUR_V6, PEER_V4, TCP, v4 } from '../packets.js';
import { ACK, MSS_OPTION, SYN } from '../tcp-harness.js';
import { type Fields, notingObserver, NOW, PEER_ISS, PEER_PORT, segmentBytes } from './lone-tcb.js';

export const OUR_SECOND_V4 = Uint8Array.of(10, 0, 0, 9);

/** A connection, the calls of its observer, and its initial sequence number. */
export interface Opened {
  readonly connection: TcpConnection;
  readonly calls: string[];
  readonly iss: number;
}

export class LoneLayer {
  readonly drops = new DropCounter<DropReason>();
  readonly outbound: Outbound;
  readonly layer: TcpProtocol;
  now = NOW;
  readonly #control: PacketQueue;
  readonly #addresses = new OwnAddresses([OUR_V4, OUR_SECOND_V4, OUR_V6]);

  /** @param answers the maximum number of queued answers */
  constructor(
    limits: Partial<StackLimits> = {},
    congestion: CongestionAlgorithm = 'reno',
    answers = 16,
  ) {
    const slots = new PacketSlots();
    const entropy = seededEntropy(5);
    const mtu = 1040;
    this.outbound = new Outbound(mtu, slots, entropy);
    this.#control = new PacketQueue(answers);
    this.layer = new TcpProtocol(
      {
        mtu,
        outbound: this.outbound,
        limits: { ...DEFAULT_LIMITS, ...limits },
        entropy,
        congestion,
        addresses: this.#addresses,
        drops: this.drops,
        slots,
        control: this.#control,
      },
      this.now,
    );
  }

  /** A segment of the IPv4 peer arrives. */
  receives(fields: Fields, from: IpAddress = PEER_V4, to: IpAddress = OUR_V4): this {
    const bytes = segmentBytes(fields);
    const packet = v4(TCP, bytes, { from, to });
    finishTcp(packet, 20, bytes.length, sumPseudoHeader(from, to, TCP, bytes.length));
    const inbound = new Inbound();
    expect(inbound.parse(packet, this.#addresses)).toBeUndefined();
    this.layer.handleInbound(inbound, this.now);
    return this;
  }

  /** Advances the time by `ms` and handles due timers. */
  after(ms: number): this {
    this.now += ms;
    this.layer.handleTimeout(this.now);
    return this;
  }

  /** Lets one connection take its turn, and returns the segments it sends. */
  turn(quota = 256): Segment[] {
    const sent: Segment[] = [];
    const count = this.layer.dispatchNext((slot) => sent.push(parsed(slot)), this.now, quota);
    expect(count).toBe(sent.length);
    return sent;
  }

  /** All segments that are sent now: answers, then turns. */
  sends(): Segment[] {
    const sent: Segment[] = [];
    for (let slot = this.#control.shift(); slot !== undefined; slot = this.#control.shift()) {
      sent.push(parsed(slot));
    }
    while (this.layer.hasReady) sent.push(...this.turn());
    return sent;
  }

  /** An active open whose SYN is not sent yet. */
  open(options: ConnectOptions = {}, port = PEER_PORT, address: IpAddress = PEER_V4) {
    const calls: string[] = [];
    const observer = notingObserver(calls);
    const connection = this.layer.connect({ address, port }, observer, this.now, options);
    return { connection, calls };
  }

  /** An active open whose SYN is sent. */
  connect(options: ConnectOptions = {}, port = PEER_PORT, address: IpAddress = PEER_V4): Opened {
    const opened = this.open(options, port, address);
    return { ...opened, iss: this.sends().at(-1)!.segSeq };
  }

  /** An established connection, with a peer window of 60,000 and an MSS of 1,000. */
  establish(options: ConnectOptions = {}, port = PEER_PORT, address: IpAddress = PEER_V4): Opened {
    const opened = this.connect(options, port, address);
    const synAck = { flags: SYN | ACK, wnd: 60_000, options: MSS_OPTION(1_000) };
    this.peerSends(opened, synAck);
    expect(opened.calls).toEqual(['established']);
    this.sends();
    return opened;
  }

  /** A segment from the peer of that connection; by default the next in order after a handshake. */
  peerSends({ connection, iss }: Opened, fields: Fields): this {
    const { local, remote } = connection;
    const seq = fields.flags & SYN ? PEER_ISS : PEER_ISS + 1;
    const ports = [remote.port, local.port] as const;
    return this.receives({ seq, ack: iss + 1, ...fields, ports }, remote.address, local.address);
  }
}

/** The TCP segment in an IPv4 packet. */
function parsed(slot: Uint8Array): Segment {
  const packet = packetInSlot(slot);
  const segment = new Segment();
  expect(segment.parse(packet, 20, packet.length - 20)).toBe(true);
  return segment;
}
