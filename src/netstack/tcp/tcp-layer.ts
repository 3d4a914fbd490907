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
import type { SocketAddress } from '../../wire/ip-address.js';
import { PROTOCOL_TCP } from '../../wire/ipv4.js';
import { ACK, RST, SYN } from '../../wire/tcp.js';
import type { DropReason } from '../drop-reason.js';
import type { Inbound } from '../ip/inbound.js';
import type { Outbound } from '../ip/outbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { StackLimits } from '../limits.js';
import type { PacketQueue } from '../packet-queue.js';
import { abortConnection } from './connection.js';
import { TcpDemux } from './demux.js';
import { dispatch } from './dispatch.js';
import { EphemeralPorts } from './ephemeral-ports.js';
import { terminate } from './events.js';
import { synchronize } from './handshake.js';
import { InitialSequence } from './initial-sequence.js';
import type { TcpListener } from './listener.js';
import { ListenerTable } from './listener-table.js';
import { pathMtuChanged } from './network-errors.js';
import { ReadyQueue } from './ready-queue.js';
import { createReset } from './reset.js';
import { Segment } from './segment.js';
import { segmentArrives } from './segment-arrives.js';
import { Tcb, type TcpHost } from './tcb.js';
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

export class TcpLayer implements TcpHost {
  readonly mtu: number;
  readonly outbound: Outbound;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly budget: MemoryBudget;
  readonly challengeAcks: TokenBucket;
  readonly listeners = new ListenerTable();
  readonly #limits: StackLimits;
  readonly #addresses: OwnAddresses;
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
    this.#addresses = options.addresses;
    this.#control = options.control;
    this.budget = new MemoryBudget(options.limits.bufferBytes);
    this.challengeAcks = new TokenBucket(CHALLENGE_ACKS_PER_SECOND, CHALLENGE_ACKS_PER_SECOND, now);
    this.#initialSequence = new InitialSequence(randomKey(entropy));
    this.#ports = new EphemeralPorts(randomKey(entropy), randomUint32(entropy));
  }

  /** Connections in any state but TIME-WAIT. */
  get connections(): number {
    return this.#demux.size - this.#timeWaits.size;
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
      this.#openPassive(listener, packet, segment, now);
      return;
    }
    this.drops.count('tcp-port');
    if (segment.has(RST)) return;
    const local = { address: this.#addresses.at(localIndex), port: destinationPort };
    const remote = { address: packet.source, port: sourcePort };
    const header = this.outbound.createHeader(local, remote, PROTOCOL_TCP);
    this.#answer(createReset(this.slots, header, segment));
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

  /** LISTEN gets a SYN: RFC 9293 3.10.7.2. Text on the SYN is left for the peer to send again. */
  #openPassive(listener: TcpListener, packet: Inbound, segment: Segment, now: number): void {
    if (this.connections >= this.#limits.connections) {
      this.drops.count('tcp-connections');
      return;
    }
    const local = {
      address: this.#addresses.at(packet.localIndex),
      port: segment.destinationPort,
    };
    const remote = { address: packet.source.slice(), port: segment.sourcePort };
    const tcb = this.#createTcb('SYN-RECEIVED', local, remote, packet.localIndex, now);
    if (!listener.enterBacklog(tcb)) {
      this.drops.count('tcp-backlog');
      return;
    }
    tcb.acceptor = listener;
    synchronize(tcb, segment, now);
    tcb.sender.updateWindow(segment.segWnd, segment.segSeq, tcb.sender.iss);
    this.#start(tcb, now + this.#limits.connectTimeout);
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
    if (this.connections >= this.#limits.connections) {
      throw new StackExhaustedError('too many connections at once');
    }
    const port = local.port || this.#selectPort(local, remote, localIndex);
    const isFree = port !== undefined && this.#isFree(localIndex, port, remote);
    if (!isFree) throw new StackExhaustedError('no free port towards this remote address');
    const from = { address: local.address, port };
    const tcb = this.#createTcb('SYN-SENT', from, remote, localIndex, now);
    this.#start(tcb, now + connectTimeout);
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

  #createTcb(
    state: 'SYN-SENT' | 'SYN-RECEIVED',
    local: SocketAddress,
    remote: SocketAddress,
    localIndex: number,
    now: number,
  ): Tcb {
    const { sendBuffer, receiveBuffer, userTimeout } = this.#limits;
    const iss = this.#initialSequence.next(local, remote, now);
    const timestampOffset = this.#initialSequence.timestampOffset(local, remote);
    return new Tcb(this, state, {
      local,
      remote,
      localIndex,
      iss,
      timestampOffset,
      sendBuffer,
      receiveBuffer,
      userTimeout,
    });
  }

  #start(tcb: Tcb, handshakeEnd: number): void {
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
    this.#answer(createReset(this.slots, tcb.header, segment));
  }

  #answer(slot: Uint8Array): void {
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
