/**
 * Chooses the SACK blocks to send: out-of-order data (RFC 2018 4) and duplicates (RFC 2883 4).
 *
 * If a segment adds or extends a block, its ACK reports that block first. Previously reported
 * blocks follow, most recent first.
 */
import { sequenceAtOrBefore, sequenceBefore } from '../../../lib/sequence-number.js';
import type { Reassembly } from '../receive/reassembly.js';

/**
 * The maximum number of blocks kept. Older blocks can be dropped, because they have been reported
 * often enough.
 */
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
  /** The out-of-order blocks, most recent first. */
  #blocks: Block[] = [];
  /** The duplicate range (DSACK) to report once. */
  #duplicate: Block | undefined = undefined;

  /** The number of blocks to report. */
  get count(): number {
    return this.#blocks.length + (this.#duplicate === undefined ? 0 : 1);
  }

  /** The number of blocks that were never reported to the peer. */
  get untold(): number {
    let count = 0;
    for (const { isTold } of this.#blocks) if (!isTold) count++;
    return count;
  }

  /**
   * Adds a block for the octets at `sequence`, which arrived after a gap and are already in
   * `ranges`.
   */
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

  /** Records that octets [start, end) arrived again. */
  arrivedTwice(start: number, end: number): void {
    if (sequenceBefore(start, end)) this.#duplicate = new Block(start, end);
  }

  /** Drops the blocks that RCV.NXT has passed. */
  advance(rcvNxt: number): void {
    if (this.#blocks.length === 0) return;
    this.#blocks = this.#blocks.filter(({ end }) => sequenceBefore(rcvNxt, end));
  }

  /**
   * Writes the blocks for the ACK that is being sent.
   *
   * @param room the number of blocks that fit into the option
   * @param write called for each block, in the order of the option
   */
  tell(room: number, write: (start: number, end: number) => void): void {
    let left = room;
    if (this.#duplicate !== undefined && left > 0) {
      write(this.#duplicate.start, this.#duplicate.end);
      this.#duplicate = undefined;
      left--;
    }
    // If there are more unreported blocks than fit, send the oldest first; the next ACK reports the
    // others.
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
