/** A tunnel with an IPv6 address to the emulator's network, in virtual time. */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import { parseTunnelConfig } from '../../src/tunnel/tunnel-config.js';
import type { UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import {
  CLIENT_IPV6,
  SERVICE,
  SERVICE_IPV6,
  TunnelInMemory,
} from '../support/pairs/tunnel-in-memory.js';

const ALLOWED_IPS = ['fd00:127::/32', '100.127.0.0/16'];
const ADDRESS = parseIpAddress(SERVICE_IPV6)!;
const bytes = (value: string) => new TextEncoder().encode(value);

let world: TunnelInMemory;
let tunnel: UserspaceTunnel;

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  const network = await world.openNetwork(CLIENT_IPV6);
  network.bindUdp({ address: ADDRESS, port: 7 }, (payload, from, reply) => {
    expect(from.address).toEqual(parseIpAddress(CLIENT_IPV6));
    reply(payload);
  });
  network.listenTcp({ address: ADDRESS, port: 80 }, (stream) => {
    stream.on('error', () => undefined).pipe(stream);
  });
  tunnel = await world.open({ address: CLIENT_IPV6, allowedIps: ALLOWED_IPS });
  await world.settle();
});
afterEach(async () => {
  await tunnel.close();
  await world.network.close();
});

it('carries datagrams of up to 1,372 bytes', async () => {
  const channel = await tunnel.datagramDialer.open({ host: SERVICE_IPV6, port: 7 });
  expect(channel.maxPayload).toBe(1372);
  channel.send(new Uint8Array(1372).fill(1));
  expect(() => channel.send(new Uint8Array(1373))).toThrow(RangeError);
  await world.settle();
  expect(await channel.receive(1_000)).toEqual(new Uint8Array(1372).fill(1));
});

it('reports a port that is not in use', async () => {
  const channel = await tunnel.datagramDialer.open({ host: SERVICE_IPV6, port: 8 });
  channel.send(bytes('x'));
  await world.settle();
  await expect(channel.receive(1_000)).rejects.toMatchObject({ reason: 'refused' });
});

it('carries streams', async () => {
  const dialling = tunnel.dialer.dial({ host: SERVICE_IPV6, port: 80 });
  await world.settle();
  const stream = await dialling;
  const got: string[] = [];
  stream.on('data', (chunk: Buffer) => got.push(chunk.toString()));
  stream.write('over IPv6');
  for (let turn = 0; turn < 5; turn++) {
    await world.settle();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(got.join('')).toBe('over IPv6');
  stream.on('error', () => undefined).destroy();
});

it('has no route to an address of the other family, which the error names', async () => {
  const error = {
    reason: 'no-route',
    message: `the tunnel does not have an IPv4 address, which is needed to reach ${SERVICE}`,
  };
  await expect(tunnel.dialer.dial({ host: SERVICE, port: 80 })).rejects.toMatchObject(error);
  await expect(tunnel.datagramDialer.open({ host: SERVICE, port: 7 })).rejects.toMatchObject(error);
});

it('can have addresses of both families', () => {
  const text = {
    privateKey: new Secret(new Uint8Array(32)),
    serverPublicKey: new Uint8Array(32),
    endpoint: { host: '192.0.2.1', port: 1 },
    address: '10.0.0.2',
    allowedIps: ALLOWED_IPS,
    mtu: 1420,
    persistentKeepaliveSeconds: 0,
  };
  const of = (...additionalAddresses: string[]) =>
    parseTunnelConfig({ ...text, additionalAddresses }).addresses;
  expect(of()).toEqual([parseIpAddress('10.0.0.2')]);
  expect(of(CLIENT_IPV6)).toEqual([parseIpAddress('10.0.0.2'), parseIpAddress(CLIENT_IPV6)]);
  expect(() => of('fd00:77::2/128')).toThrow('fd00:77::2/128 must be an IP address');
});
