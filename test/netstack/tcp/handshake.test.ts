/** What the handshake settles for the connection that follows it. */
import { patternBytes } from '../../support/netstack-pair.js';
import { ACK, Harness, MSS_OPTION, SYN } from '../tcp-harness.js';

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
])('lets out so much when %d SYNs were lost: %d (RFC 5681 3.1b, RFC 6928 2b)', (losses, segments) => {
  expect(firstFlight(losses)).toBe(segments);
});

it('lets out one segment when the SYN of the other side was answered twice in vain', () => {
  const h = new Harness();
  h.listen();
  h.after(1000).sends();
  h.after(2000).sends();
  h.receives({ flags: ACK, seq: 1, ack: 1 });
  h.connection.send(patternBytes(30_000), h.now);
  expect(h.sends().filter(({ len }) => len > 0)).toHaveLength(1);
});
