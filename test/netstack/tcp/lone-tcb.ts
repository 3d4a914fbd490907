/** A TCB without a stack, a host that records its calls, and hand-written segments. */
import { DropCounter } from '../../../src/lib/drop-counter.js';
import { MemoryBudget } from '../../../src/lib/memory-budget.js';
import { packetInSlot, PacketSlots } from '../../../src/lib/packets/packet-slot.js';
import { TokenBucket } from '../../../src/lib/token-bucket.js';
import type { DropReason } from '../../../src/netstack/drop-reason.js';
import { Outbound } from '../../../src/netstack/ip/outbound.js';
import type { CongestionControl } from '../../../src/netstack/tcp/congestion/congestion-control.js';
import { createCongestionControl } from '../../../src/netstack/tcp/congestion/create.js';
import type { TcpObserver } from '../../../src/netstack/tcp/observer.js';
import { Segment } from '../../../src/netstack/tcp/segment.js';
import type { TcpState } from '../../../src/netstack/tcp/state.js';
import { Tcb, type TcbOptions, type TcpHost } from '../../../src/netstack/tcp/tcb.js';
import { long, OUR_V4, PEER_V4, word } from '../packets.js';
import { seededEntropy } from '../../support/pairs/netstack-pair.js';

export const OUR_PORT = 40_000;
export const PEER_PORT = 80;
export const OUR_ISS = 1_000;
export const PEER_ISS = 5_000;
export const NOW = 10_000;
/** The MSS that fits the MTU of NotingHost over IPv4. */
export const OUR_MSS = 1_000;

export class NotingHost implements TcpHost {
  readonly mtu = 1040;
  readonly slots = new PacketSlots();
  readonly outbound = new Outbound(this.mtu, this.slots, seededEntropy(1));
  readonly drops = new DropCounter<DropReason>();
  readonly budget: MemoryBudget;
  readonly challengeAcks = new TokenBucket(100, 100, 0);
  /** The calls in order: `enqueue`, `reschedule`, `refuse`, `remove`, `time-wait`. */
  readonly asked: string[] = [];
  /** Packets of the current drain, and of the next one. */
  readonly emitted: Uint8Array[] = [];
  readonly queued: Uint8Array[] = [];
  readonly retransmitted: Uint8Array[] = [];

  constructor(memory = 2 ** 30) {
    this.budget = new MemoryBudget(memory);
  }

  createCongestionControl(mss: number, now: number): CongestionControl {
    return createCongestionControl('reno', { mss, random: () => 0, now });
  }
  countRetransmission(slot: Uint8Array): void {
    this.retransmitted.push(packetInSlot(slot).slice());
  }
  emit(slot: Uint8Array): void {
    this.emitted.push(packetInSlot(slot).slice());
  }
  enqueuePacket(slot: Uint8Array): void {
    this.queued.push(packetInSlot(slot).slice());
  }
  refuse(): void {
    this.asked.push('refuse');
  }
  enqueue(): void {
    this.asked.push('enqueue');
  }
  reschedule(): void {
    this.asked.push('reschedule');
  }
  enterTimeWait(): void {
    this.asked.push('time-wait');
  }
  remove(): void {
    this.asked.push('remove');
  }
}

export interface LoneTcb {
  readonly tcb: Tcb;
  readonly host: NotingHost;
}

/** The local SYN is sent if `state` is that of an active open; nothing of the peer is known. */
export function loneTcb(
  state: TcpState,
  options: Partial<TcbOptions> = {},
  host = new NotingHost(),
): LoneTcb {
  const tcb = new Tcb(host, state, {
    local: { address: OUR_V4, port: OUR_PORT },
    remote: { address: PEER_V4, port: PEER_PORT },
    localIndex: 0,
    iss: OUR_ISS,
    timestampOffset: 0,
    now: NOW,
    sendBuffer: 0x4_0000,
    receiveBuffer: 0x2_0000,
    userTimeout: 60_000,
    ...options,
  });
  tcb.sender.synSent(NOW);
  return { tcb, host };
}

export interface Fields {
  readonly flags: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly wnd?: number;
  readonly options?: readonly number[];
  readonly text?: readonly number[];
  readonly ports?: readonly [source: number, destination: number];
}

/**
 * The bytes of a segment from the peer, with a checksum of 0xa5a5 and an urgent pointer of 0x5a5a.
 */
export function segmentBytes(fields: Fields): number[] {
  const { flags, seq = PEER_ISS, ack = 0, wnd = 8_000, options = [], text = [] } = fields;
  const [source, destination] = fields.ports ?? [PEER_PORT, OUR_PORT];
  return [
    ...word(source),
    ...word(destination),
    ...long(seq),
    ...long(ack),
    ((20 + options.length) / 4) << 4,
    flags,
    ...word(wnd),
    ...word(0xa5a5),
    ...word(0x5a5a),
    ...options,
    ...text,
  ];
}

export function segmentOf(fields: Fields): Segment {
  const bytes = Uint8Array.from(segmentBytes(fields));
  const segment = new Segment();
  expect(segment.parse(bytes, 0, bytes.length)).toBe(true);
  return segment;
}

/** An observer that records its calls. */
export function notingObserver(calls: string[]): TcpObserver {
  return {
    established: () => void calls.push('established'),
    readable: () => void calls.push('readable'),
    writable: () => void calls.push('writable'),
    remoteClosed: () => void calls.push('remoteClosed'),
    closed: (reason) => void calls.push(`closed:${reason}`),
  };
}
