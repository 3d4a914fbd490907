import { Pacer } from '../../../../src/netstack/tcp/send/pacer.js';
import { seededRandom } from '../../../support/pairs/netstack-pair.js';

it('sends everything at once without pacing, without counting it', () => {
  const pacer = new Pacer();
  for (let count = 0; count < 100; count++) {
    expect(pacer.departure(Infinity, 2000, 5)).toBe(5);
    pacer.sent(1000, Infinity, 2000, 5);
  }
  pacer.departure(100, 2000, 6);
  expect(pacer.departure(100, 2000, 6)).toBe(6);
});

it('reports when the debt is paid and half a quantum, or a ms, is available', () => {
  const pacer = new Pacer();
  pacer.departure(100, 2000, 0);
  for (let count = 0; count < 3; count++) pacer.sent(1000, 100, 2000, 0);
  // 1000 below zero, and 50 for half a ms, at 100 a ms.
  expect(pacer.departure(100, 2000, 0)).toBe(10.5);
  expect(pacer.departure(100, 2000, 4)).toBe(10.5);
  expect(pacer.departure(100, 2000, 10)).toBe(10);
  const fast = new Pacer();
  fast.departure(10_000, 2000, 0);
  for (let count = 0; count < 3; count++) fast.sent(1000, 10_000, 2000, 0);
  expect(fast.departure(10_000, 2000, 0)).toBeCloseTo(0.2, 9);
});

/** The number of segments of 1000 octets that may be sent at once. */
function leaveAt(pacer: Pacer, rate: number, now: number): number {
  let sent = 0;
  while (pacer.departure(rate, 2000, now) <= now) {
    pacer.sent(1000, rate, 2000, now);
    sent++;
  }
  return sent;
}

it('compensates for a turn that ended early as for a late timer', () => {
  const pacer = new Pacer();
  pacer.departure(1000, 2000, 0);
  pacer.sent(1000, 1000, 2000, 0);
  expect(pacer.departure(1000, 2000, 0)).toBe(0);
  pacer.interrupted();
  expect(leaveAt(pacer, 1000, 100)).toBe(10 + 1);
  // Only the interrupted wait is compensated for.
  pacer.departure(1000, 2000, 110);
  expect(leaveAt(pacer, 1000, 200)).toBe(2 + 1);
});

it('allows at most a quantum after an idle second', () => {
  const pacer = new Pacer();
  pacer.departure(5000, 2000, 0);
  pacer.sent(9000, 5000, 2000, 0);
  let sent = 0;
  while (pacer.departure(5000, 2000, 1001) <= 1001) {
    pacer.sent(1000, 5000, 2000, 1001);
    sent++;
  }
  expect(sent).toBe(3);
});

it('keeps the average rate, however late its timer is', () => {
  const random = seededRandom(3);
  const pacer = new Pacer();
  const rate = 1250;
  let now = 0;
  let sent = 0;
  while (now < 10_000) {
    const at = pacer.departure(rate, 2900, now);
    if (at > now) now = at + random();
    else {
      pacer.sent(1448, rate, 2900, now);
      sent += 1448;
    }
  }
  expect(sent / now / rate).toBeGreaterThan(0.99);
  expect(sent).toBeLessThanOrEqual(now * rate + 2900 + 1448);
});
