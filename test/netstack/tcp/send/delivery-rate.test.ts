import { DeliveryRate } from '../../../../src/netstack/tcp/send/delivery-rate.js';
import { SentSegment } from '../../../../src/netstack/tcp/send/sent-segments.js';

/** A flight of segments of 1000 octets, for the formulas of draft-ietf-ccwg-bbr 4.1. */
class Flight {
  readonly rate = new DeliveryRate();
  inflight = 0;
  #next = 0;

  send(now: number): SentSegment {
    const segment = new SentSegment(this.#next, this.#next + 1000);
    this.#next += 1000;
    this.rate.sending(segment, this.inflight, now);
    this.inflight += 1000;
    return segment;
  }

  /** One ACK for these segments. */
  acknowledge(now: number, minimumRtt: number, ...segments: SentSegment[]): DeliveryRate['sample'] {
    this.rate.beginAck(this.inflight);
    for (const segment of segments) {
      this.rate.segmentDelivered(segment, now);
      this.inflight -= 1000;
    }
    this.rate.endAck(minimumRtt);
    return this.rate.sample;
  }
}

it('records its state with each sent segment (draft-ietf-ccwg-bbr 4.1.2.2, RFC 8985 6.1)', () => {
  const flight = new Flight();
  expect(flight.send(100)).toMatchObject({
    sentAt: 100,
    firstSentAt: 100,
    deliveredAt: 100,
    delivered: 0,
    inflight: 1000,
    lost: 0,
    isAppLimited: false,
  });
  flight.rate.lost = 500;
  const second = flight.send(110);
  expect(second).toMatchObject({ sentAt: 110, firstSentAt: 100, inflight: 2000, lost: 500 });
  flight.acknowledge(150, 0, second);
  // The newest delivered segment was sent at 110 and delivered at 150.
  expect(flight.send(160)).toMatchObject({ firstSentAt: 110, deliveredAt: 150, delivered: 1000 });
});

it('divides the delivered data by the longer of the two intervals (4.1.2.3) (draft-ietf-ccwg-bbr 4.1.2)', () => {
  const flight = new Flight();
  const segments = [100, 110, 120, 130].map((now) => flight.send(now));
  // Sent within 0 ms, acknowledged within 50.
  expect(flight.acknowledge(150, 10, segments[0]!)).toMatchObject({
    priorDelivered: 0,
    delivered: 1000,
    deliveryRate: 20,
    newlyDelivered: 1000,
    priorInflight: 4000,
    inflight: 1000,
    rtt: 50,
  });
  // Batched ACKs: three segments sent over 30 ms, for which the ACK interval is 51.
  expect(flight.acknowledge(151, 10, ...segments.slice(1))).toMatchObject({
    priorDelivered: 0,
    delivered: 4000,
    deliveryRate: 4000 / 51,
    newlyDelivered: 3000,
    inflight: 4000,
    rtt: 21,
  });
});

it('ignores an interval below the shortest round trip (draft-ietf-ccwg-bbr 4.1.2)', () => {
  const flight = new Flight();
  const segment = flight.send(100);
  const sample = flight.acknowledge(109, 10, segment);
  expect(sample).toMatchObject({ deliveryRate: 0, delivered: 1000, priorDelivered: 0, rtt: 9 });
  flight.inflight = 0;
  expect(flight.acknowledge(210, 10, flight.send(200)).deliveryRate).toBe(100);
});

it('ignores an interval of zero length', () => {
  const flight = new Flight();
  expect(flight.acknowledge(100, 0, flight.send(100)).deliveryRate).toBe(0);
});

it('uses the newest segment that an ACK delivers, in any order of reports', () => {
  const flight = new Flight();
  const [first, second, third] = [100, 110, 110].map((now) => flight.send(now));
  expect(flight.acknowledge(150, 0, third!, second!, first!)).toMatchObject({
    rtt: 40,
    inflight: 3000,
  });
  expect(flight.rate.delivered).toBe(3000);
});

it('takes a sample from each ACK, even if it delivers older segments', () => {
  const flight = new Flight();
  const [first, second] = [100, 110].map((now) => flight.send(now));
  flight.acknowledge(150, 0, second!);
  expect(flight.acknowledge(160, 0, first!)).toMatchObject({
    priorDelivered: 0,
    delivered: 2000,
    deliveryRate: 2000 / 60,
    rtt: 60,
  });
});

it('has no round trip for a segment sent twice (Karn)', () => {
  const flight = new Flight();
  const segment = flight.send(100);
  segment.isRetransmitted = true;
  expect(flight.acknowledge(150, 0, segment).rtt).toBe(-1);
});

it('counts losses since the newest delivered segment was sent', () => {
  const flight = new Flight();
  flight.rate.lost = 3000;
  const segment = flight.send(100);
  flight.rate.lost = 5000;
  expect(flight.acknowledge(150, 0, segment)).toMatchObject({ lost: 2000 });
});

it('has no sample for an ACK that delivers nothing', () => {
  const flight = new Flight();
  flight.acknowledge(150, 0, flight.send(100));
  flight.send(150);
  expect(flight.acknowledge(160, 0)).toEqual({
    isCumulative: false,
    acknowledged: 0,
    newlyDelivered: 0,
    newlyLost: 0,
    priorInflight: 1000,
    rtt: -1,
    deliveryRate: 0,
    delivered: 0,
    lost: 0,
    priorDelivered: -1,
    inflight: 0,
    isAppLimited: false,
  });
});

describe('a user who limits the rate (4.1.2.4) (draft-ietf-ccwg-bbr 4.1.2)', () => {
  it('marks segments until all data then in flight is delivered', () => {
    const flight = new Flight();
    const first = flight.send(100);
    flight.rate.limitedByUser(flight.inflight);
    expect(flight.rate.isAppLimited).toBe(true);
    const second = flight.send(110);
    expect([first.isAppLimited, second.isAppLimited]).toEqual([false, true]);
    // The delivered amount is then 1000, which is not above 1000.
    expect(flight.acknowledge(150, 0, first).isAppLimited).toBe(false);
    expect(flight.rate.isAppLimited).toBe(true);
    expect(flight.acknowledge(160, 0, second).isAppLimited).toBe(true);
    expect(flight.rate.isAppLimited).toBe(false);
  });

  it('is recorded even before anything was delivered', () => {
    const { rate } = new Flight();
    rate.limitedByUser(0);
    expect(rate.isAppLimited).toBe(true);
  });
});
