import { createNodeCrypto } from '../../src/crypto/node.js';
import { TunEngine } from '../../src/engine/tun-engine.js';
import { parseIpPrefix } from '../../src/wire/ip-address.js';
import type { Datagram } from '../../src/ports/datagram.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { isIntact, OUR_V4, PEER_V4, v4 } from '../netstack/packets.js';
import { frameOf, pattern, TCP, tcpPacket } from './tun/frames.js';

const crypto = createNodeCrypto();
const ENDPOINTS = [
  { address: '192.0.2.1', port: 1 },
  { address: '192.0.2.2', port: 2 },
] as const;

/** Two engines, and the packets that each has written to its device. */
class Pair {
  readonly written: Uint8Array[][] = [[], []];
  readonly inner: string[] = [];
  readonly engines: readonly TunEngine[];
  now = 1000;

  constructor() {
    const keys = [seededBytes(1, 32), seededBytes(2, 32)];
    this.engines = keys.map((privateKey, side) => {
      return new TunEngine({
        privateKey,
        mtu: 1420,
        crypto,
        entropy: seededEntropy(side + 1),
        wallClock: { unixMilliseconds: () => 1_700_000_000_000 + this.now },
        writeFrame: (parts) => {
          this.written[side]!.push(Uint8Array.from(parts.flatMap((part) => [...part])));
        },
        observer: {
          innerPacket: (direction, packet) =>
            this.inner.push(`${side} ${direction} ${packet.length}`),
        },
      });
    });
    this.engines.forEach(({ device }, side) => {
      device.addPeer(
        {
          publicKey: crypto.publicKey(keys[1 - side]!),
          endpoint: ENDPOINTS[1 - side]!,
          allowedIps: [parseIpPrefix('0.0.0.0/0')!],
        },
        this.now,
      );
    });
  }

  /** Carries datagrams until no more are sent. */
  settle(): void {
    for (let isMoving = true; isMoving;) {
      isMoving = false;
      this.engines.forEach((engine, side) => {
        const datagrams = this.#drain(engine);
        if (datagrams.length === 0) return;
        isMoving = true;
        const arrived = datagrams.map(({ bytes }) => ({ bytes, endpoint: ENDPOINTS[side]! }));
        this.engines[1 - side]!.handleDatagrams(arrived, this.now);
      });
    }
  }

  #drain(engine: TunEngine): readonly Datagram[] {
    return engine.drain(this.now).datagrams;
  }
}

it('carries packets from the local device to the remote device', () => {
  const pair = new Pair();
  const packet = v4(17, pattern(40), { from: OUR_V4, to: PEER_V4 });
  pair.engines[0]!.handleFrames([frameOf(packet)]);
  pair.settle();
  expect(pair.written).toEqual([[], [Uint8Array.of(...new Uint8Array(10), ...packet)]]);
  expect(pair.inner).toEqual(['0 out 60', '1 in 60']);
});

it('carries a large packet as segments, and merges them again', () => {
  const pair = new Pair();
  const packet = tcpPacket(pattern(6000));
  const header = { flags: 1, gsoType: 1, gsoSize: 1000, checksumStart: 20, checksumOffset: 16 };
  // A handshake comes first, because staged packets arrive in more than one batch.
  pair.engines[0]!.handleFrames([frameOf(v4(TCP, pattern(20)))]);
  pair.settle();
  pair.written[1]!.length = 0;
  pair.engines[0]!.handleFrames([frameOf(packet, header)]);
  pair.settle();
  expect(pair.inner.filter((line) => line === '0 out 1040')).toHaveLength(6);
  const [frame, ...others] = pair.written[1]!;
  expect(others).toEqual([]);
  expect([...frame!.subarray(50)]).toEqual(pattern(6000));
});

it('drops an invalid frame, and continues', () => {
  const pair = new Pair();
  const packet = v4(17, pattern(40), { from: OUR_V4, to: PEER_V4 });
  pair.engines[0]!.handleFrames([new Uint8Array(3), frameOf(packet)]);
  pair.settle();
  expect(pair.written[1]).toHaveLength(1);
});

it('sets how each datagram is sent', () => {
  const pair = new Pair();
  const [engine] = pair.engines as [TunEngine];
  const leaving = () =>
    engine
      .drain(pair.now)
      .datagrams.map(({ trafficClass, isSourceInDoubt }) => [trafficClass, isSourceInDoubt]);
  // ECT(0) in a packet that waits for the handshake.
  const packet = tcpPacket(pattern(20), { typeOfService: 2 });
  engine.handleFrames([frameOf(packet)]);
  expect(leaving()).toEqual([[0x88, false]]);
  pair.now = engine.nextTimeout();
  engine.handleTimeout(pair.now);
  const [retry] = engine.drain(pair.now).datagrams;
  expect(retry).toMatchObject({ trafficClass: 0x88, isSourceInDoubt: true });
  pair.engines[1]!.handleDatagrams([{ ...retry!, endpoint: ENDPOINTS[0] }], pair.now);
  const answer = pair.engines[1]!.drain(pair.now).datagrams;
  engine.handleDatagrams(answer, pair.now);
  expect(leaving()).toEqual([[2, false]]);
});

it('answers a packet that no peer may receive on behalf of the missing host', () => {
  const pair = new Pair();
  const { device } = pair.engines[0]!;
  const [peer] = [...device.peers];
  device.allowedIps.removeAll(peer!);
  const packet = v4(17, pattern(40), { from: OUR_V4, to: PEER_V4 });
  pair.engines[0]!.handleFrames([frameOf(packet)]);
  pair.settle();
  const [[frame], theirs] = pair.written as [Uint8Array[], Uint8Array[]];
  expect(theirs).toEqual([]);
  expect([...frame!.subarray(0, 10)]).toEqual([...new Uint8Array(10)]);
  const error = frame!.subarray(10);
  expect(isIntact(error)).toBe(true);
  expect([...error.subarray(20, 22)]).toEqual([3, 1]);
  expect(error.subarray(28)).toEqual(packet);
  expect(pair.inner).toEqual(['0 out 60', '0 in 88']);
  expect([...device.drops]).toEqual([['no-route', 1]]);
});

it('answers a packet for a peer whose address is unknown', () => {
  const pair = new Pair();
  const [peer] = [...pair.engines[0]!.device.peers];
  peer!.setEndpoint(undefined);
  pair.engines[0]!.handleFrames([frameOf(v4(17, pattern(40)))]);
  pair.settle();
  expect(pair.written[0]).toHaveLength(1);
});

it('answers the first 100 packets of a flood, then one per 10 ms', () => {
  const pair = new Pair();
  const [peer] = [...pair.engines[0]!.device.peers];
  pair.engines[0]!.device.allowedIps.removeAll(peer!);
  const flood = Array.from({ length: 1000 }, () => frameOf(v4(17, pattern(40))));
  pair.engines[0]!.handleFrames(flood);
  pair.settle();
  expect(pair.written[0]).toHaveLength(100);
  pair.now += 10;
  pair.engines[0]!.handleFrames([frameOf(v4(17, pattern(40)))]);
  pair.engines[0]!.handleFrames([frameOf(v4(17, pattern(40)))]);
  pair.settle();
  expect(pair.written[0]).toHaveLength(101);
});

it('reports events and its next deadline, but nothing after it closes', () => {
  const pair = new Pair();
  const [engine] = pair.engines as [TunEngine];
  expect(engine.nextTimeout()).toBe(Infinity);
  engine.handleFrames([frameOf(v4(17, pattern(40)))]);
  pair.settle();
  expect(engine.pollEvent()?.type).toBe('handshake-complete');
  const next = engine.nextTimeout();
  expect(next).toBeGreaterThan(pair.now);
  expect(next).toBeLessThan(Infinity);
  pair.now = next;
  engine.handleTimeout(next);
  // 15 s without an answer to data cause a new handshake.
  expect(engine.drain(next).datagrams).toHaveLength(1);
  engine.close();
  engine.handleFrames([frameOf(v4(17, pattern(40)))]);
  expect(engine.drain(next).datagrams).toEqual([]);
});
