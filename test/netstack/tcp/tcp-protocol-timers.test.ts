/** Which connection is due, and when: deadlines of handshakes, idle peers and broken paths. */

import { silentObserver } from '../../support/fakes/silent-observer.js';
import { ACK, Harness, PEER_ADDRESS, SYN } from '../tcp-harness.js';
import { LoneLayer } from './lone-layer.js';
import { NOW } from './lone-tcb.js';

const RTO = 1_000;
const KEEP_ALIVE = { idle: 10_000, interval: 1_000, count: 3 };

describe('a handshake', () => {
  it.each([
    ['the stack’s limit', { connectTimeout: 700 }, {}, 700],
    ['its own limit', { connectTimeout: 700 }, { connectTimeout: 300 }, 300],
    ['20 s by default', {}, {}, 20_000],
  ])('of the local side is abandoned at %s (RFC 9293 3.8.3)', (_, limits, options, timeout) => {
    const net = new LoneLayer(limits);
    const { calls } = net.open(options);
    net.after(timeout - 1).sends();
    expect(calls).toEqual([]);
    net.after(1);
    expect(calls).toEqual(['closed:timeout']);
    expect(net.layer.connections).toBe(0);
  });

  it('of the peer is abandoned at the stack’s limit', () => {
    const net = new LoneLayer({ connectTimeout: 700 });
    net.layer.listen({ port: 8080 }, () => silentObserver, {});
    net.receives({ flags: SYN, ports: [9, 8080] });
    net.after(699).sends();
    expect(net.layer.connections).toBe(1);
    net.after(1);
    expect(net.layer.connections).toBe(0);
  });

  it('has its deadline from the start, before the SYN is sent', () => {
    const net = new LoneLayer({ connectTimeout: 700 });
    net.open();
    expect(net.layer.nextTimeout()).toBe(NOW + 700);
    net.open({ connectTimeout: 300 });
    expect(net.layer.nextTimeout()).toBe(NOW + 300);
  });
});

it('reports a missed answer, but no other timer that is due', () => {
  const net = new LoneLayer();
  net.establish({ keepAlive: KEEP_ALIVE });
  net.after(KEEP_ALIVE.idle).sends();
  expect(net.layer.timedOutAt).toBe(-Infinity);
  net.connect();
  net.after(RTO - 1);
  expect(net.layer.timedOutAt).toBe(-Infinity);
  net.after(1);
  expect(net.layer.timedOutAt).toBe(NOW + KEEP_ALIVE.idle + RTO);
  net.after(1);
  expect(net.layer.timedOutAt).toBe(NOW + KEEP_ALIVE.idle + RTO);
});

describe('due work', () => {
  it('is not done before its deadline', () => {
    const net = new LoneLayer();
    net.connect();
    expect(net.after(RTO - 1).sends()).toEqual([]);
    expect(net.after(1).sends()).toMatchObject([{ flags: SYN }]);
  });
});

describe('a path that works again (RFC 6069)', () => {
  const everywhere = () => true;

  it('does not get data that never timed out or is acknowledged', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.after(100).stack.retransmitNow(everywhere, h.now);
    expect(h.after(0).sendsBriefly()).toEqual([]);
    h.after(1000).sends();
    h.after(2000).sends();
    // An ambiguous acknowledgment removes one of two backoff steps.
    h.receives({ flags: ACK, seq: 1, ack: 11 }).sends();
    h.stack.retransmitNow(everywhere, h.now);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('does not affect other paths', () => {
    const h = new Harness();
    h.connect();
    h.after(1000).sends();
    const asked: Uint8Array[] = [];
    h.stack.retransmitNow((remote) => asked.push(remote) < 0, h.now);
    expect(asked).toEqual([PEER_ADDRESS]);
    expect(h.stack.nextTimeout()).toBe(h.now + 2000);
  });

  it('does not postpone earlier deadlines', () => {
    const net = new LoneLayer();
    net.connect();
    net.after(RTO).sends();
    const dueAt = net.layer.nextTimeout();
    net.layer.retransmitNow(everywhere, dueAt + 500);
    expect(net.layer.nextTimeout()).toBe(dueAt);
  });
});
