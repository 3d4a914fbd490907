import { createServer } from 'node:net';

import dnsPacket from 'dns-packet';

import type { ApiRequest } from '../../src/emulator/api/request-log.js';
import { type EmulatorOptions, startEmulator } from '../../src/emulator/emulator.js';
import { SERVICE_ADDRESSES } from '../../src/emulator/services.js';
import { seededEntropy, fakeCrypto, fakeNetworks, FakeWallClock, readAll } from './fakes.js';

const FREE: EmulatorOptions = { apiPort: 0, arcPort: 0 };

async function start(options: EmulatorOptions = FREE) {
  const networks = fakeNetworks();
  const emulator = await startEmulator(options, {
    crypto: fakeCrypto,
    entropy: seededEntropy(),
    wallClock: new FakeWallClock(),
    createNetwork: networks.create,
  });
  return { emulator, ...networks.created[0]! };
}

async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as Record<string, unknown>;
}

it('tells where it listens and the test credentials', async () => {
  const { emulator } = await start();
  const { api, arc, authKeyId, authKey } = emulator;
  expect(api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect({ arc, authKeyId, authKey }).toEqual({
    arc: '127.0.0.1:40000',
    authKeyId: 'keyId-emulator',
    authKey: 'secret-emulator',
  });
  await emulator.close();
});

it('asks for a network with a key of its own at the real addresses of the services', async () => {
  const { emulator, options } = await start({ apiPort: 0 });
  expect(options.listen).toEqual({ address: '127.0.0.1', port: 11010 });
  expect(options.addresses).toBe(SERVICE_ADDRESSES);
  expect(options.privateKey.expose()).toHaveLength(32);
  await emulator.close();
});

it('carries a message from the API to the list of messages', async () => {
  const calls: ApiRequest[] = [];
  const { emulator, network } = await start({ ...FREE, onApiRequest: (call) => calls.push(call) });
  const { api, authKeyId, authKey } = emulator;
  const { apiKey, token } = await post(`${api}/v1/auth`, { authKeyId, authKey });
  const sim = await post(
    `${api}/v1/sims`,
    { type: 'virtual', subscription: 'planArc01' },
    { 'X-Soracom-API-Key': String(apiKey), 'X-Soracom-Token': String(token) },
  );
  expect(sim).toMatchObject({ arcSessionStatus: { arcServerEndpoint: emulator.arc } });
  const client = network.connect('100.127.69.42:80', '10.0.0.2');
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi');
  expect(await readAll(client)).toMatch(/^HTTP\/1\.1 201 Created/);
  const listed: unknown = await (await fetch(`${api}/emulator/messages`)).json();
  expect(listed).toMatchObject([{ simId: sim.simId, body: 'hi' }]);
  expect(emulator.messages.of(String(sim.simId))).toHaveLength(1);
  expect(calls.map(({ path }) => path)).toEqual(['/v1/auth', '/v1/sims']);
  await emulator.close();
});

it('answers DNS behind the tunnel', async () => {
  const { emulator, network } = await start();
  const questions = [{ type: 'A' as const, name: 'uni.soracom.io' }];
  const query = dnsPacket.encode({ type: 'query', questions });
  const [reply] = network.exchange('100.127.0.53:53', query);
  expect(dnsPacket.decode(Buffer.from(reply!)).answers).toMatchObject([{ data: '100.127.69.42' }]);
  await emulator.close();
});

it('advertises another host for the Arc side', async () => {
  const named = await start({ ...FREE, arcAdvertisedHost: 'emulator' });
  expect(named.emulator.arc).toBe('emulator:40000');
  const v6 = await start({ ...FREE, arcHost: '::1' });
  expect(v6.emulator.arc).toBe('[::1]:40000');
  await Promise.all([named.emulator.close(), v6.emulator.close()]);
});

it('serves its own users where it is given any', async () => {
  const users = [{ authKeyId: 'keyId-x', authKey: 'secret-x', permissions: [] }] as const;
  const { emulator } = await start({ ...FREE, users });
  expect([emulator.authKeyId, emulator.authKey]).toEqual(['keyId-x', 'secret-x']);
  const other = { authKeyId: 'keyId-emulator', authKey: 'secret-emulator' };
  expect(await post(`${emulator.api}/v1/auth`, other)).toMatchObject({ code: 'AUM0002' });
  await emulator.close();
});

it('closes everything', async () => {
  const { emulator, network } = await start();
  await emulator.close();
  expect(network.events).toEqual(['close']);
  await expect(fetch(emulator.api)).rejects.toThrow();
});

it('leaves nothing open where the API has no port', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port: apiPort } = taken.address() as { port: number };
  const networks = fakeNetworks();
  const started = startEmulator(
    { apiPort, arcPort: 0 },
    {
      crypto: fakeCrypto,
      entropy: seededEntropy(),
      wallClock: new FakeWallClock(),
      createNetwork: networks.create,
    },
  );
  await expect(started).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(networks.created[0]!.network.events).toEqual(['close']);
  await new Promise((resolve) => taken.close(resolve));
});
