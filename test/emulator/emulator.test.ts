import { once } from 'node:events';
import { createServer } from 'node:net';

import dnsPacket from 'dns-packet';

import type { ApiRequest } from '../../src/emulator/api/request-log.js';
import { type EmulatorOptions, startEmulator } from '../../src/emulator/emulator.js';
import { SERVICE_ADDRESSES } from '../../src/emulator/services.js';
import { StateFile } from '../../src/emulator/state-file.js';
import { seededEntropy, fakeCrypto, fakeNetworks, FakeWallClock, readAll } from './fakes.js';

/** Two emulators never generate the same keys. */
const entropy = seededEntropy();

const FREE: EmulatorOptions = { apiPort: 0, arcPort: 0 };

async function start(options: EmulatorOptions = FREE, stateFile?: StateFile) {
  const networks = fakeNetworks();
  const emulator = await startEmulator(options, {
    crypto: fakeCrypto,
    entropy,
    wallClock: new FakeWallClock(),
    createNetwork: networks.create,
    ...(stateFile && { stateFile }),
  });
  return { emulator, ...networks.created[0]! };
}

async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const json = { 'Content-Type': 'application/json', ...headers };
  const response = await fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) });
  return (await response.json()) as Record<string, unknown>;
}

/** @returns the answer to createSim */
async function createSim(api: string): Promise<Record<string, unknown>> {
  const credentials = { authKeyId: 'keyId-emulator', authKey: 'secret-emulator' };
  const { apiKey, token } = await post(`${api}/v1/auth`, credentials);
  return post(
    `${api}/v1/sims`,
    { type: 'virtual', subscription: 'planArc01' },
    { 'X-Soracom-API-Key': String(apiKey), 'X-Soracom-Token': String(token) },
  );
}

async function sims(api: string): Promise<unknown> {
  return (await fetch(`${api}/emulator/sims`)).json();
}

it('prints its addresses and the test credentials', async () => {
  const { emulator } = await start();
  const { api, arc, authKeyId, authKey } = emulator;
  expect(api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(emulator.metadata).toBe(`${api}/metadata`);
  expect({ arc, authKeyId, authKey }).toEqual({
    arc: '127.0.0.1:40000',
    authKeyId: 'keyId-emulator',
    authKey: 'secret-emulator',
  });
  await emulator.close();
});

it('shows that the services’ real addresses need a separate network', async () => {
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

it('answers DNS inside the tunnel', async () => {
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

it('serves its configured users', async () => {
  const users = [{ authKeyId: 'keyId-x', authKey: 'secret-x', permissions: [] }] as const;
  const { emulator } = await start({ ...FREE, users });
  expect([emulator.authKeyId, emulator.authKey]).toEqual(['keyId-x', 'secret-x']);
  const other = { authKeyId: 'keyId-emulator', authKey: 'secret-emulator' };
  expect(await post(`${emulator.api}/v1/auth`, other)).toMatchObject({ code: 'AUM0002' });
  await emulator.close();
});

it('reports that the Arc side has no port', async () => {
  const started = startEmulator(FREE, {
    crypto: fakeCrypto,
    entropy: seededEntropy(),
    wallClock: new FakeWallClock(),
    createNetwork: () => Promise.reject(Object.assign(new Error('x'), { code: 'EACCES' })),
  });
  await expect(started).rejects.toMatchObject({ code: 'EACCES', side: 'arc' });
});

it('allows the minimal user to create a SIM and nothing else', async () => {
  const { emulator } = await start();
  const minimal = { authKeyId: 'keyId-minimal', authKey: 'secret-minimal' };
  const { apiKey, token } = await post(`${emulator.api}/v1/auth`, minimal);
  const headers = { 'X-Soracom-API-Key': String(apiKey), 'X-Soracom-Token': String(token) };
  const create = { type: 'virtual', subscription: 'planArc01' };
  const { simId } = await post(`${emulator.api}/v1/sims`, create, headers);
  expect(simId).toMatch(/^8942/);
  const shown = await fetch(`${emulator.api}/v1/sims/${String(simId)}`, { headers });
  expect(shown.status).toBe(403);
  await emulator.close();
});

it('answers UDP and TCP on port 23080, and metadata, inside the tunnel', async () => {
  const { emulator, network } = await start({ ...FREE, rawAnswer: 'empty' });
  const { simId } = await createSim(emulator.api);
  const from = '10.0.0.2';
  expect(network.exchange('100.127.69.42:23080', Buffer.from('u'))).toHaveLength(1);
  const tcp = network.connect('100.127.69.42:23080', from);
  tcp.end('t');
  expect(await readAll(tcp)).toBe('');
  const metadata = network.connect('100.127.100.127:80', from);
  metadata.write('GET /v1/subscriber.simId HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect((await readAll(metadata)).endsWith(`\r\n\r\n${String(simId)}`)).toBe(true);
  expect(emulator.messages.all()).toMatchObject([
    { protocol: 'udp', simId, body: 'u' },
    { protocol: 'tcp', simId, body: 't' },
  ]);
  await emulator.close();
});

it('continues after a restart with a state file', async () => {
  const files = new Map<string, string>();
  const stateFile = () =>
    new StateFile('state.json', {
      readText: (path) => {
        const text = files.get(path);
        const absent = Object.assign(new Error('absent'), { failure: 'absent' });
        return text === undefined ? Promise.reject(absent) : Promise.resolve(text);
      },
      replaceText: (path, text) => {
        files.set(path, text);
        return Promise.resolve();
      },
    });
  const first = await start(FREE, stateFile());
  expect(files.size).toBe(1);
  const { simId } = await createSim(first.emulator.api);
  await first.emulator.close();
  const second = await start(FREE, stateFile());
  expect(second.options.privateKey.expose()).toEqual(first.options.privateKey.expose());
  expect([...second.network.peers.keys()]).toEqual([...first.network.peers.keys()]);
  expect(await sims(second.emulator.api)).toMatchObject([{ simId, online: true }]);
  await second.emulator.close();
});

it('continues with the last key of the Arc server', async () => {
  let saved: string | undefined;
  const stateFile = () =>
    new StateFile('state.json', {
      readText: () => {
        const absent = Object.assign(new Error('absent'), { failure: 'absent' });
        return saved === undefined ? Promise.reject(absent) : Promise.resolve(saved);
      },
      replaceText: (_path, text) => {
        saved = text;
        return Promise.resolve();
      },
    });
  const first = await start(FREE, stateFile());
  const headers = { 'Content-Type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify({ serverKey: 'new' }) };
  expect((await fetch(`${first.emulator.api}/emulator/arc`, init)).status).toBe(204);
  await first.emulator.close();
  const second = await start(FREE, stateFile());
  const { privateKey } = second.options;
  expect(privateKey.expose()).not.toEqual(first.options.privateKey.expose());
  expect(fakeCrypto.publicKey(privateKey.expose())).toEqual(first.network.publicKey);
  await second.emulator.close();
});

it('does not open a port if the state file is unusable', async () => {
  const networks = fakeNetworks();
  const stateFile = new StateFile('state.json', {
    readText: () => Promise.resolve('{'),
    replaceText: () => Promise.reject(new Error('must not be written')),
  });
  const started = startEmulator(FREE, {
    crypto: fakeCrypto,
    entropy: seededEntropy(),
    wallClock: new FakeWallClock(),
    createNetwork: networks.create,
    stateFile,
  });
  await expect(started).rejects.toMatchObject({ kind: 'configuration' });
  expect(networks.created).toEqual([]);
});

it('closes everything', async () => {
  const { emulator, network } = await start();
  await createSim(emulator.api);
  const services = ['100.127.69.42:80', '100.127.69.42:23080', '100.127.100.127:80'];
  const connections = services.map((service) => network.connect(service, '10.0.0.2').resume());
  const closed = connections.map((stream) => once(stream, 'close'));
  await emulator.close();
  await Promise.all(closed);
  expect(network.events).toEqual(['add 10.0.0.2', 'close']);
  await expect(fetch(emulator.api)).rejects.toThrow();
});

it('leaves nothing open if the API has no port', async () => {
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
  await expect(started).rejects.toMatchObject({ code: 'EADDRINUSE', side: 'api' });
  expect(networks.created[0]!.network.events).toEqual(['close']);
  await new Promise((resolve) => taken.close(resolve));
});
