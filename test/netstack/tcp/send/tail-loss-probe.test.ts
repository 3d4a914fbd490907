import { TailLossProbe } from '../../../../src/netstack/tcp/send/tail-loss-probe.js';

describe('the timeout (RFC 8985 7.2)', () => {
  it('is two round trips, plus the delay of an ACK for a single segment', () => {
    const probe = new TailLossProbe();
    expect(probe.timeout(50, 1000, 2)).toBe(100);
    expect(probe.timeout(50, 1000, 1)).toBe(300);
  });

  it('is a second if no round trip is known', () => {
    expect(new TailLossProbe().timeout(0, 3000, 1)).toBe(1000);
  });
});

describe('later ACKs (RFC 8985 7.4.2)', () => {
  /** A probe in flight that ends at 5000. */
  function probing(isRetransmission: boolean): TailLossProbe {
    const probe = new TailLossProbe();
    expect(probe.isOut).toBe(false);
    probe.sent(5000, isRetransmission);
    expect(probe.isOut).toBe(true);
    return probe;
  }

  it('do not end it if they are below the end of the probe', () => {
    const probe = probing(true);
    expect(probe.acknowledged(4999, 5000, true)).toBe(false);
    expect(probe.isOut).toBe(true);
  });

  it('end it with a DSACK, because nothing was lost', () => {
    const probe = probing(true);
    expect(probe.acknowledged(5000, 5000, false)).toBe(false);
    expect(probe.isOut).toBe(false);
    const beyond = probing(true);
    expect(beyond.acknowledged(6000, 5000, false)).toBe(false);
    expect(beyond.isOut).toBe(false);
  });

  it('do not end it if their DSACK is for another segment', () => {
    const probe = probing(true);
    expect(probe.acknowledged(5000, 4000, false)).toBe(false);
    expect(probe.isOut).toBe(true);
    expect(probe.acknowledged(6000, 4000, false)).toBe(true);
    expect(probing(true).acknowledged(6000, 5001, false)).toBe(true);
  });

  it('end it with a second ACK for the same number, because both transmissions arrived', () => {
    const probe = probing(true);
    expect(probe.acknowledged(5000, undefined, true)).toBe(false);
    expect(probe.isOut).toBe(false);
  });
});

it('is over after a reset', () => {
  const probe = new TailLossProbe();
  probe.sent(5000, true);
  probe.end();
  expect(probe.isOut).toBe(false);
  expect(probe.acknowledged(6000, undefined, false)).toBe(false);
});
