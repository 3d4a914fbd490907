import type { Silence } from '../../../src/lib/silence.js';
import { RenewalMoments } from '../../../src/app/session/renewal-moments.js';
import type { TunnelStatus } from '../../../src/tunnel/tunnel-status.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const MINUTE = 60_000;

interface Seen {
  readonly health?: TunnelStatus['health'];
  readonly silence?: Silence;
  readonly unanswered?: TunnelStatus['unanswered'];
  readonly unreturnedFor?: number;
  /** When the last handshake was completed. */
  readonly handshake?: number;
}

/** The part of a status that matters here. */
function status({
  health = 'up',
  silence,
  unanswered,
  unreturnedFor,
  handshake,
}: Seen): TunnelStatus {
  const peers = [{ latestHandshakeUnix: handshake }];
  const why = silence && { reason: silence, why: '' };
  return { health, silence: why, unanswered, unreturnedFor, peers } as unknown as TunnelStatus;
}

let moments: RenewalMoments;
beforeEach(() => {
  moments = new RenewalMoments(seededEntropy(1));
});

const look = (seen: Seen, now = 0) => moments.look(status(seen), now);

it.each([
  [undefined, { nextLook: 5000 }],
  [{ for: 0, reason: 'no-answer' }, { nextLook: 5000 }],
  [{ for: 2000, reason: 'no-answer' }, { nextLook: 4000 }],
  [{ for: 5999, reason: 'no-answer' }, { nextLook: 1 }],
  [{ for: 6000, reason: 'no-answer' }, { suspicion: 'silent' }],
  [{ for: 6000, reason: 'wrong-key' }, { suspicion: 'silent' }],
  [{ for: 6000, reason: 'under-load' }, { suspicion: 'silent' }],
  [{ for: 6000, reason: 'clock-behind' }, { suspicion: 'silent' }],
  // The handshake is in progress: whether it is answered says more.
  [{ for: 5000, reason: 'no-data-back' }, { nextLook: 1000 }],
  [{ for: 59_999, reason: 'name-not-found' }, { nextLook: 1 }],
  [{ for: 60_000, reason: 'name-not-found' }, { suspicion: 'silent' }],
  [{ for: 1e9, reason: 'cannot-send' }, { nextLook: 5000 }],
] as const)('decides after %j without an answer to a handshake: %j', (unanswered, moment) => {
  expect(look({ unanswered })).toEqual(moment);
});

it('is in doubt if handshakes are answered but no data is returned', () => {
  expect(look({ health: 'stale', silence: 'no-data-back' })).toEqual({ suspicion: 'doubtful' });
  expect(look({ health: 'stale', silence: 'no-answer' })).toEqual({ suspicion: 'silent' });
});

describe('unanswered packets', () => {
  it('cause a query after 10 s, unless a handshake is in progress', () => {
    expect(look({ unreturnedFor: 9_999 })).toEqual({ nextLook: 5000 });
    expect(look({ unreturnedFor: 10_000 })).toEqual({ suspicion: 'unreturned' });
    const unanswered = { for: 0, reason: 'no-answer' } as const;
    expect(look({ unreturnedFor: 10_000, unanswered })).toEqual({ nextLook: 5000 });
  });

  it('cause queries at growing intervals despite handshakes, because a program may only send', () => {
    const asked: number[] = [];
    for (let now = 0; now < 24 * 60 * MINUTE; now += 5_000) {
      const handshake = 1e12 + Math.floor(now / 120_000) * 120_000;
      const moment = look({ unreturnedFor: now, handshake }, now);
      if (!('suspicion' in moment)) continue;
      asked.push(now);
      moments.asked(moment.suspicion, now);
    }
    expect(asked[0]).toBe(10_000);
    expect(asked.length).toBeLessThan(60);
  });
});

describe('a handshake', () => {
  it.each([
    [109_999, { suspicion: 'doubtful' }],
    [110_000, { nextLook: 5000 }],
    // The wall clock was set back.
    [-1000, { suspicion: 'doubtful' }],
  ])('%d ms after the previous one: %j', (distance, moment) => {
    expect(look({ handshake: 1e12 })).toEqual({ nextLook: 5000 });
    expect(look({ handshake: 1e12 })).toEqual({ nextLook: 5000 });
    expect(look({ handshake: 1e12 + distance })).toEqual(moment);
  });

  it('is expected within 30 s of a change', () => {
    look({ handshake: 1e12 });
    moments.changed(0);
    expect(look({ handshake: 1e12 }, 1000)).toEqual({ nextLook: 5000 });
    expect(look({ handshake: 1e12 + 1000 }, 29_999)).toEqual({ nextLook: 5000 });
    expect(look({ handshake: 1e12 + 2000 }, 30_000)).toEqual({ suspicion: 'doubtful' });
  });

  it('that was in doubt before a change is no longer in doubt', () => {
    const unanswered = { for: 0, reason: 'no-answer' } as const;
    look({ handshake: 1e12 });
    look({ handshake: 1e12 + 1000, unanswered });
    moments.changed(0);
    expect(look({ handshake: 1e12 + 1000 }, 60_000)).toEqual({ nextLook: 5000 });
  });
});

it('queries for one reason no earlier than a minute after another one', () => {
  look({ handshake: 1e12 });
  look({ handshake: 1e12 + 1000 });
  moments.asked('doubtful', 0);
  const unanswered = { for: 10_000, reason: 'no-answer' } as const;
  expect(look({ unanswered, handshake: 1e12 + 1000 }, MINUTE - 1)).toEqual({ nextLook: 5000 });
  expect(look({ unanswered, handshake: 1e12 + 1000 }, MINUTE)).toEqual({ suspicion: 'silent' });
});

/** The pauses between queries if the status from `seen` is checked every `step` ms. */
function pauses(duration: number, step: number, seen: (now: number) => Seen): number[] {
  const asked: number[] = [];
  for (let now = 0; now < duration; now += step) {
    const moment = look(seen(now), now);
    if (!('suspicion' in moment)) continue;
    asked.push(now);
    moments.asked(moment.suspicion, now);
  }
  return asked.slice(1).map((time, index) => time - asked[index]!);
}

it('doubles the pauses while in doubt, up to half an hour, even if handshakes are answered', () => {
  // As with a program that retries a dead port.
  const between = pauses(240 * MINUTE, 5000, (now) => ({ handshake: 1e12 + now }));
  expect(between.length).toBeGreaterThan(6);
  [1, 2, 4, 8, 16, 30, 30].forEach((minutes, index) => {
    expect(between[index]).toBeGreaterThanOrEqual(minutes * MINUTE);
    expect(between[index]).toBeLessThanOrEqual(minutes * MINUTE * 1.25 + 5000);
  });
});

it('resets the pauses after an ordinary renewal', () => {
  pauses(20 * MINUTE, 5000, (now) => ({ handshake: 1e12 + now }));
  const latest = 1e12 + 20 * MINUTE;
  look({ handshake: latest + 120_000 }, 30 * MINUTE);
  expect(look({ handshake: latest + 121_000 }, 30 * MINUTE)).toEqual({ suspicion: 'doubtful' });
});

it('resets the pauses when the network is back', () => {
  const silent = { unanswered: { for: 1e6, reason: 'no-answer' } } as const;
  pauses(20 * MINUTE, 5000, () => silent);
  expect(look(silent, 20 * MINUTE)).toEqual({ nextLook: 5000 });
  look({ unanswered: { for: 1e6, reason: 'cannot-send' } }, 22 * MINUTE);
  expect(look(silent, 22 * MINUTE)).toEqual({ suspicion: 'silent' });
});

it('resets the pauses after a handshake', () => {
  const silent = { unanswered: { for: 1e6, reason: 'no-answer' } } as const;
  pauses(20 * MINUTE, 5000, () => silent);
  expect(look(silent, 22 * MINUTE)).toEqual({ nextLook: 5000 });
  expect(look({ ...silent, handshake: 1e12 }, 22 * MINUTE)).toEqual({ suspicion: 'silent' });
});
