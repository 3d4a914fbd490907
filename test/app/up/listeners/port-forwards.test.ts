/** The network inside a tunnel, as forwards see it, in virtual time. */
import type { Duplex } from 'node:stream';

import { innerNetwork } from '../../../../src/app/up/listeners/port-forwards.js';
import { createNodeCrypto } from '../../../../src/crypto/node.js';
import type { InnerNetwork, RemoteEnd } from '../../../../src/proxy/port-forward/inner-network.js';
import type { UserspaceTunnel } from '../../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../../src/wire/ip-address.js';
import { SERVICE, TunnelInMemory } from '../../../support/pairs/tunnel-in-memory.js';

let world: TunnelInMemory;
let tunnel: UserspaceTunnel;
let inner: InnerNetwork;

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  await world.openNetwork();
  tunnel = await world.open();
  await world.settle();
  inner = innerNetwork(tunnel);
});
afterEach(async () => {
  await tunnel.close({ gracePeriod: 0 });
  await world.network.close();
});

it('refuses a port that is in use, and frees it', async () => {
  const accept = (stream: Duplex) => void stream.destroy();
  const port = await inner.listenTcp(2222, accept);
  expect(port.port).toBe(2222);
  await expect(inner.listenTcp(2222, accept)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  port.close();
  (await inner.listenTcp(2222, accept)).close();
  const udp = await inner.bindUdp(53, () => undefined);
  await expect(inner.bindUdp(53, () => undefined)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  udp.close();
  udp.close();
  (await inner.bindUdp(53, () => undefined)).close();
  expect((await inner.listenTcp(0, accept)).port).toBeGreaterThanOrEqual(49_152);
});

it('receives datagrams and answers their senders, and reports what it drops', async () => {
  const received: [string, RemoteEnd][] = [];
  const answers: string[] = [];
  const port = await inner.bindUdp(7, (payload, from) => {
    received.push([Buffer.from(payload).toString(), from]);
  });
  world.network.bindUdp(
    { address: parseIpAddress(SERVICE)!, port: 23080 },
    (payload, from, reply) => {
      answers.push(new TextDecoder().decode(payload));
      answers.push(String(from.port));
      reply(new TextEncoder().encode('to you'));
    },
  );
  const to = { host: SERVICE, port: 23080 };
  expect(port.send(Buffer.from('first'), to)).toBe(true);
  await world.settle();
  await new Promise((resolve) => setImmediate(resolve));
  expect(answers).toEqual(['first', '7']);
  expect(received).toEqual([['to you', to]]);
  expect(port.send(new Uint8Array(1_393), to)).toBe(false);
  expect(port.send(new Uint8Array(1), { host: '192.0.2.1', port: 1 })).toBe(false);
  port.close();
  expect(port.send(new Uint8Array(1), to)).toBe(false);
});
