/**
 * Cases of gVisor's packetimpact (test/packetimpact/tests there), written independently, that no
 * other file tests. Each title contains the name of the original.
 */
import { packetInSlot } from '../../../src/lib/packets/packet-slot.js';
import { finishIcmp, writeIcmpError } from '../../../src/wire/icmp.js';
import { createIpv4Header, finishIpv4Header } from '../../../src/wire/ipv4.js';
import { patternBytes } from '../../support/pairs/netstack-pair.js';
import {
  ACK,
  Harness,
  OUR_ADDRESS,
  PEER_ADDRESS,
  RST,
  type Seg,
  STATES,
  SYN,
} from '../tcp-harness.js';

const OUTSIDE = 70_000;

/** An ICMP destination unreachable error about the next segments sent. */
function unreachable(h: Harness, code: number, nextHopMtu = 0): void {
  let syn = new Uint8Array(0);
  h.stack.drain((slot) => (syn = packetInSlot(slot).slice(0, 28)), h.now);
  const error = new Uint8Array(28 + syn.length);
  error.set(createIpv4Header(PEER_ADDRESS, OUR_ADDRESS, 1));
  finishIpv4Header(error, 0, error.length);
  writeIcmpError(error, 20, 3, code);
  error.set([nextHopMtu >> 8, nextHopMtu & 0xff], 26);
  error.set(syn, 28);
  finishIcmp(error, 20, 8 + syn.length);
  h.stack.handlePacket(error, h.now);
}

function flagsOf(h: Harness): string[] {
  return h.sends().map(({ flags }) => flags);
}

describe('the handshake', () => {
  it.each([
    ['port', 3, 'tcp_connect_icmp_error'],
    ['network', 0, 'tcp_network_unreachable'],
    ['host', 1, 'tcp_network_unreachable'],
  ])('ends when the %s is unreachable (code %d) (%s)', (_, code) => {
    const h = new Harness();
    h.connection = h.stack.connectTcp({ address: PEER_ADDRESS, port: 80 }, h, h.now);
    unreachable(h, code);
    expect(h.events).toEqual(['closed:unreachable']);
    expect(h.stack.usage.connections).toBe(0);
  });

  it('accepts a window of the peer with its highest bit set (tcp_window_msb_set, MUST-1)', () => {
    const h = new Harness().establish({ wnd: 0x8000 });
    expect(h.connection.info().sndWnd).toBe(0x8000);
    h.connection.send(new Uint8Array(5000));
    expect(h.sends()).toHaveLength(5);
  });

  it('drops data queued in SYN-SENT when it is refused (tcp_queue_send_in_syn_sent)', () => {
    const h = new Harness();
    h.connect();
    h.connection.send(new Uint8Array(1500));
    h.receives({ flags: RST | ACK, seq: 0, ack: 1 });
    expect(h.events).toEqual(['closed:refused']);
    expect(h.stack.usage.bufferBytes).toBe(0);
    expect(h.connection.send(new Uint8Array(1))).toBe(0);
  });

  it('returns no data in SYN-SENT, and later the data that arrived (tcp_queue_receive_in_syn_sent)', () => {
    const h = new Harness();
    h.connect();
    expect(h.connection.receive(10, h.now)).toBeUndefined();
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1 });
    h.receives({ flags: ACK, seq: 1, data: patternBytes(7) });
    expect(h.events).toEqual(['established', 'readable']);
    expect(h.connection.receive(10, h.now)).toEqual(patternBytes(7));
  });
});

describe('segments that are not acceptable', () => {
  it.each(Object.keys(STATES).filter((state) => state !== 'SYN-RECEIVED'))(
    'outside the window are answered in %s, with data or without (tcp_outside_the_window, tcp_outside_the_window_closing)',
    (state) => {
      for (const data of [10, 0]) {
        const h = STATES[state]!();
        h.receives({ flags: ACK, seq: 1 + OUTSIDE, ack: 1, data });
        expect(h.sends()).toMatchObject([{ flags: 'ACK', len: 0 }]);
        expect(h.connection.state).toBe(state);
      }
    },
  );

  it.each<[string, Seg]>([
    ['sequence number', { flags: ACK, seq: 2 + OUTSIDE, data: 1 }],
    ['its ACK', { flags: ACK, seq: 2, ack: 3 }],
  ])('with an unacceptable %s are answered in CLOSE-WAIT (tcp_close_wait_ack)', (_, seg) => {
    const h = STATES['CLOSE-WAIT']!();
    h.connection.send(new Uint8Array(1));
    h.sends();
    h.receives(seg);
    expect(h.sends()).toMatchObject([{ flags: 'ACK', seq: 2, ack: 2 }]);
    expect(h.connection.state).toBe('CLOSE-WAIT');
    h.receives({ flags: ACK, seq: 2, ack: 2 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
  });

  it('do not end TIME-WAIT, except RST (tcp_timewait_reset)', () => {
    const h = STATES['TIME-WAIT']!();
    h.receives({ flags: SYN | ACK, seq: 1, ack: 2 });
    expect(h.connection.state).toBe('TIME-WAIT');
    h.receives({ flags: RST, seq: 2, ack: 2 });
    expect(h.stack.usage.timeWaits).toBe(0);
    h.sends();
    h.receives({ flags: ACK, seq: 2, ack: 2 });
    expect(flagsOf(h)).toEqual(['RST']);
  });
});

describe('closing', () => {
  it('answers data after the end of FIN-WAIT-2 with RST (fin_wait2_timeout)', () => {
    const h = new Harness().establish({
      connect: { keepAlive: { idle: 60_000, interval: 1000, count: 1 } },
    });
    h.connection.shutdown();
    h.sends();
    h.receives({ flags: ACK, seq: 1, ack: 2 });
    expect(h.connection.state).toBe('FIN-WAIT-2');
    h.after(62_000);
    expect(h.events).toEqual(['closed:timeout']);
    h.sends();
    h.receives({ flags: ACK, seq: 1, ack: 2, data: 10 });
    expect(flagsOf(h)).toEqual(['RST']);
  });

  it('ends at once on RST in FIN-WAIT-2 (fin_wait2_reset)', () => {
    const h = STATES['FIN-WAIT-2']!();
    h.receives({ flags: RST, seq: 1 });
    expect(h.events).toEqual(['closed:reset']);
  });

  it('sends RST if the user disables linger, even with unsent data (tcp_linger)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(5000));
    h.connection.abort(h.now);
    expect(flagsOf(h)).toEqual(['RST,ACK']);
    expect(h.stack.usage).toMatchObject({ connections: 0, bufferBytes: 0 });
  });

  it('lingers by default: unsent data is sent before the FIN (tcp_linger)', () => {
    const h = new Harness().establish({ wnd: 1000 });
    h.connection.send(new Uint8Array(1500));
    h.connection.shutdown();
    expect(h.sendsBriefly()).toEqual(['ACK 1+1000 1']);
    h.receives({ flags: ACK, ack: 1001 });
    expect(h.sendsBriefly()).toEqual(['FIN,PSH,ACK 1001+500 1']);
  });

  it('ends the connection after the user timeout, counted from the last progress (tcp_user_timeout, MUST-21)', () => {
    const h = new Harness({ limits: { userTimeout: 3000 } }).establish();
    h.connection.send(new Uint8Array(2000));
    h.sends();
    h.after(2000).receives({ flags: ACK, ack: 1001 });
    for (let tick = 0; tick < 29; tick++) h.after(100).sends();
    expect(h.events).toEqual([]);
    for (let tick = 0; tick < 40; tick++) h.after(100).sends();
    expect(h.events).toEqual(['closed:timeout']);
  });
});
