/** Requirements of RFC 9293 that no other file tests, each with its number. */
import { packetInSlot } from '../../../src/lib/packets/packet-slot.js';
import { Stack } from '../../../src/netstack/stack.js';
import { sumPseudoHeader } from '../../../src/wire/checksum.js';
import { finishIpv4Header } from '../../../src/wire/ipv4.js';
import { finishTcp } from '../../../src/wire/tcp.js';
import { ip, patternBytes, seededEntropy } from '../../support/pairs/netstack-pair.js';
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  OUR_ADDRESS,
  PEER_ADDRESS,
  SACK_TIMESTAMPS_SYN,
  SYN,
} from '../tcp-harness.js';
import { silentObserver } from '../../support/fakes/silent-observer.js';

const URG = 0x20;

describe('options', () => {
  /** A SYN, the ACK of the handshake, data, a FIN, and the ACK of received data. */
  function exchange(): Uint8Array[] {
    const h = new Harness();
    const packets: Uint8Array[] = [];
    const take = () => {
      while (h.stack.drain((slot) => packets.push(packetInSlot(slot).slice()), h.now));
    };
    const remote = { address: PEER_ADDRESS, port: 80 };
    h.connection = h.stack.connectTcp(remote, h, h.now, { localPort: 5000 });
    h.ourPort = 5000;
    take();
    h.iss = h.parse(packets[0]!).absoluteSeq;
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: SACK_TIMESTAMPS_SYN });
    take();
    h.connection.send(patternBytes(10));
    h.connection.shutdown();
    take();
    return packets;
  }

  it('sends MSS only on SYN (MUST-65)', () => {
    const h = new Harness();
    const has = exchange().map((packet) => h.parse(packet).options.hasMss);
    expect(has.length).toBeGreaterThan(2);
    expect(has).toEqual(has.map((_, index) => index === 0));
  });

  it('does not write an end of list, and therefore nothing after one (MUST-69)', () => {
    for (const packet of exchange()) {
      const kinds: number[] = [];
      const end = 20 + (packet[32]! >> 4) * 4;
      for (let at = 40; at < end; at += packet[at] === 1 ? 1 : packet[at + 1]!) {
        kinds.push(packet[at]!);
      }
      expect(kinds).not.toContain(0);
    }
  });

  it('does not set the urgent flag (SHLD-13)', () => {
    expect(exchange().filter((packet) => packet[33]! & URG)).toEqual([]);
  });
});

it('keeps urgent octets in the stream, wherever the urgent pointer points (MUST-30, MUST-31, RFC 6093 6)', () => {
  const h = new Harness().establish();
  const data = patternBytes(300);
  h.receives({ flags: ACK | URG, data: data.subarray(0, 100) });
  h.receives({ flags: ACK | URG, seq: 101, data: data.subarray(100) });
  expect(h.connection.receive(1000, h.now)).toEqual(data);
});

it('acknowledges everything received before it sends, at once (MUST-58, MUST-59)', () => {
  const h = new Harness().establish();
  for (let segment = 0; segment < 6; segment++) {
    h.receives({ flags: ACK, seq: 1 + segment * 100, data: 100 });
  }
  h.receives({ flags: ACK | FIN, seq: 601, data: 100 });
  expect(h.sendsBriefly()).toEqual(['ACK 1+0 702']);
});

it('uses a timestamp clock of one millisecond, with a different offset for each peer (RFC 7323 5.4, RFC 7323 7.1)', () => {
  const h = new Harness();
  const first = h.connect().options.tsVal;
  const [second] = h.after(1000).sends();
  expect(second!.options.tsVal - first).toBe(1000);
  const other = new Harness();
  other.stack.connectTcp({ address: PEER_ADDRESS, port: 81 }, other, other.now);
  expect(other.sends()[0]!.options.tsVal).not.toBe(first);
});

describe('an open', () => {
  it('refuses a second listener until the first closes, and keeps the first (MUST-41)', () => {
    const h = new Harness();
    h.listen();
    expect(() => h.stack.listenTcp({ port: 8080 }, () => silentObserver)).toThrow(RangeError);
    h.receives({ flags: ACK });
    expect(h.events).toContain('accepted');
    expect(h.connection.state).toBe('ESTABLISHED');
  });

  it('listens on the local port of an opening connection (MUST-42)', () => {
    const h = new Harness();
    h.connect({ localPort: 8080 });
    const accepted: string[] = [];
    h.stack.listenTcp({ port: 8080 }, () => {
      accepted.push('one');
      return silentObserver;
    });
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: MSS_OPTION(1000) });
    expect(h.connection.state).toBe('ESTABLISHED');
    expect(accepted).toEqual([]);
    h.sends();
    h.peerPort = 81;
    h.receives({ flags: SYN, seq: 0 });
    const [answer] = h.sends();
    expect(answer!.flags).toBe('SYN,ACK');
    h.iss = answer!.absoluteSeq;
    h.receives({ flags: ACK });
    expect(accepted).toEqual(['one']);
  });

  it('always sends from its initial address (MUST-43, MUST-45)', () => {
    const second = ip('10.0.0.9');
    const stack = new Stack(
      { addresses: [OUR_ADDRESS, second], mtu: 1040, entropy: seededEntropy(7) },
      0,
    );
    const sources: string[] = [];
    const take = (now: number) =>
      stack.drain((slot) => sources.push(packetInSlot(slot).subarray(12, 16).join('.')), now);
    const remote = { address: PEER_ADDRESS, port: 80 };
    const connection = stack.connectTcp(remote, silentObserver, 0, { localAddress: second });
    take(0);
    stack.handleTimeout(1000);
    take(1000);
    expect(connection.local.address).toEqual(second);
    expect(sources).toEqual(['10.0.0.9', '10.0.0.9']);
  });

  it('ignores packets that claim to come from the local address (syn_with_same_ip, RFC 1122 3.2.1.3)', () => {
    const h = new Harness();
    const accepted: string[] = [];
    h.stack.listenTcp({ port: 8080 }, () => {
      accepted.push('one');
      return silentObserver;
    });
    h.ourPort = 8080;
    h.peerPort = 8080;
    const packet = h.packet({ flags: SYN, seq: 0 });
    packet.set(OUR_ADDRESS, 12);
    finishIpv4Header(packet, 0, packet.length);
    const length = packet.length - 20;
    finishTcp(packet, 20, length, sumPseudoHeader(OUR_ADDRESS, OUR_ADDRESS, 6, length));
    h.stack.handlePacket(packet, h.now);
    expect(h.sends()).toEqual([]);
    expect(accepted).toEqual([]);
    expect(h.stack.drops.of('ip-source')).toBe(1);
  });

  it.each(['224.0.0.1', '255.255.255.255', '0.0.0.0', '127.0.0.1', '10.0.0.1', 'ff02::1', '::1'])(
    'refuses %s, which is not a remote host (MUST-46)',
    (text) => {
      const h = new Harness();
      const remote = { address: ip(text), port: 80 };
      expect(() => h.stack.connectTcp(remote, h, h.now)).toThrow('must belong to another host');
      expect(h.stack.usage.connections).toBe(0);
      expect(h.sends()).toEqual([]);
    },
  );
});
