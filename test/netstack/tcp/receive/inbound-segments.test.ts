/** The receiver of a segment: a connection, a listener, or neither (RFC 9293 3.10.7). */
import type { TcpConnection } from '../../../../src/netstack/tcp/connection.js';
import { sumPseudoHeader } from '../../../../src/wire/checksum.js';
import { finishTcp } from '../../../../src/wire/tcp.js';
import { silentObserver } from '../../../support/fakes/silent-observer.js';
import {
  Host,
  isIntact,
  OUR_V4,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  TCP,
  v4,
  v6,
  word,
} from '../../packets.js';
import { ACK, FIN, Harness, MSS_OPTION, RST, type Seg, STATES, SYN } from '../../tcp-harness.js';
import { segmentBytes } from '../lone-tcb.js';

const LISTENING_PORT = 8080;

/** A stack with only a listener; its accepted connections are recorded. */
function listening(backlog = 8) {
  const h = new Harness();
  const accepted: TcpConnection[] = [];
  h.ourPort = LISTENING_PORT;
  const listener = h.stack.listenTcp(
    { port: LISTENING_PORT },
    (connection) => {
      accepted.push(connection);
      return silentObserver;
    },
    { backlog },
  );
  return { h, accepted, listener };
}

/** An accepted connection in TIME-WAIT; the peer's next number is 2. */
function waitingAtListener(): Harness {
  const h = new Harness();
  h.listen();
  h.receives({ flags: ACK });
  h.connection.shutdown();
  h.sends();
  h.receives({ flags: FIN | ACK, seq: 1, ack: 2 });
  h.sends();
  expect(h.connection.state).toBe('TIME-WAIT');
  h.events.length = 0;
  return h;
}

describe('an invalid segment', () => {
  it.each([
    ['is shorter than a header', segmentBytes({ flags: SYN }).slice(0, 19)],
    ['has a data offset beyond its end', segmentBytes({ flags: SYN }).with(12, 0x60)],
  ])('is dropped without an answer if it %s', (_, bytes) => {
    const host = new Host().receives(v4(TCP, bytes));
    expect(host.drops).toEqual({ 'tcp-truncated': 1 });
    expect(host.sends()).toEqual([]);
  });

  it('is dropped without an answer if its checksum is wrong (MUST-3)', () => {
    const { h, accepted } = listening();
    for (const at of [22, 27, 33, 39]) {
      const packet = h.packet({ flags: SYN, seq: 0, data: 10 });
      packet[at]! ^= 1;
      h.stack.handlePacket(packet, h.now);
    }
    expect([...h.stack.drops]).toEqual([['tcp-checksum', 4]]);
    expect(h.sends()).toEqual([]);
    expect(accepted).toEqual([]);
    expect(h.stack.usage.connections).toBe(0);
  });
});

describe('a listener (RFC 9293 3.10.7.2)', () => {
  it.each<[string, Seg]>([
    ['SYN', { flags: SYN, seq: 0 }],
    ['SYN with FIN, but accepts only the SYN', { flags: SYN | FIN, seq: 0 }],
  ])('answers %s with its own SYN', (_, seg) => {
    const { h, accepted } = listening();
    expect(h.receives(seg).sends()).toMatchObject([{ flags: 'SYN,ACK', ack: 1 }]);
    expect(h.stack.usage.connections).toBe(1);
    expect(accepted).toEqual([]);
    expect(h.stack.drops.total).toBe(0);
  });

  it.each<[string, Seg, string[]]>([
    ['ACK', { flags: ACK, ack: 900 }, ['RST 900+0 0']],
    ['SYN with ACK', { flags: SYN | ACK, ack: 900 }, ['RST 900+0 0']],
    ['RST', { flags: RST }, []],
    ['RST with ACK', { flags: RST | ACK, ack: 900 }, []],
    ['RST with SYN', { flags: RST | SYN }, []],
  ])('refuses %s, and answers it unless it is RST', (_, seg, answers) => {
    const { h, accepted } = listening();
    expect(h.receives(seg).sendsBriefly()).toEqual(answers);
    expect(h.stack.usage.connections).toBe(0);
    expect(accepted).toEqual([]);
    expect(h.stack.drops.of('tcp-port')).toBe(1);
  });

  describe('a listener that has sent a cookie (RFC 4987 3.6)', () => {
    /** The SYN of the peer at port 81 is known only through its cookie. */
    function cookie(): Harness {
      const h = new Harness();
      h.listen(MSS_OPTION(1000), 1);
      h.peerPort++;
      h.iss = h.receives({ flags: SYN, seq: 0 }).sends()[0]!.absoluteSeq;
      return h;
    }

    it.each<[string, Seg, string[]]>([
      ['ACK', { flags: ACK }, ['accepted', 'established']],
      ['ACK with text', { flags: ACK, data: 9 }, ['accepted', 'established', 'readable']],
      ['ACK with FIN', { flags: FIN | ACK }, ['accepted', 'established', 'remoteClosed']],
    ])('accepts the cookie with %s, all of which the connection receives', (_, seg, events) => {
      const h = cookie().receives(seg);
      expect(h.events).toEqual(events);
      expect(h.stack.usage.connections).toBe(2);
    });

    it.each<[string, number]>([
      ['SYN with ACK', SYN | ACK],
      ['RST with ACK', RST | ACK],
      ['FIN without ACK', FIN],
    ])('does not accept the cookie with %s', (_, flags) => {
      const h = cookie().receives({ flags });
      expect(h.events).toEqual([]);
      expect(h.stack.usage.connections).toBe(1);
    });

    it('does not accept the cookie after the listener closes', () => {
      const { h, listener } = listening(0);
      h.iss = h.receives({ flags: SYN, seq: 0 }).sends()[0]!.absoluteSeq;
      listener.close(h.now);
      expect(h.receives({ flags: ACK }).sendsBriefly()).toEqual(['RST 1+0 0']);
      expect(h.stack.usage.connections).toBe(0);
    });
  });
});

describe('TIME-WAIT', () => {
  it('lets a new SYN end TIME-WAIT for a listener (RFC 9293 3.10.7.4, SHLD-4)', () => {
    const h = waitingAtListener();
    expect(h.stack.usage.timeWaits).toBe(1);
    h.receives({ flags: SYN, seq: 5000, options: MSS_OPTION(1000) });
    expect(h.sends()[0]).toMatchObject({ flags: 'SYN,ACK', ack: 5001 });
    expect(h.connection.state).toBe('CLOSED');
    expect(h.events).toEqual([]);
    expect(h.stack.usage).toMatchObject({ timeWaits: 0, connections: 1 });
  });

  it.each<[string, Seg]>([
    ['at RCV.NXT', { flags: SYN, seq: 2 }],
    ['with an old number', { flags: SYN, seq: 0 }],
    ['with ACK', { flags: SYN | ACK, seq: 5000 }],
  ])('is not ended by a SYN %s', (_, seg) => {
    const h = waitingAtListener();
    h.receives(seg);
    expect(h.sendsBriefly()).toEqual(['ACK 2+0 2']);
    expect(h.connection.state).toBe('TIME-WAIT');
    expect(h.stack.usage).toMatchObject({ timeWaits: 1, connections: 0 });
  });

  it('is not ended if no listener exists', () => {
    const h = STATES['TIME-WAIT']!();
    h.stack.listenTcp({ port: h.ourPort - 1 }, () => silentObserver);
    h.receives({ flags: SYN, seq: 5000 });
    expect(h.sendsBriefly()).toEqual(['ACK 2+0 2']);
    expect(h.connection.state).toBe('TIME-WAIT');
  });

  it.each(['ESTABLISHED', 'FIN-WAIT-2', 'LAST-ACK'])(
    'in %s challenges a SYN that could end TIME-WAIT (RFC 5961 4.2)',
    (state) => {
      const h = STATES[state]!();
      h.stack.listenTcp({ port: h.ourPort }, () => silentObserver);
      h.receives({ flags: SYN, seq: 5000 });
      expect(h.connection.state).toBe(state);
      expect(h.sends()).toMatchObject([{ flags: 'ACK', len: 0 }]);
      expect(h.stack.usage.connections).toBe(1);
    },
  );
});

describe('no connection', () => {
  it.each<[string, Seg, string[]]>([
    ['SYN', { flags: SYN, seq: 0 }, ['RST,ACK 0+0 1']],
    ['text and FIN', { flags: FIN, seq: 5, data: 10 }, ['RST,ACK 0+0 16']],
    ['ACK', { flags: ACK, ack: 77, data: 10 }, ['RST 77+0 0']],
    ['RST', { flags: RST }, []],
    ['RST with ACK', { flags: RST | ACK }, []],
  ])('answers %s with RST, unless it is an RST (RFC 9293 3.10.7.1)', (_, seg, answers) => {
    const h = new Harness();
    h.ourPort = 9;
    expect(h.receives(seg).sendsBriefly()).toEqual(answers);
    expect([...h.stack.drops]).toEqual([['tcp-port', 1]]);
  });

  it('sends at most 100 RSTs a second, whatever the source ports', () => {
    const h = new Harness();
    h.ourPort = 9;
    const flood = (segments: number): number => {
      for (let count = 0; count < segments; count++) {
        h.peerPort = 10_000 + count;
        h.receives({ flags: count % 2 === 0 ? SYN : ACK, ack: 77 });
      }
      return h.sends().length;
    };
    expect(flood(5_000)).toBe(100);
    expect(h.stack.drops.of('reset-rate')).toBe(4_900);
    h.now += 1_000;
    expect(flood(5_000)).toBe(100);
    h.now += 100;
    expect(flood(5_000)).toBe(10);
  });

  it('sends an RST for a known connection even if a flood has used up the limit for others', () => {
    const h = new Harness().establish();
    const { ourPort } = h;
    h.ourPort = 9;
    for (let count = 0; count < 200; count++) h.receives({ flags: SYN });
    expect(h.sends()).toHaveLength(100);
    h.ourPort = ourPort;
    h.connection.abort(h.now);
    expect(h.sends().map(({ flags }) => flags)).toContain('RST,ACK');
  });

  it.each([
    ['IPv4', OUR_V4, PEER_V4, 20],
    ['IPv6', OUR_V6, PEER_V6, 40],
  ])('answers over %s from the address that received the segment', (_, our, peer, upper) => {
    const host = new Host();
    const bytes = segmentBytes({ flags: SYN, ports: [80, 9] });
    const packet = (upper === 20 ? v4 : v6)(TCP, bytes);
    finishTcp(packet, upper, bytes.length, sumPseudoHeader(peer, our, TCP, bytes.length));
    const answers = host.receives(packet).sends();
    expect(answers).toHaveLength(1);
    expect(isIntact(answers[0]!)).toBe(true);
    const addressesAndPorts = [...answers[0]!.subarray(upper - 2 * our.length, upper + 4)];
    expect(addressesAndPorts).toEqual([...our, ...peer, ...word(9), ...word(80)]);
  });
});
