import { armTimers, dispatch } from '../../../src/netstack/tcp/dispatch.js';
import type { Tcb } from '../../../src/netstack/tcp/tcb.js';
import { ACK, Harness, SACK_SYN } from '../tcp-harness.js';
import { loneTcb, type LoneTcb, NOW, OUR_ISS } from './lone-tcb.js';

const RTT = 100;

function established(): Harness {
  return new Harness().establish({ syn: SACK_SYN, rtt: RTT });
}

it('sets PSH only at the end of the queue (SHLD-27, MUST-61)', () => {
  const h = new Harness().establish();
  h.connection.send(new Uint8Array(2000));
  expect(h.sends().map(({ flags }) => flags)).toEqual(['ACK', 'PSH,ACK']);
});

describe('the retransmission timer', () => {
  it('restarts only when the first segment is retransmitted', () => {
    const h = established();
    h.connection.send(new Uint8Array(10_000));
    h.sends();
    h.after(RTT).receives({ flags: ACK, ack: 1, options: h.sack([4001, 9001]) });
    expect(h.sends().map(({ seq }) => seq)).toEqual([1, 1001]);
    const expiry = h.now + h.connection.info().rto;
    // The third segment waits for the pacer, and does not restart the timer.
    expect(h.after(40).sendsBriefly()).toContain('ACK 2001+1000 1');
    h.after(expiry - h.now - 1);
    expect(h.connection.info().backoff).toBe(0);
    h.after(1);
    expect(h.connection.info().backoff).toBe(1);
  });
});

it('postpones a window probe and all later packets if the turn ends first', () => {
  const h = new Harness().establish();
  h.receives({ flags: ACK, wnd: 0 });
  h.connection.send(new Uint8Array(10));
  h.sends();
  h.after(200);
  for (let count = 0; count < 20; count++) {
    h.receives({ flags: ACK, wnd: 0, seq: 2001 + count * 1000, data: 1000 });
  }
  const sent = h.sends();
  expect(sent).toHaveLength(21);
  expect(sent.at(-1)).toMatchObject({ seq: 1, len: 1 });
});

describe('the persist timer', () => {
  it('starts with RTO each time the window closes (SHLD-29)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(5));
    h.sends();
    for (let ack = 6; ack < 9; ack++) {
      h.receives({ flags: ACK, ack, wnd: 0 });
      h.connection.send(new Uint8Array(1));
      h.sends();
      expect(h.stack.nextTimeout()).toBe(h.now + 200);
      expect(h.after(200).sends()).toHaveLength(1);
      expect(h.after(400).sends()).toHaveLength(1);
      h.receives({ flags: ACK, ack, wnd: 1000 });
      expect(h.sends()).toHaveLength(1);
    }
  });

  it('does not run while the pacer holds data back, for any duration', () => {
    const persistAt = (paceAt: number): number => {
      const next = { choose: () => false, paceAt };
      const sender = { hasOutstanding: false, hasUnsent: true, rto: 200, next };
      const tcb = { state: 'ESTABLISHED', persistAt: Infinity, persistBackoff: 0, sender };
      armTimers(tcb as unknown as Tcb, 1000);
      return tcb.persistAt;
    };
    expect(persistAt(2000)).toBe(Infinity);
    expect(persistAt(Infinity)).toBe(1200);
  });

  it('gives the peer the whole user timeout, starting when data is available', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.after(600_000);
    h.connection.send(new Uint8Array(10));
    for (let second = 0; second < 119; second++) h.after(1000).sends();
    expect(h.events).toEqual([]);
    for (let second = 0; second < 65; second++) h.after(1000).sends();
    expect(h.events).toEqual(['closed:timeout']);
  });

  it('has an interval of at most a minute (RFC 9293 3.8.6.1, SHLD-30)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.connection.send(new Uint8Array(10));
    h.sends();
    const times: number[] = [];
    for (let second = 0; second < 600; second++) {
      for (const segment of h.after(1000).sends()) {
        expect(segment.len).toBe(1);
        times.push(h.now);
        h.receives({ flags: ACK, ack: 1, wnd: 0 });
      }
    }
    expect(times.at(-1)! - times.at(-2)!).toBe(60_000);
    expect(times.at(-2)! - times.at(-3)!).toBe(60_000);
  });
});

describe('the tail loss probe', () => {
  it('is postponed by each segment and each ACK with progress (RFC 8985 7.2)', () => {
    const h = established();
    h.connection.send(new Uint8Array(3000));
    h.sends();
    h.after(150);
    h.connection.send(new Uint8Array(1000));
    h.sends();
    // The RTO of data sent 150 ms ago is earlier, so the probe is due then at the latest.
    expect(h.stack.nextTimeout()).toBe(h.now + 150);
    expect(h.after(150).sendsBriefly()).toEqual(['PSH,ACK 3001+1000 1']);
    expect(h.connection.info().backoff).toBe(0);
  });

  it('starts the retransmission timer when it is sent, not when it is due', () => {
    const h = established();
    h.connection.send(new Uint8Array(3000));
    h.sends();
    h.after(2 * RTT);
    h.now += 50;
    expect(h.sends()).toHaveLength(1);
    expect(h.stack.nextTimeout()).toBe(h.now + h.connection.info().rto);
  });
});

describe('a turn', () => {
  /** Established, with a round trip of 100 ms and `octets` queued. */
  function lone(octets: number): LoneTcb {
    const made = loneTcb('ESTABLISHED');
    const { sender, receiver } = made.tcb;
    receiver.synchronize(0);
    receiver.advertise(0);
    sender.setMss(1000);
    sender.acknowledgeSyn(RTT, NOW);
    sender.updateWindow(60_000, 0, OUR_ISS + 1);
    sender.ring.write(new Uint8Array(octets));
    return made;
  }

  it.each([
    [0, 0],
    [2, 2],
    [3, 3],
    [5, 5],
    [6, 6],
    [20, 6],
  ])('of at most %d packets sends %d of the waiting duplicate ACKs and data', (quota, sent) => {
    const { tcb, host } = lone(3000);
    tcb.receiver.duplicateAcksOwed = 3;
    tcb.receiver.ackNow = true;
    expect(dispatch(tcb, NOW, quota)).toBe(sent);
    expect(host.emitted).toHaveLength(sent);
    expect(tcb.receiver.duplicateAcksOwed).toBe(Math.max(0, 3 - quota));
  });

  describe('tells the pacer that a segment waits for the next turn', () => {
    function interruptions({ tcb }: LoneTcb, quota: number): number {
      let count = 0;
      tcb.sender.pacer.interrupted = () => {
        count++;
      };
      dispatch(tcb, NOW, quota);
      return count;
    }

    it.each([
      [0, 1],
      [2, 1],
      [3, 0],
      [4, 0],
    ])('after at most %d of three packets: %d times', (quota, count) => {
      expect(interruptions(lone(3000), quota)).toBe(count);
    });

    it('but not if the window is full', () => {
      const made = lone(9000);
      made.tcb.sender.updateWindow(2000, 0, OUR_ISS + 1);
      expect(interruptions(made, 2)).toBe(0);
    });

    it('also if only lost data waits', () => {
      const made = lone(2000);
      const { sender } = made.tcb;
      dispatch(made.tcb, NOW, 2);
      while (sender.segments.oldest !== undefined) sender.recovery.lose(sender.segments.oldest);
      expect(interruptions(made, 1)).toBe(1);
    });
  });

  it('of no packets postpones a due ACK to the next turn, which sends it once', () => {
    const { tcb, host } = lone(0);
    tcb.receiver.ackNow = true;
    expect(dispatch(tcb, NOW, 0)).toBe(0);
    expect(tcb.receiver.ackNow).toBe(true);
    expect(dispatch(tcb, NOW, 1)).toBe(1);
    expect(dispatch(tcb, NOW, 1)).toBe(0);
    expect(host.emitted).toHaveLength(1);
  });

  it('in CLOSED sends nothing, whatever waits', () => {
    const { tcb, host } = lone(3000);
    tcb.receiver.ackNow = true;
    tcb.state = 'CLOSED';
    expect(dispatch(tcb, NOW, 9)).toBe(0);
    expect(host.emitted).toEqual([]);
    expect(host.asked).toEqual([]);
  });

  it('in SYN-RECEIVED sends the SYN once, then an ACK if one is due', () => {
    const { tcb, host } = loneTcb('SYN-RECEIVED');
    tcb.receiver.synchronize(0);
    tcb.sender.synDue = true;
    tcb.receiver.ackNow = true;
    expect([dispatch(tcb, NOW, 9), dispatch(tcb, NOW, 9)]).toEqual([1, 0]);
    tcb.receiver.ackNow = true;
    expect([dispatch(tcb, NOW, 9), dispatch(tcb, NOW, 9)]).toEqual([1, 0]);
    // SYN and ACK, then only ACK.
    expect(host.emitted.map((packet) => packet[33])).toEqual([0x12, 0x10]);
  });

  it('in SYN-SENT sends the SYN, and never an ACK', () => {
    const { tcb, host } = loneTcb('SYN-SENT');
    tcb.sender.synDue = true;
    tcb.receiver.ackNow = true;
    expect([dispatch(tcb, NOW, 9), dispatch(tcb, NOW, 9)]).toEqual([1, 0]);
    expect(host.emitted.map((packet) => packet[33])).toEqual([0x02]);
  });

  it('counts a window probe, and the packets after it', () => {
    const { tcb, host } = lone(10);
    tcb.sender.updateWindow(0, 0, OUR_ISS + 1);
    tcb.windowProbeDue = true;
    tcb.receiver.duplicateAcksOwed = 1;
    expect(dispatch(tcb, NOW, 9)).toBe(2);
    expect(host.emitted).toHaveLength(2);
    expect(tcb.windowProbeDue).toBe(false);
  });

  it('clears a due tail loss probe, even if it may not be sent', () => {
    const { tcb } = lone(0);
    tcb.tailProbeDue = true;
    expect(dispatch(tcb, NOW, 9)).toBe(0);
    expect(tcb.tailProbeDue).toBe(false);
  });
});

it('counts a small segment sent by the override timeout as in flight (MUST-38)', () => {
  const h = new Harness().establish();
  h.receives({ flags: ACK, wnd: 100 });
  h.connection.send(new Uint8Array(5000));
  h.sends();
  expect(h.after(200).sendsBriefly()).toEqual(['ACK 1+100 1']);
  expect(h.connection.info()).toMatchObject({ inflight: 100, unacknowledged: 100 });
  h.receives({ flags: ACK, ack: 101, wnd: 0 });
  expect(h.connection.info()).toMatchObject({ inflight: 0, unacknowledged: 0 });
});

it('counts the packets that it sends again: data and a SYN, but not new data', () => {
  const h = established();
  h.connection.send(new Uint8Array(1000));
  const [first] = h.sends();
  expect(h.stack.tcpRetransmitted).toEqual({ packets: 0, bytes: 0 });
  const again = h.after(h.connection.info().rto).sends();
  expect(again).toMatchObject([{ seq: first!.seq }]);
  expect(h.stack.tcpRetransmitted.packets).toBe(1);
  expect(h.stack.tcpRetransmitted.bytes).toBeGreaterThanOrEqual(1000 + 40);
  expect(h.stack.tcpRetransmitted.bytes).toBeLessThanOrEqual(1000 + 100);
});

it('counts a SYN that it sends again', () => {
  const { tcb, host } = loneTcb('SYN-SENT');
  tcb.sender.synDue = true;
  tcb.sender.sndNxt = OUR_ISS;
  dispatch(tcb, NOW, 1);
  expect(host.retransmitted).toHaveLength(0);
  tcb.sender.synDue = true;
  dispatch(tcb, NOW + 1000, 1);
  expect(host.retransmitted).toHaveLength(1);
});
