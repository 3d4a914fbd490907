/** A tour from the first initiation to the first byte, one datagram at a time, in virtual time. */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { EnginePair } from '../support/pairs/engine-pair.js';

it('consists of initiation, response, first data and the answer', () => {
  const pair = new EnginePair(createNodeCrypto(), { delay: 10 });
  const { alice, bob } = pair;
  const lines: string[] = [];
  const service = { address: parseIpAddress('100.127.69.42')!, port: 80 };

  bob.engine.stack.listenTcp({ port: 80 }, (connection) => ({
    established: () => undefined,
    readable: () => {
      lines.push(`bob reads ${new TextDecoder().decode(connection.receive(100, pair.now))}`);
      connection.send(new TextEncoder().encode('201'));
      connection.shutdown();
    },
    writable: () => undefined,
    remoteClosed: () => undefined,
    closed: () => undefined,
  }));

  // Alice has no session: her SYN waits in the staged queue, and an initiation is sent.
  const connection = alice.engine.stack.connectTcp(
    service,
    {
      established: () => void connection.send(new TextEncoder().encode('hello')),
      readable: () => {
        lines.push(`alice reads ${new TextDecoder().decode(connection.receive(100, pair.now))}`);
      },
      writable: () => undefined,
      remoteClosed: () => connection.shutdown(),
      closed: (reason) => void lines.push(`alice is done: ${reason}`),
    },
    pair.now,
  );
  expect(pair.drive(() => lines.length >= 2, 1_000)).toBe(true);
  expect(lines).toEqual(['bob reads hello', 'alice reads 201']);

  // 148 and 92 bytes of handshake (whitepaper 5.4.2, 5.4.3), then the staged SYN as first data.
  const [initiation, response, data] = pair.sent;
  expect([initiation!.bytes.length, initiation!.bytes[0], initiation!.at]).toEqual([148, 1, 0]);
  expect([response!.bytes.length, response!.bytes[0], response!.at]).toEqual([92, 2, 10]);
  expect([data!.bytes[0], data!.at]).toEqual([4, 20]);
  expect(alice.events.map(({ type }) => type)).toContain('handshake-complete');

  // Both ends counted the same number of bytes.
  pair.drive(() => false, 5_000);
  expect(alice.peer.txBytes).toBe(bob.peer.rxBytes);
  expect(bob.peer.txBytes).toBe(alice.peer.rxBytes);
});
