/**
 * What we tell the peer to have beyond RCV.NXT: RFC 2018 4, and what came twice: RFC 2883 4.
 *
 * A block is told for the first time in an ACK for the segment that made or grew it, which comes
 * first; behind it those that were told before, the latest first.
 */
import { sequenceAtOrBefore, sequenceBefore } from '../../../lib/sequence-number.js';
import type { Reassembly } from '../receive/reassembly.js';

/** Blocks that are remembered; the peer was told of older ones often enough. */
const MAXIMUM_BLOCKS = 64;

class Block {
  readonly start: number;
  readonly end: number;
  isTold = false;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }
}

export class SelectiveAcks {
  /** The latest first. */
  #blocks: Block[] = [];
  /** What came twice, to be told once. */
  #duplicate: Block | undefined = undefined;

  /** Blocks that there are to tell. */
  get count(): number {
    return this.#blocks.length + (this.#duplicate === undefined ? 0 : 1);
  }

  /** Blocks that the peer was never told of. */
  get untold(): number {
    let count = 0;
    for (const { isTold } of this.#blocks) if (!isTold) count++;
    return count;
  }

  /** Octets at `sequence` arrived behind a gap, and `ranges` knows them. */
  arrivedAhead(sequence: number, ranges: Reassembly): void {
    const index = ranges.find(sequence);
    if (index < 0) return;
    const block = new Block(ranges.startAt(index), ranges.endAt(index));
    this.#blocks = this.#blocks.filter(
      ({ start }) => sequenceBefore(start, block.start) || sequenceAtOrBefore(block.end, start),
    );
    this.#blocks.unshift(block);
    if (this.#blocks.length > MAXIMUM_BLOCKS) this.#blocks.pop();
  }

  /** Octets [start, end) arrived once more. */
  arrivedTwice(start: number, end: number): void {
    if (sequenceBefore(start, end)) this.#duplicate = new Block(start, end);
  }

  /** RCV.NXT moved. */
  advance(rcvNxt: number): void {
    if (this.#blocks.length === 0) return;
    this.#blocks = this.#blocks.filter(({ end }) => sequenceBefore(rcvNxt, end));
  }

  /**
   * Chooses the blocks of an ACK that leaves now.
   *
   * @param room blocks that the option has room for
   * @param write called for each, in the order of the option
   */
  tell(room: number, write: (start: number, end: number) => void): void {
    let left = room;
    if (this.#duplicate !== undefined && left > 0) {
      write(this.#duplicate.start, this.#duplicate.end);
      this.#duplicate = undefined;
      left--;
    }
    // Where more are untold than fit, the earliest of them go first; the next ACK has the rest.
    const untold = this.#blocks.filter(({ isTold }) => !isTold);
    const told = this.#blocks.filter(({ isTold }) => isTold);
    const first = untold.slice(Math.max(0, untold.length - left));
    for (const block of [...first, ...told].slice(0, left)) {
      block.isTold = true;
      write(block.start, block.end);
    }
  }

  clear(): void {
    this.#blocks = [];
    this.#duplicate = undefined;
  }
}
