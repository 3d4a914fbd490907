/** How long a dial takes and why it fails, in virtual time. */
import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';

import { createNodeCrypto } from '../../src/crypto/node.js';
import { resetStream } from '../../src/proxy/reset.js';
import { TcpSocket } from '../../src/tunnel/node/tcp-socket.js';
import type { UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { abortListeners } from '../support/abort-listeners.js';
import { DATA, INITIATION } from '../support/message-types.js';
import { serverOf, SERVICE, TunnelInMemory } from '../support/pairs/tunnel-in-memory.js';

const TARGET = { host: SERVICE, port: 80 };

let world: TunnelInMemory;
let tunnel: UserspaceTunnel;
let accepted: Duplex[];

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  await world.openNetwork();
  accepted = [];
  world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
    accepted.push(stream);
    stream.on('error', () => undefined).resume();
  });
  tunnel = await world.open();
  await world.settle();
});
afterEach(async () => {
  await tunnel.close();
  await world.network.close();
});

/** The server forgets its session, as after a restart: data is lost until the next session. */
function restart(): void {
  const initiations = () => world.link.sent.filter(({ bytes }) => bytes[0] === INITIATION).length;
  const before = initiations();
  world.link.passes = ({ bytes }) => bytes[0] !== DATA || initiations() > before;
}

function reset(this: Duplex): void {
  resetStream(this, 'the program aborts');
}

/** The milliseconds that a dial takes. */
async function timeOfDial(): Promise<number> {
  const began = world.clock.now();
  let took = NaN;
  const dialled = tunnel.dialer.dial(TARGET).then((stream) => {
    took = world.clock.now() - began;
    stream.on('error', () => undefined).destroy();
  });
  while (Number.isNaN(took) && world.clock.now() - began < 30_000) await world.advance(100);
  await dialled;
  return took;
}

describe('a server that was restarted', () => {
  it.each([
    // Section 6.1 forbids an initiation before the session is 5 s old.
    [0, 7_000],
    [2_900, 7_000],
    [3_100, 2_000],
    [100_000, 2_000],
  ])('with a session %d ms old delays a dial by %d ms', async (age, cost) => {
    await world.advance(age);
    restart();
    const took = await timeOfDial();
    expect(took).toBeGreaterThanOrEqual(cost);
    expect(took).toBeLessThanOrEqual(cost + 100);
  });
});

describe('an open connection', () => {
  async function open(): Promise<TcpSocket> {
    const dialled = tunnel.dialer.dial(TARGET);
    await world.settle();
    const stream = await dialled;
    if (!(stream instanceof TcpSocket)) throw new TypeError('not a TcpSocket');
    return stream;
  }

  it.each([
    [0, 7_000],
    [3_100, 2_000],
  ])(
    'delivers a request to a restarted server: session %d ms old, %d ms later',
    async (age, cost) => {
      const stream = await open();
      await world.advance(age);
      restart();
      const began = world.clock.now();
      stream.write('x');
      stream.expectAnswer();
      while (stream.isUnacknowledged && world.clock.now() - began < 30_000)
        await world.advance(100);
      expect(world.clock.now() - began).toBeGreaterThanOrEqual(cost);
      // The retransmission timer has backed off in the meantime.
      expect(world.clock.now() - began).toBeLessThanOrEqual(2 * cost);
      stream.destroy();
    },
  );

  it('fails 10 s after a request without a sign of life, and is not quiet', async () => {
    const stream = await open();
    expect(stream.isQuiet).toBe(true);
    world.link.connected = false;
    stream.write('x');
    stream.expectAnswer();
    expect(stream.isQuiet).toBe(false);
    await world.advance(9_900);
    expect(stream.errored).toBeNull();
    await world.advance(200);
    expect(stream.errored).toMatchObject({ reason: 'timeout', silence: 'no-answer' });
  });

  /** Lets time pass, and the streams of Node do their work. */
  async function flow(): Promise<void> {
    for (let count = 0; count < 5; count++) {
      await world.advance(200);
      await new Promise(setImmediate);
    }
  }

  it('has the acknowledgment of a request before the first byte of the response', async () => {
    const stream = await open();
    const seen: boolean[] = [];
    stream.on('data', () => seen.push(stream.isUnacknowledged));
    accepted[0]!.on('data', (bytes: Buffer) => accepted[0]!.write(bytes));
    for (let count = 1; count <= 3; count++) {
      stream.write('x'.repeat(stream.segmentSize));
      expect(stream.isUnacknowledged).toBe(true);
      await flow();
      expect(seen).toHaveLength(count);
      expect(stream.isQuiet).toBe(true);
    }
    // Bytes that cross a request.
    accepted[0]!.write('stray');
    stream.write('x');
    await flow();
    expect(seen.slice(0, 3)).toEqual([false, false, false]);
    expect(seen[3]).toBe(true);
    stream.destroy();
  });

  it.each([
    ['was lost, so that a request is unread', (stream: Duplex) => stream.destroy(), true],
    ['has read a request and aborts', (stream: Duplex) => void stream.once('data', reset), false],
  ])('knows whether the server’s connection %s', async (_what, end, isUnread) => {
    const stream = await open();
    const proofs: boolean[] = [];
    stream.on('error', () => proofs.push(stream.provesUnread));
    // Nothing that the server sends on this occasion arrives.
    world.link.passes = () => false;
    end(accepted[0]!);
    await flow();
    world.link.passes = () => true;
    expect(stream.isQuiet).toBe(true);
    stream.write('x');
    await flow();
    expect(proofs).toEqual([isUnread]);
  });

  it('is not quiet after the server’s end, or without its peer', async () => {
    const [ended, orphan] = [await open(), await open()];
    expect([ended.isQuiet, orphan.isQuiet]).toEqual([true, true]);
    expect(ended.segmentSize).toBeGreaterThan(1_000);
    accepted[0]!.end();
    await world.settle();
    expect(ended.isQuiet).toBe(false);
    expect(ended.provesUnread).toBe(false);
    ended.destroy();
    const other = await world.openAnother({ privateKey: new Uint8Array(32).fill(6) });
    await tunnel.reconfigure(world.config({ server: serverOf(other) }));
    expect(orphan.destroyed).toBe(false);
    expect(orphan.isQuiet).toBe(false);
    orphan.destroy();
    await other.close();
  });
});

describe('many dials with one signal', () => {
  const stop = new AbortController();
  // 40 at once are not reported as a leak.
  setMaxListeners(0, stop.signal);

  it('leave neither a timer nor a listener, whether answered, refused, unanswered or aborted', async () => {
    const outcomes: string[] = [];
    const dial = (port: number, signal = stop.signal): void => {
      tunnel.dialer.dial({ ...TARGET, port }, signal).then(
        (stream) => {
          outcomes.push('open');
          stream.destroy();
        },
        (error: unknown) => outcomes.push((error as { reason?: string }).reason ?? 'aborted'),
      );
    };
    // The session's timers.
    const armed = world.clock.armed;
    for (let count = 0; count < 20; count++) dial(80);
    for (let count = 0; count < 20; count++) dial(9);
    expect(abortListeners(stop)).toBe(40);
    await world.settle();
    expect(outcomes.filter((outcome) => outcome === 'open')).toHaveLength(20);
    expect(outcomes.filter((outcome) => outcome === 'refused')).toHaveLength(20);
    expect(abortListeners(stop)).toBe(0);
    expect(world.clock.armed).toBe(armed);

    world.link.connected = false;
    const leaving = new AbortController();
    dial(80, leaving.signal);
    dial(80);
    await world.advance(1_000);
    leaving.abort(new Error('gone'));
    await world.advance(30_000);
    expect(outcomes.slice(40)).toEqual(['aborted', 'no-handshake']);
    expect([abortListeners(stop), abortListeners(leaving)]).toEqual([0, 0]);
    expect(world.clock.armed).toBeLessThanOrEqual(armed);
  });
});

describe('a tunnel that gives up', () => {
  const failure = { reason: 'no-handshake', silence: 'no-answer' };

  it('reports the reason to each pending and each later dial', async () => {
    world.link.connected = false;
    await world.advance(200_000);
    const dials = [tunnel.dialer.dial(TARGET), tunnel.dialer.dial(TARGET)];
    const failed = Promise.all(dials.map((dial) => expect(dial).rejects.toMatchObject(failure)));
    await world.advance(1_000);
    tunnel.giveUp();
    await failed;
    await expect(tunnel.dialer.dial(TARGET)).rejects.toMatchObject(failure);
    await tunnel.close();
    await expect(tunnel.dialer.dial(TARGET)).rejects.toMatchObject(failure);
  });

  it('does not end an open stream, which close() does', async () => {
    const dialled = tunnel.dialer.dial(TARGET);
    await world.settle();
    const stream = await dialled;
    let error: unknown;
    stream.on('error', (reason) => (error = reason));
    tunnel.giveUp();
    await world.settle();
    expect(stream.destroyed).toBe(false);
    await tunnel.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(error).toMatchObject({ code: 'ECONNABORTED' });
  });

  it('differs from a tunnel that closes', async () => {
    world.link.connected = false;
    const dialled = tunnel.dialer.dial(TARGET);
    const failed = expect(dialled).rejects.toMatchObject({ reason: 'closed', silence: undefined });
    await tunnel.close();
    await failed;
  });
});
