import type { TcpConnection } from '../../../../src/netstack/tcp/connection.js';
import { TcpListener } from '../../../../src/netstack/tcp/open/listener.js';
import { silentObserver } from '../../../support/fakes/silent-observer.js';
import { OUR_V4 } from '../../packets.js';
import { ACK, Harness, MSS_OPTION, RST, SYN } from '../../tcp-harness.js';
import { type LoneTcb, loneTcb, NOW, OUR_PORT } from '../lone-tcb.js';

interface Scene {
  readonly listener: TcpListener;
  readonly accepted: TcpConnection[];
  readonly closed: TcpListener[];
}

function listening(backlog = 2): Scene {
  const accepted: TcpConnection[] = [];
  const closed: TcpListener[] = [];
  const listener = new TcpListener(
    { address: OUR_V4, port: OUR_PORT },
    backlog,
    (connection) => {
      accepted.push(connection);
      return silentObserver;
    },
    (gone) => closed.push(gone),
  );
  return { listener, accepted, closed };
}

/** A connection in the backlog of `listener`. */
function halfOpen(listener: TcpListener): LoneTcb {
  const lone = loneTcb('SYN-RECEIVED');
  listener.enterBacklog(lone.tcb);
  lone.tcb.acceptor = listener;
  return lone;
}

it('is bound to the given address, with its backlog', () => {
  const { listener } = listening(7);
  expect(listener.local).toEqual({ address: OUR_V4, port: OUR_PORT });
  expect(listener.backlog).toBe(7);
});

describe('the backlog', () => {
  it('is full at its limit of half-open connections, until one leaves', () => {
    const { listener } = listening(2);
    const full: [number, boolean][] = [];
    const note = () => full.push([listener.halfOpen, listener.isFull]);
    note();
    const { tcb } = halfOpen(listener);
    note();
    halfOpen(listener);
    note();
    listener.leaveBacklog(tcb);
    note();
    expect(full).toEqual([
      [0, false],
      [1, false],
      [2, true],
      [1, false],
    ]);
  });

  it('does not count a connection twice, nor a connection that was never in it', () => {
    const { listener } = listening();
    const { tcb } = halfOpen(listener);
    listener.enterBacklog(tcb);
    expect(listener.halfOpen).toBe(1);
    listener.leaveBacklog(loneTcb('SYN-RECEIVED').tcb);
    expect(listener.halfOpen).toBe(1);
    listener.leaveBacklog(tcb);
    listener.leaveBacklog(tcb);
    expect(listener.halfOpen).toBe(0);
  });

  it('of zero is always full', () => {
    expect(listening(0).listener.isFull).toBe(true);
  });
});

it('passes a connection to its user, who sets the observer', () => {
  const { listener, accepted } = listening();
  const { tcb } = halfOpen(listener);
  expect(accepted).toEqual([]);
  expect(listener.accept(tcb)).toBe(silentObserver);
  expect(accepted).toHaveLength(1);
  expect(accepted[0]!.local).toBe(tcb.local);
  expect(accepted[0]!.remote).toBe(tcb.remote);
});

describe('closing', () => {
  it('is reported, and resets half-open connections (RFC 9293 3.10.4, tcp_noaccept_close_rst)', () => {
    const { listener, accepted, closed } = listening();
    const scenes = [halfOpen(listener), halfOpen(listener)];
    listener.close(NOW);
    expect(closed).toEqual([listener]);
    for (const { tcb, host } of scenes) {
      expect(tcb.state).toBe('CLOSED');
      expect(host.queued).toHaveLength(1);
      expect(host.queued[0]![33]).toBe(RST | ACK);
      expect(host.asked).toContain('remove');
    }
    expect(listener.halfOpen).toBe(0);
    expect(accepted).toEqual([]);
  });

  it('is reported before half-open connections end, and admits no new ones meanwhile', () => {
    const order: string[] = [];
    const listener = new TcpListener(
      { port: OUR_PORT },
      1,
      () => silentObserver,
      () => order.push(tcb.state),
    );
    const { tcb } = halfOpen(listener);
    listener.close(NOW);
    expect(order).toEqual(['SYN-RECEIVED']);
  });

  it('keeps accepted connections', () => {
    const { listener } = listening();
    const { tcb, host } = halfOpen(listener);
    tcb.state = 'ESTABLISHED';
    listener.leaveBacklog(tcb);
    listener.close(NOW);
    expect(tcb.state).toBe('ESTABLISHED');
    expect(host.queued).toEqual([]);
  });
});

describe('in a stack', () => {
  it('limits half-open connections per listener', () => {
    const h = new Harness();
    h.listen(MSS_OPTION(1000), 2);
    for (h.peerPort of [81, 82]) h.receives({ flags: SYN, seq: 0 });
    expect(h.stack.drops.of('tcp-backlog')).toBe(1);
    expect(h.stack.usage.connections).toBe(2);
    // Another listener has its own backlog.
    h.stack.listenTcp({ port: 8081 }, () => silentObserver, { backlog: 1 });
    h.ourPort = 8081;
    h.receives({ flags: SYN, seq: 0 });
    expect(h.stack.drops.of('tcp-backlog')).toBe(1);
    expect(h.stack.usage.connections).toBe(3);
  });
});
