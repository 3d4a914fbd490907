/** The order in which connections send, and the answers to peers. */

import type { Segment } from '../../../src/netstack/tcp/segment.js';
import { ACK, RST, SYN } from '../tcp-harness.js';
import { LoneLayer } from './lone-layer.js';

const portsOf = (segments: readonly Segment[]) => segments.map((each) => each.destinationPort);
const flagsOf = (segments: readonly Segment[]) => segments.map(({ flags }) => flags);

describe('turns', () => {
  /** Two connections, each with 40 segments that its window allows. */
  function eager(): LoneLayer {
    const net = new LoneLayer();
    const opened = [81, 82].map((port) => net.establish({}, port));
    for (const each of opened) {
      // A window of ten segments grows to forty, with one ACK per segment.
      each.connection.send(new Uint8Array(40_000));
      for (let count = 1; count <= 40; count++) {
        net.sends();
        net.peerSends(each, { flags: ACK, ack: each.iss + 1 + count * 1_000, wnd: 60_000 });
      }
    }
    for (const { connection } of opened) connection.send(new Uint8Array(40_000));
    return net;
  }

  it('are not taken if no connection is ready', () => {
    const net = new LoneLayer();
    net.establish();
    expect(net.layer.hasReady).toBe(false);
    expect(net.turn()).toEqual([]);
  });

  it('end when the drain accepts no more, and continue after the others', () => {
    const net = eager();
    expect(portsOf(net.turn(3))).toEqual([81, 81, 81]);
    expect(portsOf(net.turn(1))).toEqual([82]);
    expect(portsOf(net.turn(2))).toEqual([81, 81]);
    expect(net.layer.hasReady).toBe(true);
  });
});

describe('answers', () => {
  const stray = { flags: ACK, seq: 1, ack: 7, ports: [9, 9] as const };

  it('are dropped and counted if too many wait', () => {
    const net = new LoneLayer({}, 'reno', 2);
    for (let count = 0; count < 5; count++) net.receives(stray);
    expect(net.drops.of('queue-full')).toBe(3);
    expect(flagsOf(net.sends())).toEqual([RST, RST]);
    net.receives(stray);
    expect(net.drops.of('queue-full')).toBe(3);
    expect(flagsOf(net.sends())).toEqual([RST]);
  });

  it('reset a segment that a handshake cannot accept (RFC 9293 3.10.7.3)', () => {
    const net = new LoneLayer();
    const opened = net.connect();
    net.peerSends(opened, { flags: SYN | ACK, ack: opened.iss + 2 });
    const [reset, ...rest] = net.sends();
    expect(rest).toEqual([]);
    expect(reset).toMatchObject({ flags: RST, segSeq: opened.iss + 2 });
    expect(reset!.destinationPort).toBe(opened.connection.remote.port);
  });
});
