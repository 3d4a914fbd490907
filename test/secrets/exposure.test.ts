/** Checks that no public object, error or log line exposes a key. */
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { createPrivateKey } from '../../src/lib/secrets/key-pair.js';
import { NetstackEngine } from '../../src/engine/netstack-engine.js';
import { parseTunnelConfig } from '../../src/tunnel/tunnel-config.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { Device } from '../../src/wireguard/device.js';
import { PRIVATE_KEY, SAMPLE, sampleWith } from '../arc-config/sample.js';
import { CRYPTO_BACKENDS } from '../support/crypto-backends.js';
import { EnginePair } from '../support/pairs/engine-pair.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { SERVICE, TunnelInMemory } from '../support/pairs/tunnel-in-memory.js';
import { WireguardPair } from '../support/pairs/wireguard-pair.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import { KnownSecrets } from './exposure.js';
import { watchedCrypto } from './watched-crypto.js';

const crypto = createNodeCrypto();

describe('the search', () => {
  const key = seededBytes(1, 32);
  const secrets = new KnownSecrets();
  secrets.add('key', key);
  const text = Buffer.from(key).toString('base64');

  class Hidden {
    readonly #key = key;
    get told(): Uint8Array {
      return this.#key;
    }
  }
  class Kept {
    readonly #key = key;
    length(): number {
      return this.#key.length;
    }
  }
  const slab = new Uint8Array(256);
  slab.set(key, 100);

  it.each([
    ['a property', { a: { b: key } }],
    ['a non-enumerable property', Object.defineProperty({}, 'a', { value: key })],
    ['a symbol', { [Symbol('a')]: key }],
    ['a getter of a class', { a: new Hidden() }],
    ['a map', { a: new Map([['b', new Set([key])]]) }],
    ['a key of a map', new Map([[text, 1]])],
    ['a text with one character per byte', new Map([[String.fromCharCode(...key), 1]])],
    ['half a list in a text', `not a key: ${key.subarray(0, 31).join()}`],
    ['half a base64 text', Buffer.from(key.subarray(0, 28)).toString('base64')],
    ['half a hex text', Buffer.from(key.subarray(3)).toString('hex').toUpperCase()],
    ['a list of numbers', { a: [...key] }],
    ['part of the bytes', { a: key.slice(10) }],
    ['a view of its buffer', { a: slab.subarray(0, 4) }],
    ['a base64 text', { a: [`key ${text}`] }],
    ['a hex text', { a: Buffer.from(key).toString('hex') }],
    ['an error’s cause', new Error('a', { cause: { key } })],
    ['an error’s message', new RangeError(`not ${text}`)],
    [
      'a value thrown by a getter',
      {
        get a() {
          throw new Error(text);
        },
      },
    ],
    ['a property of a function', Object.assign(() => 1, { key })],
  ])('finds a key in %s', (_name, root) => {
    expect(secrets.exposedBy(root, 'root')).not.toEqual([]);
  });

  it('does not find a key in a private field or in a Secret', () => {
    expect(secrets.exposedBy({ a: new Kept(), b: new Secret(key) }, 'root')).toEqual([]);
  });
});

describe.each(CRYPTO_BACKENDS)('on $backend', (backend) => {
  it('no device exposes a key at any time', () => {
    const secrets = new KnownSecrets();
    const [alicePsk, bobPsk] = [seededBytes(77, 32), seededBytes(77, 32)];
    secrets.add('pre-shared key', alicePsk);
    const pair = new WireguardPair({ crypto: watchedCrypto(backend, secrets), alicePsk, bobPsk });
    const look = (when: string) => {
      for (const [name, end] of [
        ['alice', pair.alice],
        ['bob', pair.bob],
      ] as const) {
        const exposed = secrets.exposedBy([end.device, end.peer, end.events()], `${name}, ${when}`);
        expect(exposed).toEqual([]);
      }
    };
    look('idle');
    pair.link = () => false;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    look('waiting for a response');
    pair.link = () => true;
    pair.advance(5_400);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
    look('in a session');
    pair.send('alice');
    pair.send('bob');
    pair.settle();
    expect(pair.bob.received).toHaveLength(1);
    look('after data');
    pair.inject('bob', pair.captured.at(-1)!.bytes);
    pair.alice.peer.setPresharedKey(seededBytes(78, 32));
    pair.advance(125_000);
    pair.send('alice');
    pair.advance(10_000);
    expect(pair.alice.peer.responsesRejected).toBeGreaterThan(0);
    look('with the wrong pre-shared key');
    pair.alice.device.setPrivateKey(seededBytes(79, 32));
    look('with another private key');
    expect(secrets.size).toBeGreaterThan(50);
    pair.alice.device.close();
    pair.bob.device.close();
    look('closed');
  });

  it('no engine exposes a key', () => {
    const secrets = new KnownSecrets();
    const pair = new EnginePair(watchedCrypto(backend, secrets));
    pair.alice.engine.device.initiateHandshake(pair.alice.peer, 0);
    pair.drive(() => pair.bob.peer.hasSession(pair.now));
    const { engine, peer, events } = pair.alice;
    expect(events).not.toEqual([]);
    expect(secrets.exposedBy([engine, peer, events], 'engine')).toEqual([]);
    engine.close();
    expect(secrets.exposedBy([engine, peer, engine.pollEvent()], 'closed engine')).toEqual([]);
  });

  it('no tunnel exposes a key, in its log or elsewhere', async () => {
    const secrets = new KnownSecrets();
    const memory = new TunnelInMemory(watchedCrypto(backend, secrets));
    await memory.openNetwork();
    memory.link.connected = false;
    const tunnel = await memory.open();
    const failure = tunnel
      .waitForHandshake(memory.clock.now() + 1_000)
      .catch((error: unknown) => error);
    await memory.advance(1_500);
    memory.link.connected = true;
    const handshake = tunnel.waitForHandshake(Infinity);
    await memory.advance(10_000);
    await handshake;
    const refused = tunnel.dialer.dial({ host: SERVICE, port: 1 }).catch((error: unknown) => error);
    await memory.advance(6_000);
    memory.wallOffset += 3_600_000;
    await memory.advance(1_000);

    const failures = [await failure, await refused];
    for (const each of failures) expect(each).toBeInstanceOf(Error);
    expect(secrets.exposedBy([tunnel, tunnel.totals()], 'tunnel')).toEqual([]);
    expect(secrets.exposedBy(failures, 'failures')).toEqual([]);
    await tunnel.close();
    await memory.network.close();
    expect(secrets.exposedBy(tunnel, 'closed tunnel')).toEqual([]);
    expect(memory.log.lines.length).toBeGreaterThan(3);
    expect(secrets.exposedBy(memory.log.lines, 'log')).toEqual([]);
    expect(secrets.size).toBeGreaterThan(20);
  });
});

describe('errors', () => {
  const key = createPrivateKey(seededEntropy(5));
  const secrets = new KnownSecrets();
  secrets.add('private key', key);
  const options = {
    crypto,
    entropy: seededEntropy(1),
    wallClock: { unixMilliseconds: () => 0 },
    sink: { transmit: () => undefined, deliver: () => undefined },
    mtu: 1420,
  };
  const device = () => new Device({ ...options, privateKey: key });

  it.each([
    ['a device', () => new Device({ ...options, privateKey: key.subarray(0, 31) })],
    ['a device without an MTU', () => new Device({ ...options, privateKey: key, mtu: 0 })],
    [
      'an engine',
      () =>
        new NetstackEngine(
          { ...options, privateKey: key.subarray(1), addresses: [parseIpAddress('10.0.0.1')!] },
          0,
        ),
    ],
    ['a new private key', () => device().setPrivateKey(key.subarray(0, 31))],
    [
      'a pre-shared key',
      () =>
        device().addPeer(
          {
            publicKey: crypto.publicKey(seededBytes(6, 32)),
            presharedKey: key.subarray(0, 31),
            allowedIps: [],
          },
          0,
        ),
    ],
    ['a shared secret', () => crypto.dh(key.subarray(0, 31), seededBytes(6, 32))],
    ['a public key', () => crypto.publicKey(key.subarray(0, 31))],
    [
      'a configuration',
      () =>
        parseTunnelConfig({
          privateKey: new Secret(key),
          serverPublicKey: key,
          endpoint: { host: 'a', port: 1 },
          address: 'no address',
          allowedIps: [],
          mtu: 1420,
          persistentKeepaliveSeconds: 0,
        }),
    ],
  ])('of %s do not expose keys', (_name, body) => {
    const thrown = errorOf(body);
    expect(thrown).toBeInstanceOf(Error);
    expect(secrets.exposedBy(thrown, 'error')).toEqual([]);
  });
});

describe('arc.json', () => {
  const secrets = new KnownSecrets();
  secrets.add('private key', Buffer.from(PRIVATE_KEY, 'base64'));
  secrets.add('auth key', 'secret-abcdefgh');

  it('exposes no secret when it is loaded', () => {
    const config = parseArcConfig(SAMPLE, { path: 'arc.json' });
    expect(secrets.exposedBy(config, 'arc.json')).toEqual([]);
  });

  it.each([
    ['truncated', SAMPLE.slice(0, 60)],
    ['with a key that is too short', sampleWith({ privateKey: PRIVATE_KEY.slice(0, 40) })],
    ['with a key that is too long', sampleWith({ privateKey: `${PRIVATE_KEY}AAAA` })],
    ['with a key inside a list', sampleWith({ privateKey: [PRIVATE_KEY] })],
    ['with a key instead of a number', sampleWith({ mtu: PRIVATE_KEY })],
  ])('%s is refused without exposing it', (_name, text) => {
    const thrown = errorOf(() => parseArcConfig(text, { path: 'arc.json' }));
    expect(thrown).toBeInstanceOf(Error);
    // A truncated key is searched for by its first 24 bytes.
    const cut = new KnownSecrets();
    cut.add('private key', PRIVATE_KEY.slice(0, 32));
    cut.add('auth key', 'secret-abcdefgh');
    expect(cut.exposedBy(thrown, 'error')).toEqual([]);
  });
});

function errorOf(body: () => unknown): unknown {
  try {
    body();
    return undefined;
  } catch (error) {
    return error;
  }
}
