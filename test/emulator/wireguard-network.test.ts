/**
 * What the API does to a SIM, as its tunnel sees it: our WireGuard on both ends, fake sockets and a
 * clock that a test moves. Silence is counted in datagrams.
 */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.js';
import { StateFile } from '../../src/emulator/state-file.js';
import { openWireGuardNetwork } from '../../src/emulator/wireguard-network.js';
import { NetstackEngine } from '../../src/engine/netstack-engine.js';
import { Driver } from '../../src/tunnel/driver.js';
import type { Datagram } from '../../src/ports/datagram.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeSocket } from '../support/fakes/fake-socket.js';
import { silentLog } from '../support/fakes/silent-log.js';
import { FakeWallClock, ip, seededEntropy } from './fakes.js';

const SERVER = { address: '127.0.0.1', port: 11010 };
const UNIFIED = { address: ip('100.127.69.42'), port: 23080 };
const CREATE = { type: 'virtual', subscription: 'planArc01' };

const crypto = createNodeCrypto();
const clock = new FakeClock();
const wallClock = new FakeWallClock();
const entropy = seededEntropy();
const clients: Client[] = [];
let server: FakeSocket;
let emulator: Emulator;
let headers: Record<string, string>;

/** A device with its own key and one UDP socket in its tunnel. */
class Client {
  readonly socket = new FakeSocket();
  readonly address: string;
  readonly privateKey: Uint8Array;
  readonly session: Session;
  readonly #driver: Driver;
  readonly #send: (text: string) => void;
  readonly answers: string[] = [];
  /** Datagrams that the Arc server sent to this device. */
  heard = 0;

  constructor(privateKey: Uint8Array, session: Session) {
    this.privateKey = privateKey;
    this.session = session;
    const { arcServerPeerPublicKey, arcClientPeerIpAddress } = session;
    this.address = `192.0.2.${clients.length + 1}`;
    const addresses = [ip(arcClientPeerIpAddress)];
    const engine = new NetstackEngine(
      { privateKey, addresses, mtu: 1420, crypto, entropy, wallClock },
      clock.now(),
    );
    engine.device.addPeer(
      {
        publicKey: Uint8Array.from(Buffer.from(arcServerPeerPublicKey, 'base64')),
        endpoint: SERVER,
        allowedIps: [{ address: ip('100.127.0.0'), prefixLength: 16 }],
      },
      clock.now(),
    );
    this.#driver = new Driver({ engine, socket: this.socket, clock, onEvent: () => undefined });
    const udp = engine.stack.bindUdp({ address: addresses[0]!, port: 5000 }, (payload) =>
      this.answers.push(String.fromCharCode(...payload)),
    );
    this.#send = (text) => udp.sendTo(Buffer.from(text), UNIFIED, addresses[0]);
    clients.push(this);
  }

  /** @returns the answer, and how many datagrams the Arc server sent for it */
  exchange(text: string): { answers: string[]; datagrams: number } {
    this.answers.length = 0;
    const before = this.heard;
    this.#send(text);
    this.#driver.schedule();
    deliver();
    return { datagrams: this.heard - before, answers: [...this.answers] };
  }
}

interface Session {
  readonly arcServerPeerPublicKey: string;
  readonly arcClientPeerIpAddress: string;
}

function pass(duration: number): void {
  clock.advance(duration);
  wallClock.now += duration;
}

/** Carries datagrams between the clients and the server until neither sends any more. */
function deliver(): void {
  for (let isQuiet = false; !isQuiet;) {
    // The responder accepts one initiation of a peer per 50 ms, and none with an old timestamp.
    pass(100);
    const answers = server.sent.splice(0);
    isQuiet = answers.length === 0;
    for (const client of clients) {
      const endpoint = { address: client.address, port: 1 };
      const own = answers.filter((datagram) => datagram.endpoint.address === client.address);
      client.heard += own.length;
      client.socket.receive(...own.map((datagram) => copy(datagram, SERVER)));
      const sent = client.socket.sent.splice(0);
      isQuiet &&= sent.length === 0;
      server.receive(...sent.map((datagram) => copy(datagram, endpoint)));
    }
  }
}

/** The time after which a client without answers starts a handshake (whitepaper 6.5: 15 s). */
function deliverFor20Seconds(): void {
  for (let second = 0; second < 20; second++) {
    pass(1000);
    deliver();
  }
}

/** The sent buffer is only valid until the next turn. */
function copy({ bytes }: Datagram, endpoint: Datagram['endpoint']): Datagram {
  return { bytes: bytes.slice(), endpoint };
}

async function start(stateFile?: StateFile): Promise<void> {
  server = new FakeSocket();
  const open = () => Promise.resolve(server);
  const resolve = () => Promise.reject(new Error('nothing is looked up'));
  const ports = { crypto, entropy, wallClock, clock, log: silentLog };
  const tunnelPorts = { ...ports, sockets: { open }, resolver: { resolve } };
  emulator = await startEmulator(
    { apiPort: 0 },
    {
      ...ports,
      createNetwork: (options) => openWireGuardNetwork(options, tunnelPorts),
      ...(stateFile && { stateFile }),
    },
  );
  headers = { 'Content-Type': 'application/json' };
  const { authKeyId, authKey } = emulator;
  const { apiKey, token } = await call('POST', '/auth', { authKeyId, authKey });
  headers['X-Soracom-API-Key'] = String(apiKey);
  headers['X-Soracom-Token'] = String(token);
}

async function change(body: object): Promise<void> {
  const json = { 'Content-Type': 'application/json' };
  const init = { method: 'POST', headers: json, body: JSON.stringify(body) };
  const response = await fetch(`${emulator.api}/emulator/arc`, init);
  expect(response.ok).toBe(true);
}

async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await fetch(`${emulator.api}/v1${path}`, init);
  expect(response.ok).toBe(true);
  return (await response.json()) as Record<string, unknown>;
}

/** A new SIM and its device. */
async function createSim(): Promise<{ path: string; client: Client; session: Session }> {
  const sim = await call('POST', '/sims', CREATE);
  const simId = String(sim.simId);
  const profiles = sim.profiles as Record<string, { arcClientPeerPrivateKey: string }>;
  const key = Buffer.from(profiles[simId]!.arcClientPeerPrivateKey, 'base64');
  const session = sim.arcSessionStatus as Session;
  const client = new Client(Uint8Array.from(key), session);
  return { path: `/sims/${simId}`, client, session };
}

const ANSWERED = { answers: ['201 '] };
const SILENCE = { answers: [], datagrams: 0 };

beforeEach(() => start());
afterEach(async () => {
  clients.length = 0;
  await emulator.close();
});

it('a new SIM has a tunnel to the Unified Endpoint', async () => {
  const { client } = await createSim();
  expect(client.exchange('one')).toMatchObject(ANSWERED);
  expect(client.exchange('two')).toMatchObject(ANSWERED);
  expect(emulator.messages.all()).toMatchObject([{ body: 'one' }, { body: 'two' }]);
});

it('a new session requires another handshake, with the same key', async () => {
  const { path, client } = await createSim();
  client.exchange('one');
  await call('POST', `${path}/sessions/arc`, {});
  expect(client.exchange('two')).toEqual(SILENCE);
  deliverFor20Seconds();
  expect(client.exchange('three')).toMatchObject(ANSWERED);
});

it('a renewed key ends the old tunnel at once, and the old key permanently', async () => {
  const { path, client, session } = await createSim();
  client.exchange('one');
  const own = new Uint8Array(32).fill(7);
  const arcClientPeerPublicKey = Buffer.from(crypto.publicKey(own)).toString('base64');
  await call('PUT', `${path}/credentials/arc`, { arcClientPeerPublicKey });
  expect(client.exchange('two')).toEqual(SILENCE);
  const { heard } = client;
  deliverFor20Seconds();
  expect(client.heard).toBe(heard);
  expect(new Client(own, session).exchange('three')).toMatchObject(ANSWERED);
  expect(emulator.messages.all()).toMatchObject([{ body: 'one' }, { body: 'three' }]);
});

it.each([
  ['delete_session', ['delete_session']],
  ['terminate', ['enable_termination', 'terminate']],
])('%s makes the Arc side silent only for this SIM', async (_, actions) => {
  const { path, client } = await createSim();
  const { client: other } = await createSim();
  client.exchange('one');
  other.exchange('one');
  for (const action of actions) await call('POST', `${path}/${action}`);
  expect(client.exchange('two')).toEqual(SILENCE);
  const { heard } = client;
  deliverFor20Seconds();
  expect(client.heard).toBe(heard);
  expect(other.exchange('two')).toMatchObject(ANSWERED);
});

it('createArcSession restores a deleted session', async () => {
  const { path, client } = await createSim();
  await call('POST', `${path}/delete_session`);
  expect(client.exchange('one')).toEqual(SILENCE);
  await call('POST', `${path}/sessions/arc`, {});
  deliverFor20Seconds();
  // The first message has waited for the handshake.
  expect(client.answers).toEqual(['201 ']);
  expect(client.exchange('two')).toMatchObject(ANSWERED);
});

it('a server with another key is silent for clients with the old one', async () => {
  const { path, client } = await createSim();
  client.exchange('one');
  await change({ serverKey: 'new' });
  expect(client.exchange('two')).toEqual(SILENCE);
  const { heard } = client;
  deliverFor20Seconds();
  expect(client.heard).toBe(heard);
  const { client: other } = await createSim();
  expect(other.exchange('three')).toMatchObject(ANSWERED);
  const sim = await call('GET', path);
  const { arcServerPeerPublicKey } = sim.arcSessionStatus as Session;
  expect(arcServerPeerPublicKey).not.toBe(client.session.arcServerPeerPublicKey);
});

it('a SIM with another address completes a handshake, and packets from the old address are dropped', async () => {
  const { path, client } = await createSim();
  client.exchange('one');
  await change({ simId: path.slice('/sims/'.length), address: '10.9.8.7' });
  expect(client.exchange('two')).toEqual(SILENCE);
  deliverFor20Seconds();
  expect(client.exchange('three').answers).toEqual([]);
  const session = { ...client.session, arcClientPeerIpAddress: '10.9.8.7' };
  clients.length = 0;
  expect(new Client(client.privateKey, session).exchange('four')).toMatchObject(ANSWERED);
});

it('Krypton provides a tunnel, and the previous key stops working', async () => {
  const bootstrap = async () => {
    const answer = await call('POST', '/provisioning/soracom/arc/bootstrap', {});
    const key = Buffer.from(String(answer.arcClientPeerPrivateKey), 'base64');
    return new Client(Uint8Array.from(key), answer as unknown as Session);
  };
  const first = await bootstrap();
  expect(first.exchange('one')).toMatchObject(ANSWERED);
  const second = await bootstrap();
  expect(first.exchange('two')).toEqual(SILENCE);
  expect(second.exchange('three')).toMatchObject(ANSWERED);
});

it('a tunnel from before a restart works after it', async () => {
  await emulator.close();
  let saved: string | undefined;
  const stateFile = () =>
    new StateFile('state.json', {
      readText: () =>
        saved === undefined
          ? Promise.reject(Object.assign(new Error('absent'), { failure: 'absent' }))
          : Promise.resolve(saved),
      replaceText: (_path, text) => {
        saved = text;
        return Promise.resolve();
      },
    });
  await start(stateFile());
  const { client } = await createSim();
  expect(client.exchange('one')).toMatchObject(ANSWERED);
  await emulator.close();
  await start(stateFile());
  client.exchange('two');
  deliverFor20Seconds();
  expect(client.exchange('three')).toMatchObject(ANSWERED);
});

/** Carries datagrams until the API has answered a downlink ping. */
async function pingFromSoracom(path: string): Promise<Record<string, unknown>> {
  const body = { numberOfPingRequests: 2, timeoutSeconds: 1 };
  let isOver = false as boolean;
  const answer = call('POST', `${path}/downlink/ping`, body).finally(() => (isOver = true));
  while (!isOver) {
    deliver();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return answer;
}

it('a downlink ping reaches the SIM at its latest address, and only with a tunnel', async () => {
  const { path, client } = await createSim();
  expect(await pingFromSoracom(path)).toMatchObject({ success: false });
  client.exchange('one');
  const { heard } = client;
  expect(await pingFromSoracom(path)).toEqual({
    success: true,
    rtt: expect.stringMatching(/^\d+\.\d ms$/) as string,
    stat: 'reply',
  });
  expect(client.heard).toBe(heard + 1);
  clients.length = 0;
  expect(await pingFromSoracom(path)).toMatchObject({ success: false });
});
