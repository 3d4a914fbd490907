/** Emits a stack's pending packets: replies first, then datagrams and connections in turn. */
import type { PacketQueue } from './packet-queue.js';
import type { TcpProtocol } from './tcp/tcp-protocol.js';

/** The number of datagrams to emit before connections get a turn. */
const DATAGRAM_TURN = 16;

export class Drain {
  readonly #control: PacketQueue;
  readonly #datagrams: PacketQueue;
  readonly #tcp: TcpProtocol;

  /**
   * @param control replies to peers
   * @param datagrams packets that users have queued, except TCP
   */
  constructor(control: PacketQueue, datagrams: PacketQueue, tcp: TcpProtocol) {
    this.#control = control;
    this.#datagrams = datagrams;
    this.#tcp = tcp;
  }

  /**
   * Emits at most `budget` pending packets.
   *
   * @returns true if packets remain after the budget is used up
   */
  run(emit: (slot: Uint8Array) => void, now: number, budget: number): boolean {
    let left = budget;
    while (left > 0) {
      const before = left;
      left -= emitFrom(this.#control, emit, left);
      // Alternate between datagrams and connections so that neither starves the other.
      if (left > 0) left -= emitFrom(this.#datagrams, emit, Math.min(left, DATAGRAM_TURN));
      while (left > 0 && this.#tcp.hasReady) {
        left -= this.#tcp.dispatchNext(emit, now, left);
        if (this.#datagrams.length > 0) break;
      }
      if (left === before && !this.#hasWork()) return false;
    }
    return this.#hasWork();
  }

  /** Whether packets wait in a slot. TCP builds its segments only when they are emitted. */
  get hasPackets(): boolean {
    return this.#control.length > 0 || this.#datagrams.length > 0;
  }

  #hasWork(): boolean {
    return this.hasPackets || this.#tcp.hasReady;
  }
}

function emitFrom(queue: PacketQueue, emit: (slot: Uint8Array) => void, limit: number): number {
  let count = 0;
  while (count < limit) {
    const slot = queue.shift();
    if (slot === undefined) break;
    emit(slot);
    count++;
  }
  return count;
}
