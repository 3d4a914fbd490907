/** All TCP connections and listeners of a stack: who gets a segment, whose turn it is, whose timer. */
import { DeadlineHeap } from '../../lib/deadline-heap.js';
import type { DropCounter } from '../../lib/drop-counter.js';
import type { Entropy } from '../../lib/entropy.js';
import { randomUint32 } from '../../lib/entropy.js';
import { MemoryBudget } from '../../lib/memory-budget.js';
import type { PacketSlots } from '../../lib/packet-slot.js';
import { sequenceBefore } from '../../lib/sequence-number.js';
import { SIPHASH_KEY_LENGTH } from '../../lib/siphash.js';
import { TokenBucket } from '../../lib/token-bucket.js';
import { isChecksumValid, sumBytes, sumPseudoHeader } from '../../wire/checksum.js';
import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';
import { PROTOCOL_TCP } from '../../wire/ipv4.js';
import { ACK, RST, SYN } from '../../wire/tcp.js';
import type { DropReason } from '../drop-reason.js';
import type { Inbound } from '../ip/inbound.js';
import type { Outbound } from '../ip/outbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { StackLimits } from '../limits.js';
import type { PacketQueue } from '../packet-queue.js';
import type { CongestionAlgorithm, CongestionControl } from './congestion/congestion-control.js';
import { createCongestionControl } from './congestion/create.js';
import { abortConnection } from './connection.js';
import { TcpDemux } from './demux.js';
import { dispatch } from './dispatch.js';
import { EphemeralPorts } from './ephemeral-ports.js';
import { terminate } from './events.js';
import { InitialSequence } from './initial-sequence.js';
import { ListenerTable } from './listener-table.js';
import { pathMtuChanged } from './network-errors.js';
import { PassiveOpen, type PassiveOpenHost } from './passive-open.js';
import { ReadyQueue } from './ready-queue.js';
import { createReset } from './reset.js';
import { Segment } from './segment.js';
import { segmentArrives } from './segment-arrives.js';
import { Tcb, type TcbOptions, type TcpHost } from './tcb.js';
import { handleTimeouts } from './timeouts.js';

/** RFC 5961 7 leaves the figure open; Linux long had 100 a second. */
const CHALLENGE_ACKS_PER_SECOND = 100;

/** Packets that one connection sends before it is the next one's turn. */
const TURN = 16;

/** What the TCP layer shares with the stack. */
export interface TcpLayerOptions {
  readonly mtu: number;
  readonly outbound: Outbound;
  readonly limits: StackLimits;
  readonly entropy: Entropy;
  readonly congestion: CongestionAlgorithm;
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  /** Answers and resets wait here. */
  readonly control: PacketQueue;
}

/** No connection can be had: all ports to that remote, or all connections, are in use. */
export class StackExhaustedError extends Error {
  override readonly name = 'StackExhaustedError';
}

export class TcpLayer implements TcpHost, PassiveOpenHost {
  readonly mtu: number;
  readonly outbound: Outbound;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly budget: MemoryBudget;
  readonly challengeAcks: TokenBucket;
  readonly listeners = new ListenerTable();
  readonly addresses: OwnAddresses;
  readonly #limits: StackLimits;
  readonly #random: () => number;
  readonly #congestion: CongestionAlgorithm;
  readonly #passiveOpen: PassiveOpen;
  readonly #control: PacketQueue;
  readonly #demux = new TcpDemux();
  readonly #timers = new DeadlineHeap<Tcb>();
  readonly #ready = new ReadyQueue();
  readonly #timeWaits = new Set<Tcb>();
  readonly #segment = new Segment();
  readonly #initialSequence: InitialSequence;
  readonly #ports: EphemeralPorts;
  #sink: (slot: Uint8Array) => void = ignore;

  constructor(options: TcpLayerOptions, now: number) {
    const { entropy } = options;
    this.mtu = options.mtu;
    this.outbound = options.outbound;
    this.drops = options.drops;
    this.slots = options.slots;
    this.#limits = options.limits;
    this.addresses = options.addresses;
    this.#random = () => (randomUint32(entropy) >>> 0) / 2 ** 32;
    this.#congestion = options.congestion;
    this.#control = options.control;
    this.budget = new MemoryBudget(options.limits.bufferBytes);
    this.challengeAcks = new TokenBucket(CHALLENGE_ACKS_PER_SECOND, CHALLENGE_ACKS_PER_SECOND, now);
    this.#initialSequence = new InitialSequence(randomKey(entropy));
    this.#ports = new EphemeralPorts(randomKey(entropy), randomUint32(entropy));
    this.#passiveOpen = new PassiveOpen(this, randomKey(entropy));
  }

  /** Connections in any state but TIME-WAIT. */
  get connections(): number {
    return this.#demux.size - this.#timeWaits.size;
  }

  get isFull(): boolean {
    return this.connections >= this.#limits.connections;
  }

  get timeWaits(): number {
    return this.#timeWaits.size;
  }

  get hasReady(): boolean {
    return !this.#ready.isEmpty;
  }

  /** Handles the TCP segment in `packet`. */
  handleInbound(packet: Inbound, now: number): void {
    const { bytes, offset, length } = packet;
    const segment = this.#segment;
    if (!segment.parse(bytes, offset, length)) {
      this.drops.count('tcp-truncated');
      return;
    }
    const pseudoSum = sumPseudoHeader(packet.source, packet.destination, PROTOCOL_TCP, length);
    // RFC 9293 3.1, MUST-3.
    if (isChecksumValid(pseudoSum + sumBytes(bytes, offset, length))) {
      this.#deliver(packet, segment, now);
    } else {
      this.drops.count('tcp-checksum');
    }
    segment.release();
  }

  #deliver(packet: Inbound, segment: Segment, now: number): void {
    const { localIndex, sourceKey } = packet;
    const { destinationPort, sourcePort } = segment;
    const tcb = this.#demux.find(localIndex, destinationPort, sourceKey, sourcePort);
    if (tcb !== undefined && !this.#isReusable(tcb, segment)) {
      segmentArrives(tcb, segment, now);
      return;
    }
    const listener = this.listeners.find(localIndex, destinationPort);
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
    this.drops.count('tcp-port');
    if (segment.has(RST)) return;
    const local = { address: this.addresses.at(localIndex), port: destinationPort };
    const remote = { address: packet.source, port: sourcePort };
    const header = this.outbound.createHeader(local, remote, PROTOCOL_TCP);
    this.answer(createReset(this.slots, header, segment));
  }

  /** RFC 9293 3.10.7.4: a new SYN, above all that went before, may end TIME-WAIT for a listener. */
  #isReusable(tcb: Tcb, segment: Segment): boolean {
    return (
      tcb.state === 'TIME-WAIT' &&
      (segment.flags & (SYN | ACK | RST)) === SYN &&
      sequenceBefore(tcb.receiver.rcvNxt, segment.segSeq) &&
      this.listeners.find(tcb.localIndex, tcb.local.port) !== undefined
    );
  }

  /**
   * Opens a connection from `local` (port 0 for any) to `remote`.
   * @throws StackExhaustedError
   */
  openActive(
    local: SocketAddress,
    remote: SocketAddress,
    localIndex: number,
    connectTimeout: number,
    now: number,
  ): Tcb {
    if (this.isFull) {
      throw new StackExhaustedError('too many connections at once');
    }
    const port = local.port || this.#selectPort(local, remote, localIndex);
    const isFree = port !== undefined && this.#isFree(localIndex, port, remote);
    if (!isFree) throw new StackExhaustedError('no free port towards this remote address');
    const from = { address: local.address, port };
    const iss = this.#initialSequence.next(from, remote, now);
    const tcb = this.#createTcb('SYN-SENT', { local: from, remote, localIndex, iss }, now);
    this.#begin(tcb, now + connectTimeout);
    return tcb;
  }

  #selectPort(local: SocketAddress, remote: SocketAddress, localIndex: number): number | undefined {
    return this.#ports.select(local.address, remote, (port) =>
      this.#isFree(localIndex, port, remote),
    );
  }

  #isFree(localIndex: number, port: number, remote: SocketAddress): boolean {
    return this.#demux.findAddress(localIndex, port, remote) === undefined;
  }

  createPassive(
    local: SocketAddress,
    remote: SocketAddress,
    localIndex: number,
    now: number,
    iss?: number,
  ): Tcb {
    const fresh = iss ?? this.#initialSequence.next(local, remote, now);
    return this.#createTcb('SYN-RECEIVED', { local, remote, localIndex, iss: fresh }, now);
  }

  createCongestionControl(mss: number, now: number): CongestionControl {
    return createCongestionControl(this.#congestion, { mss, random: this.#random, now });
  }

  #createTcb(
    state: 'SYN-SENT' | 'SYN-RECEIVED',
    ends: Pick<TcbOptions, 'local' | 'remote' | 'localIndex' | 'iss'>,
    now: number,
  ): Tcb {
    const { sendBuffer, receiveBuffer, userTimeout } = this.#limits;
    const timestampOffset = this.#initialSequence.timestampOffset(ends.local, ends.remote);
    return new Tcb(this, state, {
      ...ends,
      timestampOffset,
      now,
      sendBuffer,
      receiveBuffer,
      userTimeout,
    });
  }

  start(tcb: Tcb, now: number): void {
    this.#begin(tcb, now + this.#limits.connectTimeout);
  }

  #begin(tcb: Tcb, handshakeEnd: number): void {
    this.#demux.add(tcb);
    tcb.endOfStateAt = handshakeEnd;
    tcb.updateDeadline();
    this.enqueue(tcb);
  }

  /** The connection that a quoted segment of ours belongs to. */
  find(localIndex: number, localPort: number, remote: SocketAddress): Tcb | undefined {
    return this.#demux.findAddress(localIndex, localPort, remote);
  }

  /** The path to that address has become narrower, or may be wide again. */
  pathMtuChanged(remoteKey: number | string, now: number): void {
    for (const tcb of this.#demux.allTo(remoteKey)) pathMtuChanged(tcb, now);
  }

  /** Gives the next ready connection its turn; returns how many packets it emitted. */
  dispatchNext(sink: (slot: Uint8Array) => void, now: number, quota: number): number {
    const tcb = this.#ready.shift();
    if (tcb === undefined) return 0;
    this.#sink = sink;
    const turn = Math.min(TURN, quota);
    const sent = dispatch(tcb, now, turn);
    if (sent === turn) this.#ready.push(tcb);
    this.#sink = ignore;
    return sent;
  }

  nextTimeout(): number {
    return this.#timers.next();
  }

  handleTimeout(now: number): void {
    for (;;) {
      const tcb = this.#timers.popDue(now);
      if (tcb === undefined) return;
      handleTimeouts(tcb, now);
    }
  }

  /**
   * The path to the remote addresses that `carries` names was dead and is no more: what waits there
   * for a retransmission after another one is sent again at the next handleTimeout().
   *
   * The backoff of RFC 6298 5.5 is meant for congestion; RFC 6069 takes it back for a path that
   * was broken. One step stays, for the same segment is about to time out once more (RFC 5681 3.1).
   */
  retransmitNow(carries: (remote: IpAddress) => boolean, now: number): void {
    for (const tcb of this.#demux.all()) {
      const { roundTrips } = tcb.sender;
      const isWaiting = roundTrips.backoff > 0 && tcb.retransmitAt !== Infinity;
      if (!isWaiting || !carries(tcb.remote.address)) continue;
      roundTrips.easeToOneStep();
      tcb.retransmitAt = Math.min(tcb.retransmitAt, now);
      tcb.updateDeadline();
    }
  }

  /** Resets all connections and ends all listeners. */
  close(now: number): void {
    for (const listener of this.listeners.all()) listener.close(now);
    for (const tcb of this.#demux.all()) abortConnection(tcb, now);
  }

  emit(slot: Uint8Array): void {
    this.#sink(slot);
  }

  enqueuePacket(slot: Uint8Array): void {
    this.#control.push(slot);
  }

  refuse(tcb: Tcb, segment: Segment): void {
    this.answer(createReset(this.slots, tcb.header, segment));
  }

  answer(slot: Uint8Array): void {
    if (!this.#control.offer(slot)) this.drops.count('queue-full');
  }

  enqueue(tcb: Tcb): void {
    this.#ready.push(tcb);
  }

  reschedule(tcb: Tcb): void {
    this.#timers.update(tcb);
  }

  enterTimeWait(tcb: Tcb): void {
    this.#timeWaits.add(tcb);
    if (this.#timeWaits.size <= this.#limits.timeWaits) return;
    for (const oldest of this.#timeWaits) {
      terminate(oldest, 'normal');
      return;
    }
  }

  remove(tcb: Tcb): void {
    this.#timeWaits.delete(tcb);
    this.#timers.remove(tcb);
    this.#demux.remove(tcb);
  }
}

function ignore(): void {
  // No drain is under way: nothing is emitted then.
}

function randomKey(entropy: Entropy): Uint8Array {
  const key = new Uint8Array(SIPHASH_KEY_LENGTH);
  entropy.fill(key);
  return key;
}
