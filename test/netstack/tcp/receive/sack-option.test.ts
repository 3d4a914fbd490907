import type { AckReport } from '../../../../src/netstack/tcp/send/loss-recovery.js';
import { TcpOptions } from '../../../../src/netstack/tcp/open/options.js';
import { takeSelectiveAcks } from '../../../../src/netstack/tcp/receive/sack-option.js';
import { type SentSegment, SentSegments } from '../../../../src/netstack/tcp/send/sent-segments.js';

type Block = readonly [start: number, end: number];

/**
 * Ten segments of 100 octets from `base` on, of which the first `sndUna` octets are acknowledged.
 */
function scoreboard(
  sndUna = 0,
  base = 0,
): { segments: SentSegments; sndUna: number; sndNew: number } {
  const segments = new SentSegments();
  for (let start = sndUna; start < 1000; start += 100) {
    segments.sent(segments.add((base + start) | 0, (base + start + 100) | 0));
  }
  return { segments, sndUna: (base + sndUna) | 0, sndNew: (base + 1000) | 0 };
}

function take(
  subject: ReturnType<typeof scoreboard>,
  blocks: readonly Block[],
): { arrived: number[]; dsack: Block } {
  const options = new TcpOptions();
  options.sackCount = blocks.length;
  for (const [index, [start, end]] of blocks.entries()) {
    options.sackStarts[index] = start;
    options.sackEnds[index] = end;
  }
  const report: AckReport = {
    acknowledged: 0,
    isDuplicate: false,
    echoedAt: -1,
    dsackStart: 0,
    dsackEnd: 0,
  };
  const arrived: SentSegment[] = [];
  takeSelectiveAcks(subject, options, report, arrived);
  return {
    arrived: arrived.map(({ start }) => start),
    dsack: [report.dsackStart, report.dsackEnd],
  };
}

const NO_DSACK: Block = [0, 0];

it('orders blocks even if numbers wrap', () => {
  const base = 0x7fff_fe00;
  const at = (offset: number): number => (base + offset) | 0;
  const { arrived } = take(scoreboard(0, base), [
    [at(700), at(900)],
    [at(200), at(300)],
  ]);
  expect(arrived).toEqual([at(200), at(700), at(800)]);
});

describe('a DSACK (RFC 2883 4)', () => {
  it.each<[string, Block[], Block]>([
    ['lies at or below SND.UNA', [[200, 300]], [200, 300]],
    [
      'lies below SND.UNA, with SACKed data after it',
      [
        [100, 200],
        [500, 600],
      ],
      [100, 200],
    ],
    [
      'lies within the second block',
      [
        [500, 600],
        [400, 700],
      ],
      [500, 600],
    ],
    [
      'is the second block',
      [
        [500, 600],
        [500, 600],
      ],
      [500, 600],
    ],
  ])('%s', (_, blocks, dsack) => {
    expect(take(scoreboard(300), blocks).dsack).toEqual(dsack);
  });

  it.each<[string, Block[]]>([
    [
      'the second block',
      [
        [500, 600],
        [200, 300],
      ],
    ],
    [
      'more than the second block',
      [
        [400, 600],
        [500, 700],
      ],
    ],
    [
      'before the second block',
      [
        [400, 600],
        [700, 800],
      ],
    ],
    ['partly above SND.UNA', [[200, 400]]],
  ])('is not a block that is %s', (_, blocks) => {
    expect(take(scoreboard(300), blocks).dsack).toEqual(NO_DSACK);
  });
});

it('does not reuse a block of an earlier ACK', () => {
  const options = new TcpOptions();
  options.sackStarts.set([500, 400]);
  options.sackEnds.set([600, 700]);
  options.sackCount = 1;
  const report = { acknowledged: 0, isDuplicate: false, echoedAt: -1, dsackStart: 0, dsackEnd: 0 };
  const arrived: SentSegment[] = [];
  takeSelectiveAcks(scoreboard(), options, report, arrived);
  expect(arrived.map(({ start }) => start)).toEqual([500]);
  expect(report.dsackEnd).toBe(0);
});

describe('an invalid block', () => {
  it.each<[string, Block]>([
    ['empty', [500, 500]],
    ['reversed', [600, 500]],
    ['reversed, below SND.UNA', [250, 200]],
    ['beyond SND.NXT', [900, 1001]],
    ['all beyond SND.NXT', [1000, 1100]],
    ['half a circle away', [-0x8000_0000, 0x7fff_ffff]],
  ])('that is %s is ignored', (_, block) => {
    const subject = scoreboard(300);
    expect(take(subject, [block])).toEqual({ arrived: [], dsack: NO_DSACK });
    expect(subject.segments.inflight).toBe(700);
  });

  it('does not hide later blocks', () => {
    expect(
      take(scoreboard(), [
        [900, 2000],
        [300, 200],
        [400, 500],
      ]).arrived,
    ).toEqual([400]);
  });
});
