/** What a tunnel sends on connections that a server remembers from the tunnel before it. */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { parseOptions, TcpOptions } from '../../src/netstack/tcp/open/options.js';
import { UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { IPV4_HEADER_LENGTH } from '../../src/wire/ipv4.js';
import { SYN, TCP_HEADER_LENGTH, tcpFlags, tcpHeaderLength } from '../../src/wire/tcp.js';
import { seededEntropy } from '../support/fakes/seeded-entropy.js';
import { SERVICE, TunnelInMemory } from '../support/pairs/tunnel-in-memory.js';

/** Returns the sequence number and the timestamp of a SYN; undefined for other segments. */
function numbersOf(packet: Uint8Array): { sequence: number; timestamp: number } | undefined {
  if ((tcpFlags(packet, IPV4_HEADER_LENGTH) & SYN) === 0) return undefined;
  const options = new TcpOptions();
  const start = IPV4_HEADER_LENGTH + TCP_HEADER_LENGTH;
  const length = tcpHeaderLength(packet, IPV4_HEADER_LENGTH) - TCP_HEADER_LENGTH;
  parseOptions(options, packet, start, length);
  const sequence = Buffer.from(packet).readInt32BE(IPV4_HEADER_LENGTH + 4);
  return { sequence, timestamp: options.tsVal };
}

// With an earlier timestamp, a server refuses a SYN on the ports of a connection in TIME-WAIT (RFC
// 7323 5.2, RFC 6191). Without timestamps, the sequence number decides (RFC 9293 3.6.1).
it('continues the TCP timestamps and sequence numbers of the process before it', async () => {
  const world = new TunnelInMemory(createNodeCrypto());
  await world.openNetwork();
  world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) =>
    stream.on('error', () => undefined).resume(),
  );
  const sent: { sequence: number; timestamp: number; at: number }[] = [];
  for (let run = 0; run < 2; run++) {
    const tunnel = await UserspaceTunnel.open(world.config(), {
      ...world.ports,
      // Chooses the same ports again.
      entropy: seededEntropy(1),
      observer: {
        innerPacket: (direction, packet) => {
          const numbers = numbersOf(packet);
          if (direction !== 'out' || numbers === undefined) return;
          sent.push({ ...numbers, at: world.ports.wallClock.unixMilliseconds() });
        },
      },
    });
    await world.settle();
    const dialled = tunnel.dialer.dial({ host: SERVICE, port: 80 });
    await world.advance(1_000);
    (await dialled).on('error', () => undefined).destroy();
    const closed = tunnel.close();
    await world.advance(1_000);
    await closed;
    // The computer's clock continues while no process runs.
    world.wallOffset += 60_000;
  }
  const [first, second] = [sent[0]!, sent.at(-1)!];
  expect(second.at - first.at).toBeGreaterThan(60_000);
  expect((second.timestamp - first.timestamp) | 0).toBe(second.at - first.at);
  expect((second.sequence - first.sequence) | 0).toBe(250 * (second.at - first.at));
  await world.network.close();
});
