import { Rack, type RackContext } from '../../../../src/netstack/tcp/send/rack.js';
import { type SentSegment, SentSegments } from '../../../../src/netstack/tcp/send/sent-segments.js';

/** RACK with segments of 1000 octets from `iss`; round trips of 100 ms by default. */
class Scene {
  readonly segments = new SentSegments();
  readonly rack: Rack;
  readonly sent: SentSegment[] = [];
  readonly context = { isRecovering: false, srtt: 100, minimumRtt: 100, now: 0 };
  #next: number;

  constructor(iss = 0) {
    this.rack = new Rack(iss);
    this.#next = iss;
  }

  /** Sends segments, one at each time. */
  send(...times: number[]): void {
    for (const now of times) {
      const segment = this.segments.add(this.#next, (this.#next + 1000) | 0);
      this.#next = (this.#next + 1000) | 0;
      segment.sentAt = now;
      this.segments.sent(segment);
      this.sent.push(segment);
    }
  }

  sendAgain(index: number, now: number): void {
    const segment = this.sent[index]!;
    segment.isRetransmitted = true;
    segment.sentAt = now;
    this.segments.sent(segment);
  }

  /** Reports these segments with one SACK. */
  arrives(now: number, indexes: number[], echoedAt = -1): void {
    const arrived: SentSegment[] = [];
    for (const index of indexes) {
      const { start, end } = this.sent[index]!;
      this.segments.sack(start, end, arrived);
    }
    this.context.now = now;
    for (const segment of arrived) {
      this.rack.segmentDelivered(segment, echoedAt, this.context.minimumRtt, now);
    }
  }

  /** The indexes of the lost segments, and the time of the next check. */
  detect(now = this.context.now): { lost: number[]; again: number } {
    this.context.now = now;
    return this.#losses((lose) => this.rack.detectLosses(this.segments, this.context, lose));
  }

  timeout(now: number): number[] {
    this.context.now = now;
    return this.#losses((lose) => {
      this.rack.markLossesOnTimeout(this.segments, this.context, lose);
      return 0;
    }).lost;
  }

  #losses(detect: (lose: (segment: SentSegment) => void) => number): {
    lost: number[];
    again: number;
  } {
    const lost: number[] = [];
    const again = detect((segment) => {
      this.segments.lose(segment);
      lost.push(this.sent.indexOf(segment));
    });
    return { lost, again };
  }
}

/** Four segments sent at 0, of which the last arrives. */
function oneGap(context: Partial<RackContext> = {}): Scene {
  const scene = new Scene();
  Object.assign(scene.context, context);
  scene.send(0, 0, 0, 0);
  scene.arrives(100, [3]);
  return scene;
}

describe('the reordering window (RFC 8985 6.2 step 4)', () => {
  it('is zero in recovery, and with three SACKed segments, while no reordering was seen (RFC 6675 4b, RFC 8985 9.2)', () => {
    expect(oneGap({ isRecovering: true }).detect().lost).toEqual([0, 1, 2]);
    const scene = new Scene();
    scene.send(0, 0, 0, 0, 0);
    scene.arrives(100, [2, 3]);
    expect(scene.detect().lost).toEqual([]);
    scene.arrives(100, [4]);
    expect(scene.detect().lost).toEqual([0, 1]);
  });

  it('remains after reordering was seen', () => {
    const scene = oneGap({ isRecovering: true });
    scene.arrives(100, [1]);
    expect(scene.rack.isReordering).toBe(true);
    expect(scene.detect()).toEqual({ lost: [], again: 125 });
  });

  it('grows by a quarter for each round trip with a DSACK', () => {
    const scene = new Scene();
    scene.send(0, 0);
    scene.rack.duplicateReported(0, 2000);
    scene.rack.duplicateReported(1999, 2000);
    scene.arrives(100, [1]);
    expect(scene.detect().again).toBe(150);
    scene.rack.duplicateReported(2000, 4000);
    expect(scene.detect().again).toBe(175);
    for (let round = 2; round < 10; round++) {
      scene.rack.duplicateReported(round * 2000, round * 2000 + 2000);
    }
    expect(scene.detect().again).toBe(200);
  });

  it('shrinks again after 16 recoveries without a DSACK', () => {
    const scene = new Scene();
    scene.send(0, 0);
    scene.rack.duplicateReported(0, 2000);
    for (let count = 0; count < 10; count++) scene.rack.recoveryEnded();
    scene.rack.duplicateReported(2000, 4000);
    for (let count = 0; count < 15; count++) scene.rack.recoveryEnded();
    scene.arrives(100, [1]);
    expect(scene.detect().again).toBe(175);
    scene.rack.recoveryEnded();
    expect(scene.detect().again).toBe(125);
    // The count starts from 16 again.
    scene.rack.duplicateReported(4000, 6000);
    for (let count = 0; count < 15; count++) scene.rack.recoveryEnded();
    expect(scene.detect().again).toBe(150);
  });
});

describe('reordering (step 3) (RFC 8985 6.2 step 3)', () => {
  it('is not detected when the halves of a split segment arrive in order', () => {
    const scene = new Scene();
    scene.send(0);
    const segment = scene.sent[0]!;
    scene.rack.segmentDelivered(segment, -1, 100, 100);
    scene.rack.segmentDelivered(segment, -1, 100, 100);
    expect(scene.rack.isReordering).toBe(false);
  });
});

describe('the newest segment that has arrived (step 2) (RFC 8985 6.2 step 2)', () => {
  it('is not replaced by an earlier one, whose round trip still counts', () => {
    const scene = new Scene();
    scene.send(0, 40, 50);
    scene.arrives(150, [2]);
    expect(scene.detect()).toEqual({ lost: [0], again: 165 });
    scene.arrives(160, [0]);
    // RACK.rtt is now 160: a segment sent at 40 is overdue at 40 + 160 + 25.
    expect(scene.detect()).toEqual({ lost: [], again: 225 });
  });

  it('schedules the next check when the last late segment is overdue (RFC 8985 6.2 step 5)', () => {
    const scene = new Scene();
    scene.send(0, 5, 10, 15);
    scene.arrives(110, [3]);
    expect(scene.detect()).toEqual({ lost: [], again: 130 });
    expect(scene.detect(121)).toEqual({ lost: [0], again: 130 });
    expect(scene.detect(130)).toEqual({ lost: [1, 2], again: Infinity });
  });

  it('finds a lost retransmission after later data has arrived', () => {
    const scene = new Scene();
    scene.send(0, 0, 0, 0);
    scene.context.isRecovering = true;
    scene.arrives(100, [3]);
    expect(scene.detect().lost).toEqual([0, 1, 2]);
    scene.sendAgain(0, 100);
    scene.sendAgain(1, 101);
    scene.sendAgain(2, 102);
    scene.arrives(202, [2]);
    expect(scene.detect().lost).toEqual([0, 1]);
  });
});

describe('a retransmitted segment (RFC 8985 6.2 step 2)', () => {
  /** The first of two segments, both sent at 0, is retransmitted at 200; a third is sent at 150. */
  function ambiguous(): Scene {
    const scene = new Scene();
    scene.context.isRecovering = true;
    scene.send(0, 0, 150);
    scene.sendAgain(0, 200);
    return scene;
  }

  it('is ignored if the echoed timestamp is older than its last transmission', () => {
    const scene = ambiguous();
    scene.arrives(300, [0], 199);
    expect(scene.detect()).toEqual({ lost: [], again: Infinity });
    const echoed = ambiguous();
    echoed.arrives(300, [0], 200);
    expect(echoed.detect().lost).toEqual([1, 2]);
  });

  it('is ignored if its echo is right, but arrives sooner than any round trip', () => {
    const scene = ambiguous();
    scene.arrives(250, [0], 200);
    expect(scene.detect()).toEqual({ lost: [], again: Infinity });
  });
});

describe('the retransmission timeout (6.3) (RFC 8985 6.3)', () => {
  it('marks the first segment as lost, and all overdue ones', () => {
    const scene = new Scene();
    scene.send(0, 50, 240, 300);
    scene.arrives(100, []);
    scene.rack.segmentDelivered(scene.sent[1]!, -1, 100, 150);
    scene.sendAgain(0, 290);
    // RACK.rtt is 100 and the window 25: segments sent before 175 are overdue at 300.
    expect(scene.timeout(300)).toEqual([1, 0]);
  });
});
