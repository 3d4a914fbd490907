/**
 * RFC 7323 5.3: which timestamps cause a segment to be refused, and which segments set TS.Recent.
 */
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  RST,
  type Seg,
  SYN,
  TIMESTAMPS_OPTION,
} from '../../tcp-harness.js';

const DAY = 24 * 3600 * 1000;
/** The largest timestamp that counts as newer than 1000. */
const FAR_AHEAD = (1000 + 0x7fff_ffff) | 0;

/** Established with timestamps, and a TS.Recent of 1000. */
function established(): Harness {
  return new Harness().establish({ syn: [...MSS_OPTION(1000), ...TIMESTAMPS_OPTION(1000, 0)] });
}

/** The timestamp that the next ACK echoes. */
function echo(h: Harness): number {
  h.connection.send(new Uint8Array(1));
  return h.sends().at(-1)!.options.tsEcr;
}

describe('TS.Recent', () => {
  it.each<[string, Seg]>([
    ['far beyond the window', { flags: ACK, seq: -1_000_000, data: 1 }],
    ['just beyond the window', { flags: ACK, seq: 0 }],
    ['that is RST, and challenged', { flags: RST | ACK, seq: -1, data: 100 }],
    ['that is SYN', { flags: SYN | ACK, seq: 1 }],
    ['that acknowledges unsent data', { flags: ACK, seq: 1, ack: 5000 }],
    ['that has no ACK', { flags: FIN, seq: 1 }],
  ])(
    'is not set by a segment %s, so that an attacker cannot lock the peer out (RFC 7323 5.3)',
    (_, seg) => {
      const h = established();
      h.receives({ ...seg, options: TIMESTAMPS_OPTION(FAR_AHEAD, 0) });
      h.sends();
      h.receives({ flags: ACK, seq: 1, data: 10, options: TIMESTAMPS_OPTION(1001, 0) });
      expect(h.connection.readableBytes).toBe(10);
      expect(h.stack.drops.of('tcp-paws')).toBe(0);
      expect(echo(h)).toBe(1001);
    },
  );

  it('is set by a segment at the left edge, and by one that overlaps it', () => {
    const h = established();
    h.receives({ flags: ACK, seq: 1, options: TIMESTAMPS_OPTION(1010, 0) });
    expect(echo(h)).toBe(1010);
    h.receives({ flags: ACK, seq: 0, data: 2, options: TIMESTAMPS_OPTION(1020, 0) });
    expect(echo(h)).toBe(1020);
    h.receives({ flags: ACK, seq: 3, data: 2, options: TIMESTAMPS_OPTION(1030, 0) });
    expect(echo(h)).toBe(1020);
  });

  it('is not set by an option that was not negotiated', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, seq: 1, data: 10, options: TIMESTAMPS_OPTION(-1, 0) });
    h.receives({ flags: ACK, seq: 11, data: 10, options: TIMESTAMPS_OPTION(-2, 0) });
    expect(h.connection.readableBytes).toBe(20);
  });

  it('is invalid when it is older than 24 days, and is replaced (RFC 7323 5.5)', () => {
    const h = established().after(24 * DAY + 1);
    h.receives({ flags: ACK, seq: 1, data: 10, options: TIMESTAMPS_OPTION(-1000, 0) });
    expect(h.connection.readableBytes).toBe(10);
    expect(echo(h)).toBe(-1000);
    h.receives({ flags: ACK, seq: 11, data: 10, options: TIMESTAMPS_OPTION(-1001, 0) });
    expect(h.connection.readableBytes).toBe(10);
    expect(h.stack.drops.of('tcp-paws')).toBe(1);
  });

  it('is still valid when it is 24 days old', () => {
    const h = established().after(24 * DAY);
    h.receives({ flags: ACK, seq: 1, data: 10, options: TIMESTAMPS_OPTION(-1000, 0) });
    expect(h.connection.readableBytes).toBe(0);
    expect(h.stack.drops.of('tcp-paws')).toBe(1);
  });

  it('is as old as the last segment that set it', () => {
    const h = established().after(23 * DAY);
    h.receives({ flags: ACK, seq: 1, options: TIMESTAMPS_OPTION(1000, 0) });
    h.after(23 * DAY).receives({ flags: ACK, seq: 1, data: 1, options: TIMESTAMPS_OPTION(1, 0) });
    expect(h.connection.readableBytes).toBe(0);
  });
});

describe('a segment', () => {
  it('without a timestamp is accepted, without comparison to an earlier one (RFC 7323 3.2)', () => {
    const h = established();
    h.receives({ flags: ACK, seq: 1, data: 10, options: TIMESTAMPS_OPTION(999, 0) });
    expect(h.connection.readableBytes).toBe(0);
    h.receives({ flags: ACK, seq: 1, data: 10 });
    expect(h.connection.readableBytes).toBe(10);
    expect(echo(h)).toBe(1000);
  });

  it('is accepted with the same timestamp, or one up to half the number space ahead', () => {
    const h = established();
    h.receives({ flags: ACK, seq: 1, data: 10, options: TIMESTAMPS_OPTION(1000, 0) });
    h.receives({ flags: ACK, seq: 11, data: 10, options: TIMESTAMPS_OPTION(FAR_AHEAD, 0) });
    expect(h.connection.readableBytes).toBe(20);
  });

  it('with an old timestamp is answered, and its ACK is ignored (RFC 7323 5.3, tcp_paws_mechanism)', () => {
    const h = established();
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.receives({ flags: ACK, seq: 1, ack: 11, options: TIMESTAMPS_OPTION(999, 0) });
    expect(h.connection.unacknowledgedBytes).toBe(10);
    expect(h.sendsBriefly()).toEqual(['ACK 11+0 1']);
  });
});
