/**
 * Stack.setAddresses(): which connections continue and which end when the local addresses change.
 */
import { Stack } from '../../src/netstack/stack.js';
import {
  connectPair,
  ip,
  LEFT_ADDRESS,
  NetstackPair,
  patternBytes,
  RIGHT_ADDRESS,
  seededEntropy,
} from '../support/pairs/netstack-pair.js';
import { silentObserver } from '../support/fakes/silent-observer.js';

const NEW = ip('10.0.0.9');

it('ends the connections of a removed address silently, and opens new ones from the new address', () => {
  const pair = new NetstackPair();
  const { client } = connectPair(pair);
  const emitted = pair.emitted.left;
  pair.left.setAddresses([NEW]);
  expect(client.events.at(-1)).toBe('closed:address-gone');
  pair.run(1000);
  expect(pair.emitted.left).toBe(emitted);
  expect(pair.left.usage.connections).toBe(0);
  const accepted: unknown[] = [];
  pair.right.listenTcp({ port: 81 }, (connection) => {
    accepted.push(connection.remote.address);
    return silentObserver;
  });
  pair.left.connectTcp({ address: RIGHT_ADDRESS, port: 81 }, silentObserver, pair.now);
  pair.run(1000);
  expect(accepted).toEqual([NEW]);
});

it('keeps the connections of a kept address', () => {
  const pair = new NetstackPair();
  const { client, server } = connectPair(pair);
  pair.left.setAddresses([NEW, LEFT_ADDRESS]);
  client.send(patternBytes(10_000));
  pair.run(5000, () => server.receivedLength === 10_000);
  expect(server.receivedLength).toBe(10_000);
  expect(client.events).toEqual(['established']);
});

it('keeps listeners: those on all addresses always, those on one address when it returns', () => {
  const pair = new NetstackPair();
  const accepted: string[] = [];
  const listen = (name: string, local: { port: number; address?: typeof NEW }) =>
    pair.left.listenTcp(local, () => {
      accepted.push(name);
      return silentObserver;
    });
  listen('any', { port: 80 });
  listen('one', { port: 81, address: LEFT_ADDRESS });
  const connect = (address: typeof NEW, port: number) => {
    pair.right.connectTcp({ address, port }, silentObserver, pair.now);
    pair.run(500);
  };
  pair.left.setAddresses([NEW]);
  connect(NEW, 80);
  connect(NEW, 81);
  connect(LEFT_ADDRESS, 81);
  expect(accepted).toEqual(['any']);
  pair.left.setAddresses([ip('10.0.0.8')]);
  pair.left.setAddresses([LEFT_ADDRESS]);
  connect(LEFT_ADDRESS, 81);
  expect(accepted).toEqual(['any', 'one']);
});

it('closes the UDP sockets of a removed address, and keeps the others', () => {
  const pair = new NetstackPair();
  const gone: string[] = [];
  const remote = { address: RIGHT_ADDRESS, port: 53 };
  const told = (name: string) => ({ onAddressGone: () => void gone.push(name) });
  const ignore = () => undefined;
  const [bound, any, connected] = [
    pair.left.bindUdp({ port: 1, address: LEFT_ADDRESS }, ignore, undefined, told('bound')),
    pair.left.bindUdp({ port: 2 }, ignore, undefined, told('any')),
    pair.left.connectUdp(remote, ignore, undefined, told('connected')),
  ] as const;
  const from: unknown[] = [];
  pair.right.bindUdp({ port: 53 }, (_payload, { address }) => from.push(address));
  pair.left.setAddresses([NEW]);
  expect(gone).toEqual(['bound', 'connected']);
  expect([bound, any, connected].map((socket) => socket.isClosed)).toEqual([true, false, true]);
  expect(any.sendTo(Uint8Array.of(1), remote)).toBe(true);
  pair.run(1000);
  expect(from).toEqual([NEW]);
  expect(pair.left.usage.udpSockets).toBe(1);
});

it('changes nothing if the addresses are invalid', () => {
  const stack = new Stack({ addresses: [LEFT_ADDRESS], mtu: 1279, entropy: seededEntropy(1) }, 0);
  expect(() => stack.setAddresses([])).toThrow(RangeError);
  // RFC 8200 5: an IPv6 link carries at least 1,280 bytes.
  expect(() => stack.setAddresses([ip('fd00::1')])).toThrow('MTU');
  expect(stack.addresses).toEqual([LEFT_ADDRESS]);
});
