/** Why the server is silent: each message, and each cause in a tunnel, in virtual time. */
import type { Silence } from '../../../src/lib/silence.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { NetstackEngine } from '../../../src/engine/netstack-engine.js';
import { DialError } from '../../../src/proxy/dialer.js';
import { Driver } from '../../../src/tunnel/driver.js';
import { TunnelError } from '../../../src/tunnel/tunnel-error.js';
import type { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { silenceError, type SilenceFacts } from '../../../src/tunnel/server/silence-text.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { CookieChecker } from '../../../src/wireguard/handshake/cookie.js';
import { DATA, INITIATION } from '../../support/message-types.js';
import { systemError } from '../../support/fakes/memory-network.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import {
  CLIENT,
  CLIENT_KEY,
  SERVICE,
  TunnelInMemory,
} from '../../support/pairs/tunnel-in-memory.js';

const crypto = createNodeCrypto();
const SERVER_KEY = new Uint8Array(32).fill(5);
const TARGET = { host: SERVICE, port: 80 };

const FACTS: SilenceFacts = {
  configName: { source: 'arc.json', path: 'arc.json' },
  host: 'link.arc.example',
  port: 11010,
  triedEndpoints: ['192.0.2.1:11010'],
  initiations: 3,
  error: undefined,
  unixMilliseconds: 1_767_225_600_000,
};

it.each<[Silence, Partial<SilenceFacts>, string, RegExp]>([
  [
    'no-answer',
    {},
    'no handshake with the Arc server: 192.0.2.1:11010 has not answered 3 handshake initiations',
    /^Run "arctun doctor" to find the reason\.\n?.*sim show.*does not answer keys that it does not know.*outgoing UDP packets to port 11010/s,
  ],
  [
    'no-answer',
    { triedEndpoints: ['[2001:db8::1]:11010', '192.0.2.1:11010'], initiations: 2 },
    'no handshake with the Arc server: [2001:db8::1]:11010, 192.0.2.1:11010 have not answered 2 handshake initiations',
    /does not answer keys that it does not know/,
  ],
  [
    'no-answer',
    { triedEndpoints: [], initiations: 1 },
    'no handshake with the Arc server: link.arc.example:11010 has not answered 1 handshake initiation',
    /does not answer keys that it does not know/,
  ],
  [
    'no-answer',
    { host: '127.0.0.1', triedEndpoints: ['127.0.0.1:11010'] },
    'no handshake with the Arc server: 127.0.0.1:11010 has not answered 3 handshake initiations',
    /sim show.*`arctun emulator` is running.*--state/s,
  ],
  [
    'wrong-key',
    {},
    'no handshake with the Arc server: 192.0.2.1:11010 responds, but its responses cannot be decrypted: it is using a different key or a pre-shared key',
    /keys, which do not match: .*sim show/,
  ],
  [
    'under-load',
    {},
    'no handshake with the Arc server: 192.0.2.1:11010 is under load: it sent a cookie instead of a response, and has sent nothing since',
    /Try again later/,
  ],
  [
    'clock-behind',
    { unixMilliseconds: 86_400_000 },
    "no handshake with the Arc server: 192.0.2.1:11010 has not answered 3 handshake initiations. This machine's clock says 1970-01-02; if the server has already seen a later timestamp for this key, it will not answer",
    /Set this machine's clock/,
  ],
  [
    'no-data-back',
    {},
    'no data from the Arc server: 192.0.2.1:11010 completes the handshake, but does not answer data packets',
    /sim show.*arcAllowedIPs.*mtu/s,
  ],
  [
    'name-not-found',
    { error: systemError('getaddrinfo', 'ENOTFOUND') },
    'cannot find the Arc server link.arc.example: getaddrinfo ENOTFOUND',
    /arcServerEndpoint.*DNS/,
  ],
  [
    'name-not-found',
    {},
    'cannot find the Arc server link.arc.example: the resolver has not answered yet',
    /arcServerEndpoint.*DNS/,
  ],
  [
    'cannot-send',
    { error: systemError('send', 'ENETUNREACH') },
    'no handshake with the Arc server: cannot send packets to 192.0.2.1:11010: send ENETUNREACH',
    /Check this machine's network/,
  ],
  [
    'cannot-send',
    { error: systemError('send', 'EPERM') },
    'no handshake with the Arc server: cannot send packets to 192.0.2.1:11010: send EPERM',
    /Allow UDP to port 11010 in this machine's firewall/,
  ],
  [
    'cannot-send',
    { error: systemError('bind', 'EACCES') },
    'no handshake with the Arc server: cannot send packets to 192.0.2.1:11010: bind EACCES',
    /in this machine's firewall/,
  ],
])('describes %s with %j: %s', (reason, facts, message, next) => {
  const error = silenceError(reason, { ...FACTS, ...facts });
  expect(error).toBeInstanceOf(TunnelError);
  expect(error.kind).toBe('tunnel');
  expect(error.reason).toBe(reason);
  expect(error.message).toBe(message);
  expect(error.next.join('\n')).toMatch(next);
  expect(error.cause).toBe(facts.error);
});

it.each<[Silence, Partial<SilenceFacts>, string]>([
  ['no-answer', {}, 'run "arctun sim show --config site.json" to compare'],
  ['no-answer', {}, 'or "arctun bootstrap authkey --config site.json" to create'],
  ['no-answer', { host: '127.0.0.1' }, 'move site.json elsewhere'],
  ['no-data-back', {}, 'Run "arctun sim show --config site.json" to check'],
  ['no-data-back', {}, 'try a smaller mtu in site.json'],
  ['name-not-found', {}, 'arcServerEndpoint in site.json'],
])('names the configuration file in the advice for %s with %j', (reason, facts, advice) => {
  const configName = { source: 'site.json', path: 'site.json' };
  const { next } = silenceError(reason, { ...FACTS, configName, ...facts });
  expect(next.join('\n')).toContain(advice);
});

it('blames the clock only if the timestamps prove that it is slow', () => {
  const { next } = silenceError('no-answer', FACTS);
  expect(next.join('\n')).not.toContain('clock');
});

describe('a tunnel reports', () => {
  let world: TunnelInMemory;
  let tunnel: UserspaceTunnel;
  beforeEach(() => {
    world = new TunnelInMemory(crypto);
  });
  afterEach(() => tunnel.close());

  /** The reason that a wait for the handshake reports after 20 s. */
  async function handshakeFailure(): Promise<TunnelError> {
    const failure = tunnel.waitForHandshake(world.clock.now() + 20_000).then(
      () => undefined,
      (error: unknown) => error,
    );
    await world.advance(20_100);
    const error = await failure;
    expect(error).toBeInstanceOf(TunnelError);
    return error as TunnelError;
  }

  async function dialFailure(): Promise<DialError> {
    const failure = tunnel.dialer.dial(TARGET).catch((error: unknown) => error);
    await world.advance(21_000);
    const error = await failure;
    expect(error).toBeInstanceOf(DialError);
    return error as DialError;
  }

  /** A custom server on the port. */
  async function openPort(
    onDatagram: (bytes: Uint8Array) => Uint8Array | undefined,
  ): Promise<void> {
    const socket = await world.link.open({ address: '127.0.0.1', port: 0 });
    socket.onReceive = (datagrams) => {
      for (const { bytes, endpoint } of datagrams) {
        const answer = onDatagram(bytes);
        if (answer !== undefined) socket.send([{ bytes: answer, endpoint }]);
      }
    };
    world.server = { port: socket.localPort, publicKey: crypto.publicKey(SERVER_KEY) };
  }

  /** A server whose peer has a pre-shared key. */
  async function openWithPresharedKey(): Promise<void> {
    const socket = await world.link.open({ address: '127.0.0.1', port: 0 });
    const now = world.clock.now();
    const engine = new NetstackEngine(
      {
        privateKey: SERVER_KEY,
        addresses: [parseIpAddress(SERVICE)!],
        mtu: 1420,
        crypto,
        entropy: seededEntropy(2),
        wallClock: world.ports.wallClock,
      },
      now,
    );
    engine.device.addPeer(
      {
        publicKey: crypto.publicKey(CLIENT_KEY),
        presharedKey: new Uint8Array(32).fill(9),
        allowedIps: [{ address: parseIpAddress(CLIENT)!, prefixLength: 32 }],
      },
      now,
    );
    new Driver({ engine, socket, clock: world.clock, onEvent: () => undefined });
    world.server = { port: socket.localPort, publicKey: engine.device.publicKey };
  }

  it('no-answer if nothing is received', async () => {
    await openPort(() => undefined);
    tunnel = await world.open();
    const error = await handshakeFailure();
    expect(error.reason).toBe('no-answer');
    expect(error.why).toMatch(/^127\.0\.0\.1:\d+ has not answered 4 handshake initiations$/);
    expect(await dialFailure()).toMatchObject({ reason: 'no-handshake', silence: 'no-answer' });
  });

  it('wrong-key if responses arrive that cannot be decrypted', async () => {
    await openWithPresharedKey();
    tunnel = await world.open();
    const error = await handshakeFailure();
    expect(error.reason).toBe('wrong-key');
    const failure = await dialFailure();
    expect(failure).toMatchObject({ reason: 'no-handshake', silence: 'wrong-key' });
    expect(failure.message).toMatch(/^the Arc server is not answering: .* cannot be decrypted/);
    expect(failure.cause).toBeInstanceOf(TunnelError);
  });

  it('under-load if a cookie arrives instead of a response', async () => {
    const entropy = seededEntropy(2);
    const checker = new CookieChecker(crypto, entropy, crypto.publicKey(SERVER_KEY));
    const source = { address: '127.0.0.1', port: 40_001 };
    await openPort((bytes) => {
      if (bytes[0] !== INITIATION) return undefined;
      const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
      return checker.createReply(bytes, index, source, world.clock.now());
    });
    tunnel = await world.open();
    expect((await handshakeFailure()).reason).toBe('under-load');
    expect(await dialFailure()).toMatchObject({ reason: 'no-handshake', silence: 'under-load' });
  });

  it('clock-behind if nothing answers and the local date is in 1970', async () => {
    world.wallOffset = 0;
    await openPort(() => undefined);
    tunnel = await world.open();
    const error = await handshakeFailure();
    expect(error.reason).toBe('clock-behind');
    expect(error.why).toContain('1970-01-01');
  });

  it('name-not-found if the name does not exist', async () => {
    await openPort(() => undefined);
    tunnel = await world.open({ host: 'nowhere.example' });
    const error = await handshakeFailure();
    expect(error).toMatchObject({
      reason: 'name-not-found',
      message: 'cannot find the Arc server nowhere.example: getaddrinfo ENOTFOUND',
    });
  });

  it('cannot-send if the system refuses each datagram', async () => {
    await openPort(() => undefined);
    world.link.refused.set('127.0.0.1', 'EPERM');
    tunnel = await world.open();
    const error = await handshakeFailure();
    expect(error.reason).toBe('cannot-send');
    expect(error.why).toMatch(/^cannot send packets to 127\.0\.0\.1:\d+: send EPERM$/);
    expect(await dialFailure()).toMatchObject({ reason: 'no-handshake', silence: 'cannot-send' });
  });

  it('cannot-send no longer after datagrams leave', async () => {
    await openPort(() => undefined);
    world.link.refused.set('127.0.0.1', 'ENETUNREACH');
    tunnel = await world.open();
    await world.advance(4_000);
    world.link.refused.clear();
    expect((await handshakeFailure()).reason).toBe('no-answer');
  });

  it('cannot-send if no socket can be opened', async () => {
    await openPort(() => undefined);
    world.link.unbindable.set('0.0.0.0', 'EMFILE');
    tunnel = await world.open();
    const error = await handshakeFailure();
    expect(error).toMatchObject({ reason: 'cannot-send', cause: systemError('bind', 'EMFILE') });
  });

  describe('after a handshake', () => {
    beforeEach(async () => {
      await world.openNetwork();
      world.names.set('arc.example', { addresses: ['192.0.2.1'], ttl: 3_600_000 });
      tunnel = await world.open({ host: 'arc.example' });
      await world.advance(1_000);
    });
    afterEach(() => world.network.close());

    // The older session is renewed while the dial waits, because of suspicion and of the 15 s of
    // 6.5.
    it.each([0, 2_000, 10_000, 100_000])(
      'no-data-back, after %d ms more, if no data arrives',
      async (age) => {
        await world.advance(age);
        world.link.passes = ({ bytes }) => bytes[0] !== DATA;
        const failure = await dialFailure();
        expect(failure).toMatchObject({ reason: 'timeout', silence: 'no-data-back' });
        expect(failure.message).toMatch(
          /^the target is not answering: 192\.0\.2\.1:\d+ completes .* but does not answer data packets$/,
        );
      },
    );

    it('no reason if the target does not answer', async () => {
      world.network.bindUdp(
        { address: parseIpAddress(SERVICE)!, port: 9 },
        (payload, _from, reply) => reply(payload),
      );
      const dialled = tunnel.dialer
        .dial({ host: '100.127.1.1', port: 80 })
        .catch((error: unknown) => error);
      const opening = tunnel.datagramDialer.open({ host: SERVICE, port: 9 });
      await world.settle();
      const channel = await opening;
      for (let second = 0; second < 21; second++) {
        channel.send(new Uint8Array(1));
        await world.advance(1_000);
      }
      expect(await dialled).toMatchObject({
        reason: 'timeout',
        silence: undefined,
        message: 'the tunnel is up, but the target is not answering',
      });
    });

    it('cannot-send at once, and no reason when the network is back, even if its name is not found', async () => {
      world.names.clear();
      const health = async () => {
        const { health: value, silence } = await tunnel.status();
        return [value, silence?.reason];
      };
      const send = async () => {
        const channel = await tunnel.datagramDialer.open({ host: SERVICE, port: 9 });
        channel.send(new Uint8Array(1));
        channel.close();
        await world.settle();
      };
      world.network.bindUdp(
        { address: parseIpAddress(SERVICE)!, port: 9 },
        (payload, _from, reply) => reply(payload),
      );
      world.link.refused.set('192.0.2.1', 'ENETUNREACH');
      await send();
      expect(await health()).toEqual(['stale', 'cannot-send']);
      // Through new handshakes and lookups, each of which fails in its own way.
      for (let second = 0; second < 80; second++) {
        await world.advance(1_000);
        expect(await health()).toEqual(['stale', 'cannot-send']);
      }
      world.link.refused.clear();
      await world.advance(6_000);
      await send();
      expect(await health()).toEqual(['up', undefined]);
    });

    it('cannot-send until a handshake was sent and not refused for a second', async () => {
      world.link.refused.set('192.0.2.1', 'ENETUNREACH');
      const channel = await tunnel.datagramDialer.open({ host: SERVICE, port: 9 });
      channel.send(new Uint8Array(1));
      channel.close();
      await world.settle();
      world.link.refused.clear();
      world.link.connected = false;
      const sent = world.link.sent.length;
      while (world.link.sent.length === sent) await world.advance(100);
      const reason = async () => (await tunnel.status()).silence?.reason;
      expect(await reason()).toBe('cannot-send');
      await world.advance(1_100);
      expect(await reason()).toBe('no-answer');
    });

    it('no-answer if the server is gone', async () => {
      world.link.connected = false;
      expect(await dialFailure()).toMatchObject({ reason: 'no-handshake', silence: 'no-answer' });
    });

    it('in the log why the handshake was given up, and recovers with the next packet', async () => {
      world.link.connected = false;
      await dialFailure();
      await world.advance(120_000);
      const warning = world.log.lines.find(({ message }) => message.startsWith('no response to'));
      expect(warning).toMatchObject({ level: 'warn', fields: { reason: 'no-answer' } });
      expect(warning?.message).toMatch(
        /in 90 s: 192\.0\.2\.1:\d+ has not answered \d+ handshake initiations; the next packet/,
      );
      world.link.connected = true;
      world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) =>
        stream.on('error', () => undefined),
      );
      const dialled = tunnel.dialer.dial(TARGET);
      await world.advance(100);
      (await dialled).on('error', () => undefined).destroy();
    });

    it('in the log that the clock has jumped, and continues in a new session', async () => {
      world.wallOffset += 600_000;
      world.network.bindUdp(
        { address: parseIpAddress(SERVICE)!, port: 9 },
        (payload, _from, reply) => reply(payload),
      );
      const before = world.link.sent.length;
      const opening = tunnel.datagramDialer.open({ host: SERVICE, port: 9 });
      await world.settle();
      const channel = await opening;
      channel.send(new Uint8Array([7]));
      await world.settle();
      expect(await channel.receive(1)).toEqual(new Uint8Array([7]));
      expect(world.link.sent[before]!.bytes[0]).toBe(INITIATION);
      const line = world.log.lines.find(({ message }) =>
        message.startsWith('the clock was changed'),
      );
      expect(line).toMatchObject({ level: 'info', fields: { byMs: 600_000 } });
    });
  });
});
