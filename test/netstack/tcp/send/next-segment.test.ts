import { NextSegment, type SegmentSource } from '../../../../src/netstack/tcp/send/next-segment.js';
import { Pacer } from '../../../../src/netstack/tcp/send/pacer.js';
import { type SentSegment, SentSegments } from '../../../../src/netstack/tcp/send/sent-segments.js';

/**
 * A sender with 10,000 octets from 0 on and MSS 1000, of which `sndNew` are sent; windows are wide.
 */
class Source {
  mss = 1000;
  sndNew = 0;
  sndWnd = 60_000;
  maxSndWnd = 60_000;
  dataEnd = 10_000;
  finQueued = false;
  noDelay = true;
  readonly ring = { capacity: 64 * 1024 };
  readonly segments = new SentSegments();
  readonly recovery = { isHeadDue: false };
  readonly congestion = { cwnd: 50_000, pacingRate: Infinity, sendQuantum: 2000 };
  readonly pacer = new Pacer();

  constructor(changes: Partial<Source> & { cwnd?: number } = {}, segments = 0) {
    const { cwnd = 50_000, ...rest } = changes;
    Object.assign(this, rest);
    this.congestion.cwnd = cwnd;
    for (let count = 0; count < segments; count++) {
      this.segments.sent(this.segments.add(this.sndNew, this.sndNew + 1000));
      this.sndNew += 1000;
    }
  }

  get inflight(): number {
    return this.segments.inflight;
  }

  get flightSize(): number {
    return this.sndNew - (this.segments.head?.start ?? this.sndNew);
  }

  get hasUnsent(): boolean {
    return this.sndNew < this.dataEnd + (this.finQueued ? 1 : 0);
  }
}

function nextOf(source: Source): NextSegment {
  return new NextSegment(source as unknown as SegmentSource);
}

/**
 * The segments selected at once, as `start+length`, with F for a FIN and R for a retransmission.
 */
function chosen(
  source: Source,
  choose: (next: NextSegment) => boolean = (next) => next.choose(0),
): string {
  const next = nextOf(source);
  if (!choose(next)) return 'nothing';
  const { start, length, hasFin, segment, end } = next;
  expect(end).toBe(start + length + (hasFin ? 1 : 0));
  return `${start}+${length}${hasFin ? 'F' : ''}${segment === undefined ? '' : 'R'}`;
}

function lose(source: Source, ...starts: number[]): Source {
  let segment: SentSegment | undefined = source.segments.oldest;
  while (segment !== undefined) {
    const { later } = segment;
    if (starts.includes(segment.start)) source.segments.lose(segment);
    segment = later;
  }
  return source;
}

describe('new data', () => {
  it.each<[string, ConstructorParameters<typeof Source>[0], string]>([
    ['is a full segment', {}, '0+1000'],
    ['is all the available data', { dataEnd: 700 }, '0+700'],
    ['is nothing if no data is available', { dataEnd: 0 }, 'nothing'],
    ['is no more than cwnd allows', { cwnd: 999, maxSndWnd: 1000 }, '0+999'],
    ["is no more than the peer's window allows", { sndWnd: 900, maxSndWnd: 1000 }, '0+900'],
    ['is never part of an octet', { cwnd: 700.9, maxSndWnd: 1000 }, '0+700'],
    ['is nothing in a closed window', { sndWnd: 0 }, 'nothing'],
    ['is nothing in a window that shrank', { sndWnd: -500 }, 'nothing'],
    ['is not a silly segment (RFC 9293 3.8.6.2.1)', { sndWnd: 900 }, 'nothing'],
    ['is at least half of the largest window seen', { sndWnd: 500, maxSndWnd: 1000 }, '0+500'],
    ['is nothing below that half', { sndWnd: 499, maxSndWnd: 1000 }, 'nothing'],
    ['has the FIN at the end of the data', { dataEnd: 700, finQueued: true }, '0+700F'],
    ['has no FIN before the end of the data', { finQueued: true }, '0+1000'],
    ['is the FIN alone', { dataEnd: 0, finQueued: true }, '0+0F'],
    ['has no FIN that exceeds the window', { dataEnd: 700, finQueued: true, sndWnd: 700 }, '0+700'],
    [
      'has the FIN in the last octet of the window',
      { dataEnd: 700, finQueued: true, sndWnd: 701 },
      '0+700F',
    ],
    ['is nothing after the FIN', { dataEnd: 700, sndNew: 701, finQueued: true }, 'nothing'],
    [
      'with Nagle is a small segment if nothing is in flight',
      { dataEnd: 10, noDelay: false },
      '0+10',
    ],
  ])('%s', (_, changes, expected) => {
    expect(chosen(new Source(changes))).toBe(expected);
  });

  it('fills each window beyond the data in flight (SHLD-28)', () => {
    expect(chosen(new Source({ cwnd: 3500, maxSndWnd: 1000 }, 3))).toBe('3000+500');
    expect(chosen(new Source({ cwnd: 3000 }, 3))).toBe('nothing');
    expect(chosen(new Source({ sndWnd: 3600, maxSndWnd: 1000 }, 3))).toBe('3000+600');
    // Lost data is not in flight, but it still occupies the peer's window.
    const source = new Source({ sndWnd: 3000, cwnd: 3000 }, 3);
    source.segments.sack(1000, 2000, []);
    expect(chosen(source)).toBe('nothing');
  });

  it('with Nagle is not a small segment after others, but may be a full one (SHLD-7)', () => {
    expect(chosen(new Source({ dataEnd: 1500, noDelay: false }, 1))).toBe('nothing');
    expect(chosen(new Source({ dataEnd: 1500 }, 1))).toBe('1000+500');
    expect(chosen(new Source({ dataEnd: 2000, noDelay: false }, 1))).toBe('1000+1000');
    expect(chosen(new Source({ dataEnd: 1500, noDelay: false, finQueued: true }, 1))).toBe(
      '1000+500F',
    );
  });
});

describe('the memory of the scoreboard', () => {
  /** A sender with `count` segments of one octet in flight and storage for `capacity` octets. */
  function withTinySegments(count: number, capacity: number): Source {
    const source = new Source();
    source.ring.capacity = capacity;
    for (; source.sndNew < count; source.sndNew++) {
      source.segments.sent(source.segments.add(source.sndNew, source.sndNew + 1));
    }
    return source;
  }

  it('has room for some segments if the ring has no storage, and for a FIN', () => {
    expect(chosen(withTinySegments(63, 0))).toBe('63+1000');
    const source = withTinySegments(0, 0);
    Object.assign(source, { dataEnd: 0, finQueued: true });
    expect(chosen(source)).toBe('0+0F');
  });

  it('does not prevent a retransmission or a tail loss probe', () => {
    const source = lose(withTinySegments(64, 0), 5);
    expect(chosen(source)).toBe('5+1R');
    expect(chosen(withTinySegments(64, 0), (next) => next.chooseTailProbe())).toBe('63+1R');
  });
});

describe('lost data', () => {
  it('waits for room in cwnd, and so does new data', () => {
    expect(chosen(lose(new Source({ cwnd: 4999 }, 5), 1000))).toBe('nothing');
    expect(chosen(lose(new Source({ cwnd: 5000 }, 5), 1000))).toBe('1000+1000R');
  });

  it('is sent if nothing is in flight, however small the window is', () => {
    expect(chosen(lose(new Source({ cwnd: 10 }, 2), 0, 1000))).toBe('0+1000R');
  });

  it('is split if the MSS became smaller, and its FIN stays with the rest', () => {
    const source = new Source({ mss: 400, dataEnd: 999, finQueued: true }, 1);
    expect(chosen(lose(source, 0))).toBe('0+400R');
    source.mss = 999;
    expect(chosen(source)).toBe('0+999FR');
  });

  it('is the first segment if that is due, whatever the windows are', () => {
    const source = new Source({ cwnd: 10, sndWnd: 0 }, 3);
    source.recovery.isHeadDue = true;
    expect(chosen(source)).toBe('0+1000R');
    source.segments.sack(0, 1000, []);
    expect(chosen(source)).toBe('nothing');
    source.segments.clear();
    expect(chosen(source)).toBe('nothing');
  });
});

describe('pacing', () => {
  it('reports when the next segment may be sent, and selects none before', () => {
    const source = new Source({}, 2);
    source.congestion.pacingRate = 100;
    const next = nextOf(source);
    expect(next.choose(50)).toBe(true);
    source.pacer.sent(3000, 100, 2000, 50);
    expect(next.choose(50)).toBe(false);
    expect(next.paceAt).toBe(60.5);
    expect(next.choose(60.5)).toBe(true);
    expect(next.paceAt).toBe(Infinity);
    lose(source, 0);
    source.pacer.sent(3000, 100, 2000, 60.5);
    expect(next.choose(60.5)).toBe(false);
    expect(next.paceAt).toBeGreaterThan(60.5);
  });
});

describe('probes', () => {
  const tail = (next: NextSegment): boolean => next.chooseTailProbe();
  const shut = (next: NextSegment): boolean => next.chooseWindowProbe();

  it('of the tail are new data beyond cwnd, even small (RFC 8985 7.3)', () => {
    expect(chosen(new Source({ cwnd: 0 }, 3), tail)).toBe('3000+1000');
    expect(chosen(new Source({ cwnd: 0, dataEnd: 3010, noDelay: false }, 3), tail)).toBe('3000+10');
  });

  it('of the tail are the last segment if no new data is available or fits', () => {
    expect(chosen(new Source({ dataEnd: 3000 }, 3), tail)).toBe('2000+1000R');
    expect(chosen(new Source({ sndWnd: 3000 }, 3), tail)).toBe('2000+1000R');
    expect(chosen(new Source({ dataEnd: 0 }), tail)).toBe('nothing');
  });

  it('of a window are one octet if it is closed, otherwise what fits', () => {
    expect(chosen(new Source({ sndWnd: 0 }), shut)).toBe('0+1');
    expect(chosen(new Source({ sndWnd: 300 }), shut)).toBe('0+300');
    expect(chosen(new Source({ sndWnd: 0, dataEnd: 0, finQueued: true }), shut)).toBe('0+0F');
    expect(chosen(new Source({ sndWnd: 0, dataEnd: 1, finQueued: true }), shut)).toBe('0+1');
  });
});
