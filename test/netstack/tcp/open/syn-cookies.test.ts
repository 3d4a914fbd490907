import { SynCookies } from '../../../../src/netstack/tcp/open/syn-cookies.js';
import { ip, patternBytes } from '../../../support/pairs/netstack-pair.js';

const LOCAL = { address: ip('10.0.0.1'), port: 80 };
const REMOTE = { address: ip('10.0.0.2'), port: 40_000 };
const IRS = 0x1234_5678;
const TICK = 60_000;

function create(seed = 1): SynCookies {
  return new SynCookies(patternBytes(16, seed));
}

it('recovers the MSS: the largest of eight values that is not above it', () => {
  const cookies = create();
  const told = [0, 215, 216, 535, 536, 1179, 1180, 1359, 1360, 1460, 9000].map((mss) =>
    cookies.check(LOCAL, REMOTE, IRS, cookies.create(LOCAL, REMOTE, IRS, mss, 5), 6),
  );
  expect(told).toEqual([216, 216, 216, 216, 536, 536, 1180, 1320, 1360, 1460, 1460]);
});

it('accepts a cookie in its minute and the next, even when the five bits of time wrap (RFC 4987 3.6)', () => {
  for (const begin of [0, 7 * TICK, 31 * TICK, 32 * TICK, 1e6 * TICK]) {
    for (const [at, mss] of [
      [begin, 1460],
      [begin + TICK, 1460],
      [begin + 2 * TICK - 1, 1460],
      [begin + 2 * TICK, 0],
      [begin + 33 * TICK, 0],
    ] as const) {
      const cookies = create();
      const cookie = cookies.create(LOCAL, REMOTE, IRS, 1460, begin);
      // Newer cookies are sent meanwhile, so that only the age of this one matters.
      if (at > begin) cookies.create(LOCAL, REMOTE, IRS + 1, 1460, at);
      expect(cookies.check(LOCAL, REMOTE, IRS, cookie, at)).toBe(mss);
    }
  }
});

it('refuses a cookie with one bit changed', () => {
  const cookies = create();
  for (const now of [5, 40 * TICK]) {
    const cookie = cookies.create(LOCAL, REMOTE, IRS, 1460, now);
    for (let bit = 0; bit < 32; bit++) {
      expect(cookies.check(LOCAL, REMOTE, IRS, cookie ^ (1 << bit), now)).toBe(0);
    }
    expect(cookies.check(LOCAL, REMOTE, IRS, cookie, now)).toBe(1460);
  }
});

it.each([
  ['another peer', LOCAL, { ...REMOTE, address: ip('10.0.0.3') }, IRS],
  ['another port of the peer', LOCAL, { ...REMOTE, port: 40_001 }, IRS],
  ['another local address', { ...LOCAL, address: ip('10.0.0.9') }, REMOTE, IRS],
  ['another local port', { ...LOCAL, port: 81 }, REMOTE, IRS],
  ['another SYN', LOCAL, REMOTE, IRS + 1],
] as const)('refuses a cookie for %s', (_, local, remote, irs) => {
  const cookies = create();
  const cookie = cookies.create(LOCAL, REMOTE, IRS, 1460, 5);
  expect(cookies.check(local, remote, irs, cookie, 5)).toBe(0);
});

it('accepts no cookie if none was sent, so that guessing is useless', () => {
  const cookie = create().create(LOCAL, REMOTE, IRS, 1460, 5);
  const restarted = create();
  expect(restarted.check(LOCAL, REMOTE, IRS, cookie, 5)).toBe(0);
  restarted.create(LOCAL, REMOTE, 0, 536, 5);
  expect(restarted.check(LOCAL, REMOTE, IRS, cookie, 5)).toBe(1460);
  expect(restarted.check(LOCAL, REMOTE, IRS, cookie, 2 * TICK)).toBe(0);
});

it('differs from SYN to SYN, and over time', () => {
  const cookies = create();
  const values = new Set<number>();
  for (let irs = 0; irs < 500; irs++) {
    values.add(cookies.create(LOCAL, REMOTE, irs, 1460, 5) & 0xff_ffff);
    values.add(cookies.create(LOCAL, REMOTE, irs, 1460, TICK) & 0xff_ffff);
  }
  expect(values.size).toBeGreaterThan(990);
});
