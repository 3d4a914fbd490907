/** UDP ports of the near tunnel, which exchange datagrams with the far one, in virtual time. */
import type { DatagramAddress, DatagramPort } from '../../../src/proxy/datagram-dialer.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import {
  FAR,
  FAR_IPV6,
  NAME_SERVER,
  NEAR,
  serveNames,
  TwoTunnels,
} from '../../support/pairs/two-tunnels.js';

const at = (host: string, port = 7): DatagramAddress => ({ address: parseIpAddress(host)!, port });
const bytes = (text: string) => new TextEncoder().encode(text);

let world: TwoTunnels;
/** The source and text of each datagram that the far side and the port received. */
let atFar: string[];
let atPort: string[];

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
  atFar = [];
  atPort = [];
  const echo = world.far.createUdpSocket((payload, { address, port }) => {
    atFar.push(`${port} ${payload.toString()}`);
    echo.send(payload, port, address);
  });
  echo.bind(7);
  await world.event(echo, 'listening');
});
afterEach(() => world.close());

function bind(): Promise<DatagramPort> {
  return world.near.datagramPorts.bind((payload, { address, port }) => {
    atPort.push(`${address.length} ${port} ${Buffer.from(payload).toString()}`);
  });
}

it('sends to all hosts from one port, and receives from them', async () => {
  const port = await bind();
  for (const host of [FAR, NAME_SERVER, FAR_IPV6]) {
    expect(port.send(bytes(host), at(host))).toBeUndefined();
  }
  await world.pass(100);
  const [source] = atFar[0]!.split(' ');
  expect(atFar).toEqual([FAR, NAME_SERVER, FAR_IPV6].map((host) => `${source} ${host}`));
  expect(atPort).toHaveLength(3);
  expect(atPort).toContain(`16 7 ${FAR_IPV6}`);
});

it('copies the payload', async () => {
  const port = await bind();
  const payload = bytes('before');
  port.send(payload, at(FAR));
  payload.fill(0x78);
  await world.pass(100);
  expect(atFar[0]).toMatch(/ before$/);
});

it.each([
  ['outside the allowed IPs', '192.0.2.1', 7, 'no-route'],
  ["the tunnel's own address", NEAR, 7, 'no-route'],
  ['a multicast address', '224.0.0.1', 7, 'no-route'],
  ['port 0', FAR, 0, 'no-route'],
])('does not send to %s', async (_name, host, to, reason) => {
  const port = await bind();
  expect(port.send(bytes('x'), at(host, to))).toBe(reason);
  await world.pass(100);
  expect(atFar).toEqual([]);
});

it("does not send to the tunnel's own address inside the allowed IPs", async () => {
  const own = '100.127.0.9';
  const port = await bind();
  const config = world.config('near', { addresses: [own, 'fd00:77::2'] });
  await world.run(world.near.reconfigure(config));
  expect(port.send(bytes('x'), at(own))).toBe('no-route');
  // The port has survived the change of the address.
  expect(port.send(bytes('x'), at(FAR))).toBeUndefined();
});

it.each([
  [FAR, 1392],
  [FAR_IPV6, 1372],
])('sends to %s as much as fits into a packet, %i bytes', async (host, most) => {
  const port = await bind();
  expect(port.send(new Uint8Array(most), at(host))).toBeUndefined();
  expect(port.send(new Uint8Array(most + 1), at(host))).toBe('too-long');
});

it('reports a full queue', async () => {
  const port = await bind();
  let taken = 0;
  while (taken < 5_000 && port.send(bytes('x'), at(FAR)) === undefined) taken++;
  expect(taken).toBe(1024);
  expect(port.send(bytes('x'), at(FAR))).toBe('queue-full');
});

it('receives and sends nothing after close()', async () => {
  const port = await bind();
  port.send(bytes('x'), at(FAR));
  port.close();
  port.close();
  await world.pass(100);
  expect(port.send(bytes('y'), at(FAR))).toBe('closed');
  expect([atFar.length, atPort]).toEqual([1, []]);
});

it('opens up to 1024 ports', async () => {
  const ports = await Promise.all(Array.from({ length: 1024 }, bind));
  await expect(bind()).rejects.toMatchObject({ reason: 'exhausted' });
  ports[0]!.close();
  await bind();
});

it('is closed with the tunnel', async () => {
  const port = await bind();
  const { datagramPorts } = world.near;
  await world.near.close({ gracePeriod: 0 });
  expect(port.send(bytes('x'), at(FAR))).toBe('closed');
  await expect(datagramPorts.bind(() => undefined)).rejects.toMatchObject({ reason: 'closed' });
});

it('resolves a name to its first address that is inside', async () => {
  serveNames(world.far, { 'mixed.test': ['192.0.2.1', FAR], 'outside.test': ['192.0.2.1'] });
  const { datagramPorts } = world.near;
  const resolve = (name: string) => world.run(datagramPorts.resolve(name));
  expect(await resolve('mixed.test')).toEqual(parseIpAddress(FAR));
  await expect(resolve('outside.test')).rejects.toMatchObject({ reason: 'no-route' });
  await expect(resolve('none.test')).rejects.toMatchObject({ reason: 'no-such-name' });
});
