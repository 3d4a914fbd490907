import { MinimumRtt, RoundTrips } from '../../../../src/netstack/tcp/send/round-trips.js';

/** A sender whose handshake took 100 ms. */
function measured(): RoundTrips {
  const trips = new RoundTrips();
  trips.synSent(0);
  trips.synAcknowledged(-1, false, 100);
  return trips;
}

describe('the handshake', () => {
  it('is the first sample', () => {
    const trips = new RoundTrips();
    trips.synSent(1000);
    expect(trips.synAcknowledged(90, false, 1080)).toBe(80);
    expect([trips.srtt, trips.rttvar, trips.rto]).toEqual([80, 40, 280]);
  });

  it('is not a sample if the SYN was sent twice, and data begins with 3 s (RFC 6298 5.7)', () => {
    const trips = new RoundTrips();
    trips.synSent(0);
    trips.synTimedOut();
    expect(trips.rto).toBe(2000);
    trips.synSent(1000);
    expect(trips.synAcknowledged(-1, true, 1080)).toBe(-1);
    expect([trips.srtt, trips.rto, trips.backoff]).toEqual([0, 3000, 0]);
  });

  it('is not a sample if the SYN-ACK was a cookie, since its send time is unknown', () => {
    const trips = new RoundTrips();
    expect(trips.synAcknowledged(-1, false, 5000)).toBe(-1);
    expect([trips.srtt, trips.rto]).toEqual([0, 1000]);
  });
});

describe('an ACK', () => {
  it('is a sample through the covered segment rather than its echo (RFC 7323 4.1)', () => {
    const trips = measured();
    trips.acknowledged(180, 40, 1000);
    expect(trips.srtt).toBe(110);
  });

  it('is a sample through its echo if the segment was sent twice', () => {
    const trips = measured();
    trips.acknowledged(-1, 180, 1000);
    expect(trips.srtt).toBe(110);
  });

  it('is a sample at most once per round trip (RFC 6298 3, RFC 7323 4.2)', () => {
    const trips = measured();
    trips.acknowledged(180, -1, 1000);
    trips.acknowledged(500, -1, 1109);
    expect(trips.srtt).toBe(110);
    trips.acknowledged(180, -1, 1110);
    expect(trips.srtt).toBe(118.75);
  });

  it('is a sample at once if it ends a backoff', () => {
    const trips = measured();
    trips.acknowledged(180, -1, 1000);
    trips.timedOut(1001);
    trips.acknowledged(110, -1, 1002);
    expect([trips.srtt, trips.backoff]).toEqual([110, 0]);
  });

  it('reduces the backoff by one step if it is ambiguous (Karn)', () => {
    const trips = measured();
    for (const now of [300, 900, 2100]) trips.timedOut(now);
    expect([trips.backoff, trips.rto]).toEqual([3, 2400]);
    trips.acknowledged(-1, -1, 2200);
    expect([trips.backoff, trips.rto]).toEqual([2, 1200]);
  });

  it('ends the backoff without a sample if it echoes data sent before the timer expired', () => {
    const trips = measured();
    trips.timedOut(300);
    trips.timedOut(900);
    trips.acknowledged(-1, 1000, 1000);
    expect([trips.backoff, trips.srtt, trips.rto]).toEqual([0, 100, 300]);
    trips.timedOut(1300);
    trips.acknowledged(-1, 100, 1400);
    expect([trips.backoff, trips.srtt]).toEqual([0, 100]);
    trips.timedOut(1500);
    trips.acknowledged(-1, 180, 1680);
    expect([trips.backoff, trips.srtt]).toEqual([0, 110]);
  });
});

it('keeps one step of a backoff when the path works again', () => {
  const trips = measured();
  for (const now of [300, 900, 2100]) trips.timedOut(now);
  trips.easeToOneStep();
  expect(trips.backoff).toBe(1);
  trips.easeToOneStep();
  expect(trips.backoff).toBe(1);
});

describe('the minimum', () => {
  const MINUTE = 60_000;

  it('is kept for at least 2.5 minutes, and forgotten after 5 (RFC 8985 6.2)', () => {
    const minimum = new MinimumRtt();
    minimum.sample(40, 0);
    minimum.sample(50, 2.4 * MINUTE);
    expect(minimum.value).toBe(40);
    // The second half of the window begins; the first is remembered.
    minimum.sample(60, 2.5 * MINUTE);
    expect(minimum.value).toBe(40);
    minimum.sample(70, 4.9 * MINUTE);
    expect(minimum.value).toBe(40);
    minimum.sample(80, 5 * MINUTE);
    expect(minimum.value).toBe(60);
    minimum.sample(90, 7.5 * MINUTE);
    expect(minimum.value).toBe(80);
  });

  it('drops samples that a pause of half the window made too old', () => {
    const minimum = new MinimumRtt();
    minimum.sample(40, 0);
    minimum.sample(90, 5 * MINUTE);
    expect(minimum.value).toBe(90);
  });
});
