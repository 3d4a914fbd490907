import { IdleShare } from '../../../src/system/linux/idle-share.js';

/** Alternates waits and work, and returns whether the share was high after each wait. */
function alternate(share: IdleShare, rounds: number, waited: number, worked: number): boolean[] {
  return Array.from({ length: rounds }, () => {
    share.waited(waited, (now += worked + waited));
    return share.isHigh;
  });
}

let now: number;
beforeEach(() => (now = 1_000));

it('is not high before a wait has ended', () => {
  expect(new IdleShare(now).isHigh).toBe(false);
});

it('is high if a thread waits for more than seven eighths of its time', () => {
  expect(alternate(new IdleShare(now), 20, 0.9, 0.1).every(Boolean)).toBe(true);
  const busy = alternate(new IdleShare(now), 40, 0.8, 0.2);
  expect(busy.slice(10)).not.toContain(true);
});

it('follows a change within some waits, and at once after a long one', () => {
  const share = new IdleShare(now);
  alternate(share, 20, 5, 0.1);
  expect(alternate(share, 60, 0.05, 0.4).indexOf(false)).toBeGreaterThan(1);
  expect(share.isHigh).toBe(false);
  expect(alternate(share, 1, 50, 0.1)).toEqual([true]);
});
