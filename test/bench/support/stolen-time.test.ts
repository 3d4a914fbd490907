import { StolenTime } from '../../../bench/support/stolen-time.js';

/** /proc/stat with the times: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice. */
function stat(...columns: number[]): string {
  return `cpu  ${columns.join(' ')}\ncpu0 9 9 9 9 9 9 9 9 9 9\n`;
}

/** Returns the share between two readings. */
function shareBetween(before: string, after: string): string {
  const texts = [before, after];
  return new StolenTime(() => texts.shift() ?? '').toString();
}

it('divides the stolen time by all time since the start', () => {
  const before = stat(1000, 1, 2, 3, 4, 5, 6, 700, 90, 9);
  const after = stat(1200, 11, 22, 503, 104, 45, 56, 780, 190, 19);
  // 200 + 10 + 20 + 500 + 100 + 40 + 50 + 80; the guest's time is part of user.
  expect(shareBetween(before, after)).toBe('8.0 %');
});

it('is zero before any time has passed', () => {
  const same = stat(1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
  expect(shareBetween(same, same)).toBe('0.0 %');
});

it('reads this machine', () => {
  expect(new StolenTime().toString()).toMatch(/^\d+\.\d %$/);
});
