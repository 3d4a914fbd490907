import {
  deliverEvents,
  finish,
  noteWritable,
  terminate,
  writableBytes,
} from '../../../src/netstack/tcp/events.js';
import type { TcpState } from '../../../src/netstack/tcp/state.js';
import type { Tcb } from '../../../src/netstack/tcp/tcb.js';
import { loneTcb, NotingHost, notingObserver, OUR_ISS, PEER_ISS } from './lone-tcb.js';

/** Size of the initial send ring that a connection may have without memory budget. */
const SMALL = 16 * 1024;
const LIMIT = 64 * 1024;

/** An established connection whose observer records its calls. */
function observed(): { tcb: Tcb; host: NotingHost; calls: string[] } {
  const calls: string[] = [];
  const { tcb, host } = loneTcb('ESTABLISHED');
  tcb.receiver.synchronize(PEER_ISS);
  tcb.observer = notingObserver(calls);
  return { tcb, host, calls };
}

function receive(tcb: Tcb, length: number): void {
  tcb.receiver.advertise(0);
  expect(tcb.receiver.takeText(new Uint8Array(length), 0, length, PEER_ISS + 1)).toBe('in-order');
}

describe('the capacity that send() reports', () => {
  it.each<[TcpState, number]>([
    ['SYN-SENT', LIMIT],
    ['SYN-RECEIVED', LIMIT],
    ['ESTABLISHED', LIMIT],
    ['CLOSE-WAIT', LIMIT],
    ['FIN-WAIT-1', 0],
    ['LAST-ACK', 0],
    ['TIME-WAIT', 0],
    ['CLOSED', 0],
  ])('in %s is %d bytes (RFC 9293 3.10.2)', (state, expected) => {
    expect(writableBytes(loneTcb(state).tcb)).toBe(expected);
  });

  it('is the free buffer space, and zero after a FIN', () => {
    const { tcb } = loneTcb('ESTABLISHED');
    tcb.sender.ring.write(new Uint8Array(1_000));
    expect(writableBytes(tcb)).toBe(LIMIT - 1_000);
    tcb.sender.finQueued = true;
    expect(writableBytes(tcb)).toBe(0);
  });

  it('is the ring’s current capacity if memory is short', () => {
    const { tcb } = loneTcb('ESTABLISHED', {}, new NotingHost(0));
    tcb.sender.ring.write(new Uint8Array(1_000));
    expect(tcb.sender.ring.canGrow).toBe(false);
    expect(writableBytes(tcb)).toBe(SMALL - 1_000);
  });
});

describe('free buffer space', () => {
  it.each([
    ['a quarter', (LIMIT * 3) / 4, true],
    ['less than a quarter', (LIMIT * 3) / 4 + 1, false],
  ])('of %s is reported: %s', (_, queued, expected) => {
    const { tcb } = loneTcb('ESTABLISHED');
    tcb.wantsWritable = true;
    tcb.sender.ring.write(new Uint8Array(queued));
    noteWritable(tcb);
    expect(tcb.writableDue).toBe(expected);
  });
});

describe('the end', () => {
  it('is reported once', () => {
    const { tcb, host } = observed();
    terminate(tcb, 'reset');
    terminate(tcb, 'timeout');
    expect(tcb.closedDue).toBe('reset');
    expect(host.asked).toEqual(['remove']);
  });

  it('stops all timers, and releases unsent data and data after a gap', () => {
    const { tcb, host } = observed();
    const { sender, receiver } = tcb;
    receiver.advertise(0);
    receiver.takeText(new Uint8Array(100), 0, 100, PEER_ISS + 1_001);
    sender.ring.write(new Uint8Array(40_000));
    sender.segments.add(OUR_ISS + 1, OUR_ISS + 101);
    Object.assign(tcb, { retransmitAt: 1, keepAliveAt: 1, wantsWritable: true, writableDue: true });
    finish(tcb, 'reset');
    expect(tcb).toMatchObject({ retransmitAt: Infinity, keepAliveAt: Infinity });
    expect(tcb).toMatchObject({ wantsWritable: false, writableDue: false });
    expect([receiver.ranges.size, receiver.selectiveAcks.count]).toEqual([0, 0]);
    expect([sender.ring.length, sender.segments.size]).toEqual([0, 0]);
    expect(host.budget.used).toBe(0);
  });

  it.each([
    ['reset', 3_000],
    ['normal', 3_000],
    ['aborted', 0],
  ] as const)('by %s leaves %d bytes to be read', (reason, expected) => {
    const { tcb, host } = observed();
    receive(tcb, 3_000);
    finish(tcb, reason);
    expect(tcb.receiver.ring.length).toBe(expected);
    expect(host.budget.used).toBe(0);
  });

  it('releases a ring with no data left to read', () => {
    const { tcb } = observed();
    receive(tcb, 3_000);
    tcb.receiver.ring.read(3_000);
    finish(tcb, 'reset');
    expect(tcb.receiver.ring.capacity).toBe(0);
  });

  it.each([
    ['reset', ['established', 'readable', 'remoteClosed', 'closed:reset']],
    ['aborted', ['closed:aborted']],
  ] as const)('by %s is reported after %j', (reason, expected) => {
    const { tcb, calls } = observed();
    Object.assign(tcb, { establishedDue: true, readableDue: true, remoteClosedDue: true });
    finish(tcb, reason);
    deliverEvents(tcb);
    expect(calls).toEqual(expected);
  });
});

describe('events', () => {
  it('are reported once each, in an order that a stream can follow', () => {
    const { tcb, calls } = observed();
    Object.assign(tcb, {
      establishedDue: true,
      readableDue: true,
      remoteClosedDue: true,
      writableDue: true,
      wantsWritable: true,
      closedDue: 'normal',
    });
    deliverEvents(tcb);
    deliverEvents(tcb);
    expect(calls).toEqual(['established', 'readable', 'remoteClosed', 'writable', 'closed:normal']);
    expect(tcb.wantsWritable).toBe(false);
    expect(tcb.observer).toBeUndefined();
  });

  it('wait for an observer', () => {
    const { tcb, calls } = observed();
    const { observer } = tcb;
    tcb.observer = undefined;
    tcb.readableDue = true;
    tcb.closedDue = 'reset';
    deliverEvents(tcb);
    expect(calls).toEqual([]);
    tcb.observer = observer;
    deliverEvents(tcb);
    expect(calls).toEqual(['readable', 'closed:reset']);
  });

  it('report an accepted connection once, when it is established', () => {
    const calls: string[] = [];
    const { tcb } = loneTcb('SYN-RECEIVED');
    tcb.acceptor = {
      accept: (accepted) => {
        calls.push(accepted === tcb ? 'accepted' : 'another');
        return notingObserver(calls);
      },
      leaveBacklog: () => undefined,
    };
    deliverEvents(tcb);
    expect(calls).toEqual([]);
    tcb.establishedDue = true;
    deliverEvents(tcb);
    expect(calls).toEqual(['accepted', 'established']);
    tcb.establishedDue = true;
    deliverEvents(tcb);
    expect(calls).toEqual(['accepted', 'established', 'established']);
  });

  it('are not nested', () => {
    const { tcb, calls } = observed();
    tcb.observer = {
      ...notingObserver(calls),
      readable: () => {
        calls.push('readable begins');
        tcb.remoteClosedDue = true;
        deliverEvents(tcb);
        calls.push('readable ends');
      },
    };
    tcb.readableDue = true;
    deliverEvents(tcb);
    expect(calls).toEqual(['readable begins', 'readable ends', 'remoteClosed']);
  });
});
