import type { TcpState } from '../../../../src/netstack/tcp/state.js';
import type { Tcb } from '../../../../src/netstack/tcp/tcb.js';
import { handleTimeouts } from '../../../../src/netstack/tcp/send/timeouts.js';
import { ACK, Harness } from '../../tcp-harness.js';
import { type LoneTcb, loneTcb, notingObserver, NOW, OUR_ISS, PEER_ISS } from '../lone-tcb.js';

const KEEP_ALIVE = { idle: 10_000, interval: 1000, count: 3 };

describe('keepalive', () => {
  it('probes an idle peer below the window, and ends the connection without an answer (MUST-27, SHLD-12, MUST-29)', () => {
    const h = new Harness().establish({ connect: { keepAlive: KEEP_ALIVE } });
    expect(h.after(9999).sendsBriefly()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 0+0 1']);
    expect(h.after(1000).sendsBriefly()).toEqual(['ACK 0+0 1']);
    expect(h.after(1000).sendsBriefly()).toEqual(['ACK 0+0 1']);
    expect(h.events).toEqual([]);
    h.after(1000);
    expect(h.events).toEqual(['closed:timeout']);
  });

  it('waits for the whole idle time after an answer (MUST-26)', () => {
    const h = new Harness().establish({ connect: { keepAlive: KEEP_ALIVE } });
    h.after(10_000).sends();
    h.after(500).receives({ flags: ACK });
    expect(h.after(9999).sendsBriefly()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 0+0 1']);
  });

  it('is off by default, and can be enabled and disabled (MUST-24, MUST-25)', () => {
    const h = new Harness().establish();
    expect(h.stack.nextTimeout()).toBe(Infinity);
    h.connection.setKeepAlive(KEEP_ALIVE, h.now);
    expect(h.stack.nextTimeout()).toBe(h.now + 10_000);
    h.connection.setKeepAlive(undefined, h.now);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });
});

const USER_TIMEOUT = 60_000;

/** A connection with an observer, changed by `prepare`; its timers are handled at `now`. */
function expired(
  state: TcpState,
  prepare: (tcb: Tcb) => void,
  now = NOW,
): LoneTcb & { calls: string[] } {
  const lone = loneTcb(state, { userTimeout: USER_TIMEOUT });
  const { tcb } = lone;
  const calls: string[] = [];
  tcb.observer = notingObserver(calls);
  tcb.receiver.synchronize(PEER_ISS);
  if (state !== 'SYN-SENT' && state !== 'SYN-RECEIVED') tcb.sender.acknowledgeSyn(-1, NOW);
  tcb.progressAt = NOW;
  prepare(tcb);
  handleTimeouts(tcb, now);
  return { ...lone, calls };
}

/** An octet is in flight. */
function sendOctet({ sender }: Tcb): void {
  sender.updateWindow(5_000, PEER_ISS + 1, OUR_ISS + 1);
  sender.ring.write(new Uint8Array(1));
  expect(sender.next.choose(NOW)).toBe(true);
  sender.sent(NOW);
}

it('does nothing before its deadline', () => {
  const { tcb, host, calls } = expired('ESTABLISHED', (block) => {
    sendOctet(block);
    Object.assign(block, { retransmitAt: NOW + 1, probeAt: NOW + 1, endOfStateAt: NOW + 1 });
    block.keepAlive = KEEP_ALIVE;
    block.keepAliveAt = NOW + 1;
    block.receiver.delayedAckAt = NOW + 1;
    block.sender.next.paceAt = NOW + 1;
    block.sender.recovery.reorderAt = NOW + 1;
  });
  expect(host.asked).toEqual(['reschedule']);
  expect(host.queued).toEqual([]);
  expect(calls).toEqual([]);
  expect(tcb).toMatchObject({ state: 'ESTABLISHED', deadline: NOW + 1, tailProbeDue: false });
  expect(tcb.receiver.ackNow).toBe(false);
});

describe('the end of a state', () => {
  it('ends the attempt before any other timer', () => {
    const { tcb, host, calls } = expired('SYN-SENT', (block) => {
      Object.assign(block, { endOfStateAt: NOW, retransmitAt: NOW });
      block.sender.synDue = false;
    });
    expect(calls).toEqual(['closed:timeout']);
    expect(tcb.state).toBe('CLOSED');
    expect(tcb.sender.synDue).toBe(false);
    expect(host.asked).toEqual(['remove']);
  });
});

it('sends a delayed ACK (RFC 9293 3.8.6.3)', () => {
  const { tcb, host } = expired('ESTABLISHED', ({ receiver }) => (receiver.delayedAckAt = NOW));
  expect(tcb.receiver).toMatchObject({ ackNow: true, delayedAckAt: Infinity });
  expect(host.asked).toContain('enqueue');
});

it('sends data that the pacer held back', () => {
  const { tcb, host } = expired('ESTABLISHED', ({ sender }) => (sender.next.paceAt = NOW));
  expect(tcb.sender.next.paceAt).toBe(Infinity);
  expect(host.asked).toContain('enqueue');
});

it('detects losses after the reordering window (RFC 8985 6.2)', () => {
  const looked: number[] = [];
  expired('ESTABLISHED', ({ sender }) => {
    sender.recovery.reorderAt = NOW;
    sender.reorderingTimedOut = (now) => {
      looked.push(now);
      sender.recovery.reorderAt = Infinity;
    };
  });
  expect(looked).toEqual([NOW]);
});

it('schedules a tail loss probe, after which the retransmission timer restarts (RFC 8985 7.3)', () => {
  const { tcb, host } = expired('ESTABLISHED', (block) => {
    sendOctet(block);
    Object.assign(block, { probeAt: NOW, retransmitAt: NOW + 1 });
  });
  expect(tcb).toMatchObject({ tailProbeDue: true, probeAt: Infinity });
  expect(tcb.retransmitAt).toBe(NOW + tcb.sender.rto);
  expect(host.asked).toContain('enqueue');
});

describe('the retransmission timer', () => {
  it.each<TcpState>(['SYN-SENT', 'SYN-RECEIVED'])(
    'in %s retransmits the SYN at any age, because the attempt has its own timeout',
    (state) => {
      const at = NOW + 2 * USER_TIMEOUT;
      const { tcb, host } = expired(state, (block) => (block.retransmitAt = at), at);
      expect(tcb.state).toBe(state);
      expect(tcb.sender.synDue).toBe(true);
      expect(tcb.sender.roundTrips.backoff).toBe(1);
      expect(tcb.retransmitAt).toBe(at + tcb.sender.rto);
      expect(host.asked).toContain('enqueue');
    },
  );

  it('retransmits data in flight, and doubles its timeout (RFC 6298 5.4, 5.5)', () => {
    const { tcb, host } = expired('ESTABLISHED', (block) => {
      sendOctet(block);
      block.retransmitAt = NOW;
    });
    expect(tcb.sender).toMatchObject({ synDue: false, hasWork: true });
    expect(tcb.sender.roundTrips.backoff).toBe(1);
    expect(tcb.retransmitAt).toBe(NOW + tcb.sender.rto);
    expect(host.asked).toContain('enqueue');
  });

  it.each([
    [USER_TIMEOUT - 1, 'ESTABLISHED', []],
    [USER_TIMEOUT, 'CLOSED', ['closed:timeout']],
  ])(
    'after %d ms without progress leaves the connection %s (RFC 9293 3.8.3)',
    (silence, state, told) => {
      const at = NOW + silence;
      const prepare = (block: Tcb) => {
        sendOctet(block);
        block.retransmitAt = at;
      };
      const { tcb, calls } = expired('ESTABLISHED', prepare, at);
      expect(tcb.state).toBe(state);
      expect(calls).toEqual(told);
    },
  );
});

describe('the persist timer (RFC 9293 3.8.6.1)', () => {
  it.each([
    [USER_TIMEOUT - 1, 'ESTABLISHED', []],
    [USER_TIMEOUT, 'CLOSED', ['closed:timeout']],
  ])('after %d ms without an answer leaves the connection %s', (silence, state, told) => {
    const at = NOW + silence;
    const prepare = (block: Tcb) => {
      block.sender.ring.write(new Uint8Array(1));
      Object.assign(block, { persistAt: at, persistBackoff: 2 });
    };
    const { tcb, host, calls } = expired('ESTABLISHED', prepare, at);
    expect(tcb.state).toBe(state);
    expect(calls).toEqual(told);
    const isProbed = state === 'ESTABLISHED';
    expect(tcb).toMatchObject({ windowProbeDue: isProbed, persistAt: Infinity });
    expect(tcb.persistBackoff).toBe(isProbed ? 3 : 2);
    expect(host.asked.includes('enqueue')).toBe(isProbed);
  });
});

describe('the keepalive timer (RFC 9293 3.8.4)', () => {
  const idle =
    (changes: object) =>
    (tcb: Tcb): void => {
      const heardAt = NOW - KEEP_ALIVE.idle;
      Object.assign(tcb, { keepAlive: KEEP_ALIVE, keepAliveAt: NOW, heardAt, ...changes });
    };

  it('continues once it has started, whatever the idle time', () => {
    const { host } = expired('ESTABLISHED', idle({ keepAliveProbes: 1, heardAt: NOW - 1 }));
    expect(host.queued).toHaveLength(1);
  });

  it('leaves data in flight to the other timer, and checks again after the interval', () => {
    const { tcb, host } = expired('ESTABLISHED', (block) => {
      sendOctet(block);
      idle({})(block);
    });
    expect(host.queued).toEqual([]);
    expect(tcb).toMatchObject({ keepAliveProbes: 0, keepAliveAt: NOW + KEEP_ALIVE.interval });
  });

  it.each<[string, TcpState, typeof KEEP_ALIVE | undefined]>([
    ['in TIME-WAIT', 'TIME-WAIT', KEEP_ALIVE],
    ['when disabled', 'ESTABLISHED', undefined],
  ])('stops %s', (_, state, keepAlive) => {
    const { tcb, host } = expired(state, (block) => {
      idle({})(block);
      block.keepAlive = keepAlive;
    });
    expect(host.queued).toEqual([]);
    expect(tcb).toMatchObject({ keepAliveProbes: 0, keepAliveAt: Infinity });
  });
});
