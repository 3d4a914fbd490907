/**
 * One stack and a scripted peer, modeled on smoltcp's test language: `receives(seg)` gives the
 * stack a segment, `sends()` takes the segments it emits, `at(ms)` moves time. Numbers are relative
 * to the SYN of the sender, which is 0.
 */
import { packetInSlot } from '../../src/lib/packets/packet-slot.js';
import { Stack, type ConnectOptions, type StackLimits } from '../../src/netstack/stack.js';
import type { CongestionAlgorithm } from '../../src/netstack/tcp/congestion/congestion-control.js';
import type { TcpConnection, TcpObserver } from '../../src/netstack/tcp/connection.js';
import { TcpOptions, parseOptions } from '../../src/netstack/tcp/open/options.js';
import { sumPseudoHeader } from '../../src/wire/checksum.js';
import { createIpv4Header, finishIpv4Header } from '../../src/wire/ipv4.js';
import * as tcp from '../../src/wire/tcp.js';
import { ip, seededEntropy } from '../support/pairs/netstack-pair.js';

/** The states of RFC 9293 3.3.2 with a connection, in the order of an active close. */
export const LIVE_STATES = [
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
] as const;

export const OUR_ADDRESS = ip('10.0.0.1');
export const PEER_ADDRESS = ip('10.0.0.2');
export const PEER_PORT = 80;
const PEER_ISS = 0x7fff_fff0;

const { ACK, FIN, PSH, RST, SYN } = tcp;
export { ACK, FIN, PSH, RST, SYN };

export interface Seg {
  flags: number;
  /** Relative to the sender's SYN. */
  seq?: number;
  ack?: number;
  wnd?: number;
  data?: Uint8Array | number;
  options?: number[];
}

/** A segment that the stack sent. */
export interface Sent {
  flags: string;
  seq: number;
  ack: number;
  wnd: number;
  len: number;
  data: Uint8Array;
  options: TcpOptions;
  absoluteSeq: number;
  absoluteAck: number;
}

export const MSS_OPTION = (mss: number): number[] => [2, 4, mss >> 8, mss & 0xff];
export const SCALE_OPTION = (shift: number): number[] => [1, 3, 3, shift];
export const TIMESTAMPS_OPTION = (tsVal: number, tsEcr: number): number[] => [
  1,
  1,
  8,
  10,
  ...[tsVal, tsEcr].flatMap((word) => [24, 16, 8, 0].map((bits) => (word >>> bits) & 0xff)),
];

export const SACK_PERMITTED_OPTION = [4, 2];
/** The options of a SYN with MSS 1000 and SACK, and with timestamps too. */
export const SACK_SYN = [...MSS_OPTION(1000), ...SACK_PERMITTED_OPTION, 1, 1];
export const SACK_TIMESTAMPS_SYN = [...SACK_SYN, ...TIMESTAMPS_OPTION(1, 0)];

/** A SACK of blocks [start, end) in the stack's sequence numbers, for `options`. */
export type SackBlocks = readonly (readonly [start: number, end: number])[];

export class Harness implements TcpObserver {
  readonly stack: Stack;
  readonly events: string[] = [];
  connection!: TcpConnection;
  now = 10_000;
  ourPort = 0;
  peerPort = PEER_PORT;
  iss = 0;

  /** Reno by default, because its window is predictable. */
  constructor(
    options: {
      mtu?: number;
      limits?: Partial<StackLimits>;
      congestion?: CongestionAlgorithm;
    } = {},
  ) {
    const { mtu = 1040, limits = {}, congestion = 'reno' } = options;
    this.stack = new Stack(
      { addresses: [OUR_ADDRESS], mtu, entropy: seededEntropy(7), limits, congestion },
      this.now,
    );
  }

  // The observer.
  established(): void {
    this.events.push('established');
  }
  readable(): void {
    this.events.push('readable');
  }
  writable(): void {
    this.events.push('writable');
  }
  remoteClosed(): void {
    this.events.push('remoteClosed');
  }
  closed(reason: string): void {
    this.events.push(`closed:${reason}`);
  }

  /** Starts an active open and takes the SYN. */
  connect(options: ConnectOptions = {}): Sent {
    const remote = { address: PEER_ADDRESS, port: PEER_PORT };
    this.connection = this.stack.connectTcp(remote, this, this.now, options);
    this.ourPort = this.connection.local.port;
    const syn = this.sends()[0]!;
    this.iss = syn.absoluteSeq;
    return { ...syn, seq: 0 };
  }

  /** Listens, and takes the answer to the peer's SYN. */
  listen(options: number[] = MSS_OPTION(1000), backlog = 8): Sent {
    this.ourPort = 8080;
    this.stack.listenTcp(
      { port: 8080 },
      (connection) => {
        this.connection = connection;
        this.events.push('accepted');
        return this;
      },
      { backlog },
    );
    this.receives({ flags: SYN, seq: 0, options });
    const synAck = this.sends()[0]!;
    this.iss = synAck.absoluteSeq;
    return { ...synAck, seq: 0 };
  }

  /**
   * Establishes an active connection, MSS 1000, without window scale and timestamps. The handshake
   * takes `rtt` ms.
   */
  establish(
    options: { wnd?: number; syn?: number[]; rtt?: number; connect?: ConnectOptions } = {},
  ): this {
    this.connect(options.connect);
    const { wnd = 60_000, syn = MSS_OPTION(1000), rtt = 0 } = options;
    this.after(rtt);
    this.receives({ flags: SYN | ACK, seq: 0, ack: 1, wnd, options: syn });
    this.sends();
    this.events.length = 0;
    return this;
  }

  receives(seg: Seg): this {
    this.stack.handlePacket(this.packet(seg), this.now);
    return this;
  }

  /** Advances the time by `ms` and runs the timers. */
  after(ms: number): this {
    const end = this.now + ms;
    for (;;) {
      const next = this.stack.nextTimeout();
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.stack.handleTimeout(this.now);
      if (this.stack.nextTimeout() <= this.now) break;
    }
    this.now = end;
    return this;
  }

  /** The SACK option of an ACK from the peer with these blocks, in relative numbers. */
  sack(...blocks: SackBlocks): number[] {
    const words = blocks.flat().map((number) => (this.iss + number) | 0);
    const bytes = words.flatMap((word) => [24, 16, 8, 0].map((bits) => (word >>> bits) & 0xff));
    return [1, 1, 5, 2 + bytes.length, ...bytes];
  }

  /** All segments that the stack sends now. */
  sends(): Sent[] {
    const sent: Sent[] = [];
    while (this.stack.drain((slot) => sent.push(this.parse(packetInSlot(slot))), this.now));
    return sent;
  }

  /** The same in brief: `flags seq+len ack`. */
  sendsBriefly(): string[] {
    return this.sends().map(({ flags, seq, len, ack }) => `${flags} ${seq}+${len} ${ack}`);
  }

  /** The blocks of a SACK that the stack sent, as `start-end` in the peer's numbers. */
  blocks({ options }: Sent): string[] {
    const { sackStarts, sackEnds, sackCount } = options;
    const relative = (number: number): number => (number - PEER_ISS) | 0;
    return Array.from(
      { length: sackCount },
      (_, index) => `${relative(sackStarts[index]!)}-${relative(sackEnds[index]!)}`,
    );
  }

  packet(seg: Seg): Uint8Array {
    const data = typeof seg.data === 'number' ? new Uint8Array(seg.data) : seg.data;
    const { flags, seq = 1, ack = 1, wnd = 60_000, options = [] } = seg;
    const headerLength = 20 + options.length;
    const length = headerLength + (data?.length ?? 0);
    const packet = new Uint8Array(20 + length);
    packet.set(createIpv4Header(PEER_ADDRESS, OUR_ADDRESS, 6));
    finishIpv4Header(packet, 0, packet.length);
    tcp.writeTcpPorts(packet, 20, this.peerPort, this.ourPort);
    tcp.writeTcpNumbers(packet, 20, PEER_ISS + seq, flags & ACK ? this.iss + ack : 0);
    tcp.writeTcpControl(packet, 20, headerLength, flags, wnd);
    packet.set(options, 40);
    if (data !== undefined) packet.set(data, 20 + headerLength);
    tcp.finishTcp(packet, 20, length, sumPseudoHeader(PEER_ADDRESS, OUR_ADDRESS, 6, length));
    return packet;
  }

  parse(packet: Uint8Array): Sent {
    const headerLength = tcp.tcpHeaderLength(packet, 20);
    const flags = tcp.tcpFlags(packet, 20);
    const options = new TcpOptions();
    parseOptions(options, packet, 40, headerLength - 20);
    const absoluteSeq = tcp.tcpSequence(packet, 20);
    const absoluteAck = tcp.tcpAcknowledgment(packet, 20);
    const data = packet.subarray(20 + headerLength);
    return {
      flags: Object.entries({ SYN, FIN, RST, PSH, ACK })
        .filter(([, bit]) => flags & bit)
        .map(([name]) => name)
        .join(','),
      seq: (absoluteSeq - this.iss) | 0,
      ack: flags & ACK ? (absoluteAck - PEER_ISS) | 0 : 0,
      wnd: tcp.tcpWindow(packet, 20),
      len: data.length,
      data,
      options,
      absoluteSeq,
      absoluteAck,
    };
  }
}

/** Connections, one for each state after SYN-SENT, with no data left to send. */
export const STATES: Record<string, () => Harness> = {
  'SYN-RECEIVED': () => {
    const h = new Harness();
    h.connect();
    h.receives({ flags: SYN, seq: 0, options: MSS_OPTION(1000) });
    h.sends();
    return h;
  },
  ESTABLISHED: () => new Harness().establish(),
  'FIN-WAIT-1': () => {
    const h = new Harness().establish();
    h.connection.shutdown();
    h.sends();
    return h;
  },
  'FIN-WAIT-2': () => STATES['FIN-WAIT-1']!().receives({ flags: ACK, seq: 1, ack: 2 }),
  'CLOSE-WAIT': () => {
    const h = new Harness().establish().receives({ flags: FIN | ACK, seq: 1, ack: 1 });
    h.sends();
    return h;
  },
  CLOSING: () => {
    const h = STATES['FIN-WAIT-1']!().receives({ flags: FIN | ACK, seq: 1, ack: 1 });
    h.sends();
    return h;
  },
  'LAST-ACK': () => {
    const h = STATES['CLOSE-WAIT']!();
    h.connection.shutdown();
    h.sends();
    return h;
  },
  'TIME-WAIT': () => {
    const h = STATES['FIN-WAIT-2']!().receives({ flags: FIN | ACK, seq: 1, ack: 2 });
    h.sends();
    return h;
  },
};
