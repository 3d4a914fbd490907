import { udpSockets } from '../../../src/system/network/udp-socket.js';
import type { DatagramSocket } from '../../../src/ports/datagram-sockets.js';
import type { Datagram } from '../../../src/ports/datagram.js';

const open: DatagramSocket[] = [];

async function socket(address = '127.0.0.1', port = 0): Promise<DatagramSocket> {
  const one = await udpSockets.open({ address, port });
  open.push(one);
  return one;
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** The next `count` datagrams of a socket, in order. */
function received(one: DatagramSocket, count: number): Promise<Datagram[]> {
  const all: Datagram[] = [];
  return new Promise((resolve) => {
    one.onReceive = (datagrams) => {
      expect(datagrams.length).toBeGreaterThan(0);
      all.push(...datagrams);
      if (all.length >= count) resolve(all);
    };
  });
}

it.each([['127.0.0.1'], ['::1']])('carries datagrams and their sender over %s', async (address) => {
  const [left, right] = [await socket(address), await socket(address)];
  const arrival = received(right, 3);
  const endpoint = { address, port: right.localPort };
  left.send([1, 2, 3].map((byte) => ({ bytes: new Uint8Array([byte]), endpoint })));
  const datagrams = await arrival;
  expect(datagrams.map(({ bytes }) => bytes[0])).toEqual([1, 2, 3]);
  expect(datagrams[0]!.endpoint).toEqual({ address, port: left.localPort });
  // One sender is one object, so that senders are compared by reference.
  expect(datagrams[1]!.endpoint).toBe(datagrams[0]!.endpoint);
});

it('counts the bytes that the kernel has not accepted, down to zero', async () => {
  const [left, right] = [await socket(), await socket()];
  const drained = new Promise<void>((resolve) => {
    left.onDrain = resolve;
  });
  const endpoint = { address: '127.0.0.1', port: right.localPort };
  left.send([{ bytes: new Uint8Array(1000), endpoint }]);
  expect(left.queuedBytes).toBe(1000);
  await drained;
  expect(left.queuedBytes).toBe(0);
});

it('sends queued datagrams before it closes', async () => {
  const [left, right] = [await socket(), await socket()];
  const arrival = received(right, 50);
  const endpoint = { address: '127.0.0.1', port: right.localPort };
  left.send(Array.from({ length: 50 }, () => ({ bytes: new Uint8Array(100), endpoint })));
  await left.close();
  expect(await arrival).toHaveLength(50);
});

it('reports the error of a datagram and stays usable', async () => {
  const one = await socket();
  const failure = new Promise<[Error, Datagram | undefined]>((resolve) => {
    one.onError = (error, unsent) => resolve([error, unsent]);
  });
  const long = {
    bytes: new Uint8Array(65_535),
    endpoint: { address: '127.0.0.1', port: one.localPort },
  };
  one.send([long]);
  const [error, unsent] = await failure;
  expect(error).toMatchObject({ code: 'EMSGSIZE' });
  expect(unsent).toBe(long);
  const arrival = received(one, 1);
  one.send([{ bytes: new Uint8Array(1), endpoint: { address: '127.0.0.1', port: one.localPort } }]);
  expect(await arrival).toHaveLength(1);
});

it('reports datagrams to port 0, from which a datagram can arrive, and sends the others', async () => {
  const [one, other] = [await socket(), await socket()];
  const failure = new Promise<[Error, Datagram | undefined]>((resolve) => {
    one.onError = (error, unsent) => resolve([error, unsent]);
  });
  const arrival = received(other, 1);
  const bytes = new Uint8Array(1);
  const answer = { bytes, endpoint: { address: '127.0.0.1', port: 0 } };
  one.send([answer, { bytes, endpoint: { address: '127.0.0.1', port: other.localPort } }]);
  expect(one.queuedBytes).toBe(2);
  const [error, unsent] = await failure;
  expect(error).toMatchObject({ code: 'EINVAL' });
  expect(unsent).toBe(answer);
  expect(await arrival).toHaveLength(1);
  expect(one.isFlushed).toBe(true);
});

it('refuses a port that is in use, with the system’s code', async () => {
  const one = await socket();
  await expect(socket('127.0.0.1', one.localPort)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
