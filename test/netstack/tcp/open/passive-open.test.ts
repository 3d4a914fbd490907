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

  it('is not filled by a cookie: only the half-open connection is lost', () => {
    const h = cookie();
    h.receives({ flags: ACK, seq: 1, ack: 1 });
    expect(h.stack.usage.connections).toBe(2);
    h.peerPort++;
    h.receives({ flags: SYN, seq: 0 });
    expect(h.sends()[0]!.options.hasTimestamps).toBe(false);
    expect(h.stack.usage.connections).toBe(2);
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

  it('if the connection limit is reached', () => {
    const h = new Harness({ limits: { connections: 2 } });
    h.listen(MSS_OPTION(1000), 1);
    h.peerPort++;
    h.receives({ flags: SYN, seq: 0 });
    h.iss = h.sends()[0]!.absoluteSeq;
    // The connection of this harness is the second one.
    const { iss, ourPort } = h;
    h.connect();
    h.iss = iss;
    h.ourPort = ourPort;
    h.receives({ flags: ACK, seq: 1, ack: 1 });
    expect(h.sends().map(({ flags }) => flags)).toEqual(['RST']);
    expect(h.events).toEqual([]);
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

it('includes the SYN’s window in the maximum: less than half of it is silly (RFC 9293 3.8.6.2.1)', () => {
  const h = new Harness();
  h.listen();
  h.receives({ flags: ACK, seq: 1, ack: 1, wnd: 900 });
  h.connection.send(new Uint8Array(2000));
  expect(h.sends()).toEqual([]);
  h.receives({ flags: ACK, seq: 1, ack: 1, wnd: 1000 });
  expect(h.sendsBriefly()).toEqual(['ACK 1+1000 1']);
});

it('ignores data on a SYN, which the peer retransmits', () => {
  const h = new Harness();
  h.ourPort = 8080;
  h.stack.listenTcp({ port: 8080 }, (connection) => {
    h.connection = connection;
    return h;
  });
  h.receives({ flags: SYN, seq: 0, data: 10, options: MSS_OPTION(1000) });
  const [synAck] = h.sends();
  expect(synAck).toMatchObject({ flags: 'SYN,ACK', ack: 1 });
  h.iss = synAck!.absoluteSeq;
  h.receives({ flags: ACK, seq: 1, ack: 1, data: 10 });
  expect(h.connection.readableBytes).toBe(10);
});

it.each([RST, RST | ACK, RST | SYN, FIN, 0])('does not open a connection for flags %d', (flags) => {
  const h = new Harness();
  h.listen();
  h.peerPort++;
  h.receives({ flags, seq: 0 });
  expect(h.stack.usage.connections).toBe(1);
  expect(h.events).toEqual([]);
});
