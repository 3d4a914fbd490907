import { Reassembly } from '../../../../src/netstack/tcp/receive/reassembly.js';
import { SelectiveAcks } from '../../../../src/netstack/tcp/send/selective-acks.js';

/** The receiver's part: arriving ranges, and the blocks that report them. */
class Receiving {
  readonly ranges = new Reassembly();
  readonly acks = new SelectiveAcks();

  arrives(...pieces: readonly (readonly [start: number, end: number])[]): this {
    for (const [start, end] of pieces) {
      this.ranges.insert(start, end);
      this.acks.arrivedAhead(start, this.ranges);
    }
    return this;
  }

  advance(rcvNxt: number): this {
    this.acks.advance(this.ranges.advance(rcvNxt));
    return this;
  }

  tell(room = 3): string[] {
    const blocks: string[] = [];
    this.acks.tell(room, (start, end) => blocks.push(`${start}-${end}`));
    return blocks;
  }
}

describe('the blocks of an ACK (RFC 2018 4)', () => {
  it('cover the whole block, even if the segment was its end', () => {
    expect(new Receiving().arrives([10, 20], [20, 25]).tell()).toEqual(['10-25']);
    expect(new Receiving().arrives([10, 20], [5, 10]).tell()).toEqual(['5-20']);
  });

  it('disappear when RCV.NXT has passed them', () => {
    const receiving = new Receiving().arrives([10, 20], [30, 40]);
    expect(receiving.advance(10).tell()).toEqual(['30-40']);
    expect(receiving.advance(30).acks.count).toBe(0);
    expect(receiving.tell()).toEqual([]);
  });

  it('report new blocks before already reported ones, the earliest first if too many', () => {
    const receiving = new Receiving().arrives([10, 20]);
    expect(receiving.tell()).toEqual(['10-20']);
    receiving.arrives([30, 40], [50, 60], [70, 80], [90, 95]);
    expect(receiving.acks.untold).toBe(4);
    expect(receiving.tell()).toEqual(['70-80', '50-60', '30-40']);
    expect(receiving.acks.untold).toBe(1);
    expect(receiving.tell()).toEqual(['90-95', '70-80', '50-60']);
    expect(receiving.acks.untold).toBe(0);
    expect(receiving.tell(2)).toEqual(['90-95', '70-80']);
  });

  it('are remembered up to 64', () => {
    const receiving = new Receiving();
    for (let count = 0; count < 100; count++) receiving.arrives([count * 10, count * 10 + 5]);
    expect(receiving.acks.count).toBe(64);
  });

  it('are omitted if the ranges do not contain them', () => {
    const receiving = new Receiving();
    receiving.acks.arrivedAhead(10, receiving.ranges);
    expect(receiving.acks.count).toBe(0);
  });
});

describe('a duplicate (RFC 2883 4)', () => {
  it('is reported in the first block, once', () => {
    const receiving = new Receiving().arrives([30, 40]);
    receiving.acks.arrivedTwice(10, 20);
    expect(receiving.acks.count).toBe(2);
    expect(receiving.tell()).toEqual(['10-20', '30-40']);
    expect(receiving.tell()).toEqual(['30-40']);
  });

  it('replaces another block', () => {
    const receiving = new Receiving().arrives([30, 40], [50, 60], [70, 80]);
    receiving.acks.arrivedTwice(10, 20);
    expect(receiving.tell()).toEqual(['10-20', '50-60', '30-40']);
    expect(receiving.tell()).toEqual(['70-80', '50-60', '30-40']);
  });

  it('is ignored if it is empty, and waits for an ACK with room', () => {
    const receiving = new Receiving();
    receiving.acks.arrivedTwice(10, 10);
    expect(receiving.acks.count).toBe(0);
    receiving.acks.arrivedTwice(10, 20);
    expect(receiving.tell(0)).toEqual([]);
    expect(receiving.tell()).toEqual(['10-20']);
  });
});

it('forgets all blocks', () => {
  const receiving = new Receiving().arrives([10, 20]);
  receiving.acks.arrivedTwice(1, 2);
  receiving.acks.clear();
  expect(receiving.acks.count).toBe(0);
  expect(receiving.tell()).toEqual([]);
});
