/** What the handshake settles for the connection that follows it. */
import { patternBytes } from '../../support/netstack-pair.js';
import { ACK, Harness, MSS_OPTION, SCALE_OPTION, SYN, TIMESTAMPS_OPTION } from '../tcp-harness.js';

/** Segments of the first flight after `losses` SYNs of ours were lost. */
function firstFlight(losses: number): number {
  const h = new Harness();
  h.connect();
  for (let lost = 0; lost < losses; lost++) h.after(1000 * 2 ** lost).sends();
  h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: MSS_OPTION(1000) });
  h.connection.send(patternBytes(30_000), h.now);
  return h.sends().filter(({ len }) => len > 0).length;
}

it.each([
  [0, 10],
  [1, 10],
  [2, 1],
  [3, 1],
])(
  'lets out so much when %d SYNs were lost: %d (RFC 5681 3.1b, RFC 6928 2b)',
  (losses, segments) => {
    expect(firstFlight(losses)).toBe(segments);
  },
);

it('lets out one segment when the SYN of the other side was answered twice in vain', () => {
  const h = new Harness();
  h.listen();
  h.after(1000).sends();
  h.after(2000).sends();
  h.receives({ flags: ACK, seq: 1, ack: 1 });
  h.connection.send(patternBytes(30_000), h.now);
  expect(h.sends().filter(({ len }) => len > 0)).toHaveLength(1);
});

describe('an option that the SYNs did not agree on', () => {
  it('is ignored where it changes the scale (RFC 7323 2.2b)', () => {
    const h = new Harness().establish({
      syn: [...MSS_OPTION(1000), ...SCALE_OPTION(2)],
      wnd: 1000,
    });
    h.receives({ flags: ACK, wnd: 500, options: SCALE_OPTION(7) });
    expect(h.connection.info()).toMatchObject({ sndShift: 2, sndWnd: 2000 });
  });

  it('is ignored where it is a timestamp, and its segment is taken (RFC 7323 3.2c)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, data: 10, options: TIMESTAMPS_OPTION(9, 9) });
    h.receives({ flags: ACK, seq: 11, data: 10, options: TIMESTAMPS_OPTION(3, 9) });
    expect(h.events).toContain('readable');
    const [answer] = h.after(500).sends();
    expect(answer).toMatchObject({ flags: 'ACK', ack: 21 });
    expect(answer!.options.hasTimestamps).toBe(false);
  });
});

it('echoes nothing in a SYN without ACK (RFC 7323 3.2d)', () => {
  expect(new Harness().connect().options).toMatchObject({ hasTimestamps: true, tsEcr: 0 });
});
