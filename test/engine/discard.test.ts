import { createNodeCrypto } from '../../src/crypto/node.js';
import { GatewayEngine, type GatewayHandlers } from '../../src/engine/gateway-engine.js';
import { NetstackEngine } from '../../src/engine/netstack-engine.js';
import { TunEngine } from '../../src/engine/tun-engine.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { OUR_V4, PEER_V4, v4 } from '../netstack/packets.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { isPacketMemoryFree } from '../support/packet-memory.js';
import { frameOf, pattern } from './tun/frames.js';

const OPTIONS = {
  privateKey: seededBytes(1, 32),
  mtu: 1420,
  crypto: createNodeCrypto(),
  entropy: seededEntropy(1),
  wallClock: { unixMilliseconds: () => 1_700_000_000_000 },
};

it('releases the memory of frames that were not sent', () => {
  const engine = new TunEngine({ ...OPTIONS, writeFrame: () => undefined });
  engine.handleFrames([frameOf(v4(17, pattern(40), { from: OUR_V4, to: PEER_V4 }))]);
  engine.close();
  engine.recycle();
  expect(isPacketMemoryFree()).toBe(false);
  engine.discard();
  expect(isPacketMemoryFree()).toBe(true);
});

it('releases the memory of packets that a gateway has not written', () => {
  const engine = new GatewayEngine(
    {
      addresses: [parseIpAddress('10.0.0.1')!],
      mtu: 1420,
      entropy: seededEntropy(1),
      handlers: {} as GatewayHandlers,
      writeFrame: () => undefined,
    },
    0,
  );
  const remote = { address: parseIpAddress('10.0.0.3')!, port: 9 };
  engine.stack.connectUdp(remote, () => undefined).send(new Uint8Array(10));
  expect(isPacketMemoryFree()).toBe(false);
  engine.close();
  expect(isPacketMemoryFree()).toBe(true);
});

it('releases the memory of datagrams that were not sent', () => {
  const addresses = [parseIpAddress('10.0.0.2')!];
  const engine = new NetstackEngine({ ...OPTIONS, addresses }, 0);
  const remote = { address: parseIpAddress('10.0.0.3')!, port: 9 };
  engine.stack.connectUdp(remote, () => undefined).send(new Uint8Array(10));
  engine.close();
  engine.recycle();
  expect(isPacketMemoryFree()).toBe(false);
  engine.discard();
  expect(isPacketMemoryFree()).toBe(true);
});
