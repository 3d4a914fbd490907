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
