/** A channel to a stack that can send from any port, over two real engines. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Stack } from '../../../src/netstack/stack.js';
import { TunnelDatagramChannel } from '../../../src/tunnel/node/datagram-channel.js';
import type { Driver } from '../../../src/tunnel/driver.js';
import { parseIpAddress, type SocketAddress } from '../../../src/wire/ip-address.js';
import { thrownBy } from '../../proxy/support/thrown.js';
import { EnginePair } from '../../support/pairs/engine-pair.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const SERVICE = parseIpAddress('100.127.69.42')!;
const PORT = 23080;
const bytes = (value: string) => new TextEncoder().encode(value);

let pair: EnginePair;
let clock: FakeClock;
let channel: TunnelDatagramChannel;
let openChannel: () => TunnelDatagramChannel;
let ended: number;

beforeEach(() => {
  pair = new EnginePair(createNodeCrypto());
  clock = new FakeClock();
  ended = 0;
  const driver = {
    now: () => pair.now,
    schedule: () => undefined,
    startTimer: (delay: number, handler: () => void) => clock.startTimer(delay, handler),
  } as unknown as Driver;
  openChannel = () =>
    new TunnelDatagramChannel(
      { engine: pair.alice.engine, driver, mtu: 1420, onClose: () => ended++ },
      { address: SERVICE, port: PORT },
    );
  channel = openChannel();
});

/** Sends a datagram and returns the address it came from. */
function reach(): { from: SocketAddress; answerFrom: (port: number, text: string) => void } {
  let from: SocketAddress | undefined;
  const { stack } = pair.bob.engine;
  const sockets = new Map<number, ReturnType<typeof stack.bindUdp>>();
  for (const port of [PORT, PORT + 1]) {
    sockets.set(
      port,
      stack.bindUdp({ port }, (_payload, sender) => (from = sender)),
    );
  }
  channel.send(bytes('x'));
  expect(pair.drive(() => from !== undefined)).toBe(true);
  return {
    from: from!,
    answerFrom: (port, text) => {
      sockets.get(port)!.sendTo(bytes(text), from!);
      pair.drive(() => false, 100);
    },
  };
}

it('receives datagrams from its target, and not from another port of the same host', async () => {
  const { answerFrom } = reach();
  answerFrom(PORT + 1, 'forged');
  answerFrom(PORT, 'real');
  expect(await channel.receive(1)).toEqual(bytes('real'));
  const none = channel.receive(1_000);
  answerFrom(PORT + 1, 'forged');
  clock.advance(1_000);
  expect(await none).toBeUndefined();
});

it('does not receive from the same port of another host', async () => {
  const { from } = reach();
  const stack = new Stack(
    { addresses: [parseIpAddress('100.127.1.1')!], mtu: 1420, entropy: seededEntropy(9) },
    0,
  );
  stack.bindUdp({ port: PORT }, () => undefined).sendTo(bytes('forged'), from);
  const { device } = pair.bob.engine;
  stack.drain((slot) => device.sendPackets([slot], pair.now), pair.now);
  const received = pair.alice.peer.rxBytes;
  expect(pair.drive(() => pair.alice.peer.rxBytes > received, 100)).toBe(true);
  const waiting = channel.receive(1_000);
  clock.advance(1_000);
  expect(await waiting).toBeUndefined();
});

it('ignores ICMP errors about datagrams to other targets', async () => {
  const { from } = reach();
  const { stack } = pair.alice.engine;
  // A socket on the channel's port that is gone when the error arrives.
  const other = stack.bindUdp(from, () => undefined);
  other.sendTo(bytes('x'), { address: SERVICE, port: 9 });
  other.close();
  const waiting = channel.receive(1_000);
  const received = pair.alice.peer.rxBytes;
  expect(pair.drive(() => pair.alice.peer.rxBytes > received, 100)).toBe(true);
  clock.advance(1_000);
  expect(await waiting).toBeUndefined();
});

it('reports an error once', async () => {
  channel.send(bytes('x'));
  pair.drive(() => false, 1_000);
  await expect(channel.receive(1_000)).rejects.toMatchObject({ reason: 'refused' });
  const waiting = channel.receive(1_000);
  clock.advance(1_000);
  expect(await waiting).toBeUndefined();
});

it('frees its port once', () => {
  expect(pair.alice.engine.stack.usage.udpSockets).toBe(1);
  channel.close();
  channel.close();
  expect(pair.alice.engine.stack.usage.udpSockets).toBe(0);
  expect(ended).toBe(1);
});

it('fails with exhausted if no UDP port is free, and opens when one becomes free', () => {
  const { stack } = pair.alice.engine;
  // RFC 6335 6: the dynamic ports. The first channel has one of them.
  const taken = Array.from({ length: 65_536 - 49_152 - 1 }, () =>
    stack.bindUdp({ port: 0 }, () => undefined),
  );
  expect(thrownBy(openChannel)).toMatchObject({
    reason: 'exhausted',
    message: 'no UDP port is free',
  });
  taken[0]!.close();
  openChannel().close();
});
