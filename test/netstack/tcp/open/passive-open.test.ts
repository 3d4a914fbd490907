import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  RST,
  SACK_PERMITTED_OPTION,
  SCALE_OPTION,
  SYN,
  TIMESTAMPS_OPTION,
} from '../../tcp-harness.js';

const ALL_OPTIONS = [
  ...MSS_OPTION(1000),
  ...SCALE_OPTION(7),
  ...TIMESTAMPS_OPTION(1, 0),
  ...SACK_PERMITTED_OPTION,
  1,
  1,
];

/**
 * A listener whose backlog is filled by one half-open connection; the SYN of another peer got a
 * cookie.
 */
function cookie(options: number[] = ALL_OPTIONS): Harness {
  const h = new Harness();
  h.listen(MSS_OPTION(1000), 1);
  h.peerPort++;
  h.receives({ flags: SYN, seq: 0, options });
  const [synAck] = h.sends();
  h.iss = synAck!.absoluteSeq;
  return h;
}

describe('a full backlog (RFC 4987 3.6)', () => {
  it('is answered with a stateless cookie that offers only MSS (SHLD-5, tcp_listen_backlog)', () => {
    const h = new Harness();
    h.listen(MSS_OPTION(1000), 1);
    const before = h.stack.usage;
    h.peerPort++;
    h.receives({ flags: SYN, seq: 0, options: ALL_OPTIONS });
    const [synAck] = h.sends();
    expect(synAck).toMatchObject({ flags: 'SYN,ACK', ack: 1, wnd: 0xffff, len: 0 });
    expect(synAck!.options).toMatchObject({
      mss: 1000,
      windowShift: -1,
      hasTimestamps: false,
      sackPermitted: false,
    });
    expect(h.stack.usage).toEqual(before);
    expect(h.stack.drops.of('tcp-backlog')).toBe(1);
    expect(h.events).toEqual([]);
  });

  it('carries data both ways after the cookie comes back (tcp_syncookie)', () => {
    const h = cookie();
    h.after(80).receives({ flags: ACK, seq: 1, ack: 1, wnd: 5000 });
    expect(h.events).toEqual(['accepted', 'established']);
    expect(h.connection.state).toBe('ESTABLISHED');
    expect(h.connection.info()).toMatchObject({
      mss: 536,
      sndWnd: 5000,
      sndShift: 0,
      rcvShift: 0,
      sack: false,
      timestamps: false,
    });
    expect(h.sendsBriefly()).toEqual([]);
    const data = patternBytes(1500);
    h.connection.send(data);
    const sent = h.sends();
    expect(sent.map(({ seq, len, ack }) => [seq, len, ack])).toEqual([
      [1, 536, 1],
      [537, 536, 1],
      [1073, 428, 1],
    ]);
    expect(sent[2]!.data).toEqual(data.subarray(1072));
    h.after(80).receives({ flags: ACK, seq: 1, ack: 1501, data: 10 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
    expect(h.connection.receive(100, h.now)).toHaveLength(10);
    h.connection.shutdown();
    expect(h.sendsBriefly()).toEqual(['FIN,ACK 1501+0 11']);
    h.receives({ flags: FIN | ACK, seq: 11, ack: 1502 });
    expect(h.events.at(-1)).toBe('closed:normal');
  });

  it('respects the peer’s MSS, rounded down to one of eight that a cookie encodes', () => {
    const h = cookie(MSS_OPTION(600));
    h.receives({ flags: ACK, seq: 1, ack: 1 });
    expect(h.connection.info().mss).toBe(536);
  });
});

describe('a cookie is refused with RST (RFC 4987 3.6)', () => {
  it.each([
    ['another sequence number', { flags: ACK, seq: 1, ack: 2 }],
    ['another number of the peer', { flags: ACK, seq: 2, ack: 1 }],
  ])('with %s', (_, seg) => {
    const h = cookie();
    h.receives(seg);
    expect(h.sends().map(({ flags }) => flags)).toEqual(['RST']);
    expect(h.events).toEqual([]);
    expect(h.stack.usage.connections).toBe(1);
  });

  it('always if no cookie was sent', () => {
    const h = new Harness();
    h.listen();
    h.peerPort++;
    h.receives({ flags: ACK, seq: 1, ack: 1 });
    expect(h.sendsBriefly()).toEqual(['RST 1+0 0']);
  });
});

it('does not answer a SYN when there are too many connections', () => {
  const h = new Harness({ limits: { connections: 1 } });
  h.listen();
  h.peerPort++;
  h.receives({ flags: SYN, seq: 0 });
  expect(h.sendsBriefly()).toEqual([]);
  expect(h.stack.drops.of('tcp-connections')).toBe(1);
});

it.each([RST, RST | ACK, RST | SYN, FIN, 0])('does not open a connection for flags %d', (flags) => {
  const h = new Harness();
  h.listen();
  h.peerPort++;
  h.receives({ flags, seq: 0 });
  expect(h.stack.usage.connections).toBe(1);
  expect(h.events).toEqual([]);
});
