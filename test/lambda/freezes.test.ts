/**
 * Freezes at every step of an exchange, in virtual time, with a target that closes the connection
 * meanwhile: no message is doubled, and none fails that the target has not read.
 */
import type { Duplex } from 'node:stream';

import { jest } from '@jest/globals';

import { SandboxDialer } from '../../src/lambda/sandbox-dialer.js';
import { Delivery } from '../../src/proxy/http/delivery.js';
import type { ExchangeContext } from '../../src/proxy/http/exchange-context.js';
import type { ForwardedRequest } from '../../src/proxy/http/forwarded-request.js';
import type { Upstream } from '../../src/proxy/http/target/upstream.js';
import type { TcpSocket } from '../../src/tunnel/node/tcp-socket.js';
import { UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { RecordingLog } from '../support/fakes/recording-log.js';
import { FAR, TwoTunnels } from '../support/pairs/two-tunnels.js';

const TARGET = { host: FAR, port: 80 };
/** The UDP port of the frozen side. */
const NEAR_PORT = 40_000;
const CREATED = 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n';

/** What the target does to its connection during a freeze. */
const ENDS = ['nothing', 'fin', 'rst', 'gone'] as const;
type End = (typeof ENDS)[number];

/** A clock whose deferred calls run as setImmediate's do: with the promises between them. */
class LoopClock extends FakeClock {
  #immediates: (() => void)[] = [];

  override defer(handler: () => void): void {
    this.#immediates.push(handler);
  }

  override settle(): void {
    while (this.#immediates.length > 0) this.#immediates.shift()!();
  }

  async turn(): Promise<void> {
    for (const handler of this.#immediates.splice(0)) {
      handler();
      for (let step = 0; step < 20; step++) await Promise.resolve();
    }
  }
}

/** A sandbox, whose clocks are those of the near tunnel, and a server that is never frozen. */
class World extends TwoTunnels {
  readonly clock = new LoopClock();
  readonly log = new RecordingLog();
  dialer!: SandboxDialer;
  /** The bodies of the requests that the server has read, and its open connections. */
  readonly seen: string[] = [];
  readonly sockets: TcpSocket[] = [];
  accepted = 0;
  answers = true;
  /** The datagrams that the sandbox sent after the last freeze before it read its socket. */
  sentUnread = 0;
  #wallOffset = 1_800_000_000_000;
  #queue: { bytes: Uint8Array }[] | undefined;
  #serverPort = 0;

  async start(): Promise<void> {
    const wallClock = { unixMilliseconds: () => Date.now() };
    jest.setSystemTime(this.#wallOffset);
    this.dialer = new SandboxDialer(3_000, this.clock, wallClock);
    const ports = { ...this.world.ports, clock: this.clock, wallClock, sessionsOutliveSleep: true };
    this.near = await UserspaceTunnel.open(this.config('near'), ports);
    await this.pass(10);
    this.far = await UserspaceTunnel.open(this.config('far'), this.world.ports);
    this.world.link.passes = ({ bytes, to }) => {
      if (this.#queue === undefined || to.port !== NEAR_PORT) return true;
      this.#queue.push({ bytes });
      return false;
    };
    this.#serverPort = 40_001;
    this.far.listen({ port: 80, allowHalfOpen: true }).on('connection', (socket: TcpSocket) => {
      this.accepted++;
      this.sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        this.seen.push(bytes.toString().split('\r\n\r\n')[1]!);
        if (this.answers) socket.write(CREATED);
      });
    });
    await this.run(this.near.waitForHandshake(Infinity));
    this.dialer.open(this.near);
  }

  override async close(): Promise<void> {
    this.dialer.close();
    this.dialer.destroyStreams();
    await super.close();
  }

  /** Both sides run; neither is frozen. */
  override async pass(duration: number): Promise<void> {
    for (let passed = 0; passed < duration; passed += 10) {
      await this.turns();
      this.clock.advance(10);
      jest.advanceTimersByTime(10);
      this.world.clock.advance(10);
    }
    await this.turns();
  }

  async turns(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#queue === undefined) await this.clock.turn();
      this.world.clock.settle();
    }
  }

  /** Only the server runs, and what it sends waits in the sandbox's socket. */
  async freeze(duration: number, end: End): Promise<void> {
    this.#queue = [];
    await this.turns();
    for (const socket of this.sockets.splice(0)) {
      if (end === 'fin') socket.end();
      else if (end === 'rst' || end === 'gone') socket.resetAndDestroy();
      else this.sockets.push(socket);
      if (end !== 'nothing') await this.turns();
    }
    for (let passed = 0; passed < duration; passed += 100) {
      await this.turns();
      this.world.clock.advance(100);
    }
    if (end === 'gone') this.#queue = [];
  }

  /**
   * Ends the freeze: timers run first, then `act`, and then the socket is read, as in Node.
   *
   * @param isStopped whether the monotonic clock stood still
   */
  async thaw<Result>(duration: number, isStopped: boolean, act: () => Result): Promise<Result> {
    const { sent } = this;
    const queue = this.#queue ?? [];
    this.#queue = undefined;
    if (isStopped) jest.setSystemTime(Date.now() + duration);
    else {
      this.clock.skip(duration);
      jest.advanceTimersByTime(duration);
    }
    if (!isStopped) this.clock.fire();
    const result = act();
    const read = (): void => {
      this.sentUnread = this.sent - sent;
      const source = { address: '127.0.0.1', port: this.#serverPort };
      for (const { bytes } of queue) this.world.link.forge(source, NEAR_PORT, bytes);
      this.world.clock.settle();
    };
    // The socket collects datagrams in one turn, and passes them on after it.
    this.clock.defer(read);
    await this.turns();
    return result;
  }

  /** Sends a message, as the forwarder does for a function's request. */
  post(body: string): { outcome: string | undefined } {
    const result: { outcome: string | undefined } = { outcome: undefined };
    const bytes = Buffer.from(`POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const forwarded = {
      isWhole: true,
      isSent: true,
      awaitsContinue: false,
      bindsConnection: false,
      announcedLength: body.length,
      head: () => '',
      bytes: () => bytes,
      sendBy: (upstream: Upstream) => upstream.write(bytes),
      drained: () => undefined,
    } as unknown as ForwardedRequest;
    const { dialer, log } = this;
    const context = { dialer, kept: dialer.kept, headers: [], log, isClosing: () => false };
    const delivery = new Delivery(
      { destination: { target: TARGET, path: '/' }, forwarded, method: 'POST', upgrades: false },
      context as unknown as ExchangeContext,
      {
        interim: () => undefined,
        head: () => undefined,
        body: () => undefined,
        progress: () => undefined,
        end: () => {
          result.outcome = 'answered';
          delivery.finish();
        },
        fail: ({ reason }) => {
          result.outcome = reason;
          delivery.destroy();
        },
      },
    );
    delivery.start();
    return result;
  }

  /** Posts, and waits for the outcome. */
  async exchange(body: string): Promise<string> {
    return this.outcomeOf(this.post(body));
  }

  async outcomeOf(posted: { outcome: string | undefined }): Promise<string> {
    for (let step = 0; posted.outcome === undefined; step++) {
      if (step > 5_000) throw new Error('no outcome');
      await this.pass(10);
    }
    return posted.outcome;
  }

  /** How many requests were sent again. */
  get resent(): number {
    return this.log.lines.filter(({ message }) => message.startsWith('sent again')).length;
  }

  /** The datagrams that the sandbox has sent. */
  get sent(): number {
    return this.world.link.sent.filter(({ to }) => to.port !== NEAR_PORT).length;
  }
}

let world: World;
beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  world = new World();
  await world.start();
});
afterEach(async () => {
  await world.close();
  jest.useRealTimers();
});

/** Two messages in a row, after which the connection of the second one is kept. */
async function keep(): Promise<void> {
  expect(await world.exchange('1')).toBe('answered');
  expect(await world.exchange('2')).toBe('answered');
  expect(world.dialer.kept.size).toBe(1);
}

const CASES = ENDS.flatMap((end) =>
  [true, false].flatMap((isStopped) =>
    [1_000, 10_000, 300_000].map((duration) => ({ end, isStopped, duration })),
  ),
);
const NAME = 'the target: $end, the monotonic clock stops: $isStopped, frozen for $duration ms';

describe('a freeze while a kept connection is idle', () => {
  it.each(CASES)(NAME, async ({ end, isStopped, duration }) => {
    await keep();
    const { accepted } = world;
    await world.freeze(duration, end);
    const posted = await world.thaw(duration, isStopped, () => world.post('3'));
    expect(await world.outcomeOf(posted)).toBe('answered');
    expect(world.seen).toEqual(['1', '2', '3']);
    expect(world.sentUnread).toBe(0);
    const isReused = end === 'nothing' && duration < 4_000;
    expect(world.accepted - accepted).toBe(isReused ? 0 : 1);
    // A request is never written behind a FIN or an RST that has arrived, or after a long freeze.
    expect(world.resent).toBe(end === 'gone' && duration < 4_000 ? 1 : 0);
  });

  it('of several minutes sends nothing to a target that has forgotten the connection', async () => {
    await keep();
    await world.freeze(100, 'gone');
    const { sent } = world;
    await world.thaw(300_000, true, () => void world.dialer.kept.has(TARGET));
    await world.pass(100);
    expect(world.dialer.kept.size).toBe(0);
    expect(world.sent).toBe(sent);
  });

  it('sends one packet to a target that may still have the connection', async () => {
    await keep();
    await world.freeze(100, 'nothing');
    const { sent } = world;
    await world.thaw(10_000, true, () => void world.dialer.kept.has(TARGET));
    await world.pass(100);
    expect(world.dialer.kept.size).toBe(0);
    expect(world.sent - sent).toBe(1);
  });
});

describe('a freeze after a connection was opened in advance', () => {
  it.each(CASES)(NAME, async ({ end, isStopped, duration }) => {
    world.dialer.openAhead(TARGET);
    await world.pass(100);
    expect(world.dialer.kept.size).toBe(1);
    await world.freeze(duration, end);
    const posted = await world.thaw(duration, isStopped, () => world.post('1'));
    expect(await world.outcomeOf(posted)).toBe('answered');
    expect(world.seen).toEqual(['1']);
  });
});

describe('a freeze after the request was sent', () => {
  it.each(CASES)(NAME, async ({ end, isStopped, duration }) => {
    await keep();
    const posted = world.post('3');
    await world.turns();
    expect(posted.outcome).toBe('answered');
    // The same without a response: the server has read the request, so it is not sent again.
    world.answers = false;
    const open = world.post('4');
    for (let turn = 0; turn < 20 && world.seen.length < 4; turn++) await world.turns();
    await world.freeze(duration, end);
    world.answers = true;
    await world.thaw(duration, isStopped, () => undefined);
    if (end === 'nothing') world.sockets.at(-1)!.write(CREATED);
    const outcome = await world.outcomeOf(open);
    if (end !== 'nothing') expect(outcome).not.toBe('answered');
    else if (duration < 4_000) expect(outcome).toBe('answered');
    expect(await world.exchange('5')).toBe('answered');
    expect(world.seen).toEqual(['1', '2', '3', '4', '5']);
  });
});

describe('a freeze before the response', () => {
  it.each([
    { duration: 3_000, isStopped: true },
    { duration: 3_000, isStopped: false },
    { duration: 15_000, isStopped: true },
    { duration: 15_000, isStopped: false },
  ])(
    'of $duration ms, while it arrives (the clock stops: $isStopped)',
    async ({ duration, isStopped }) => {
      await keep();
      world.answers = false;
      const open = world.post('3');
      for (let turn = 0; turn < 20 && world.seen.length < 3; turn++) await world.turns();
      await world.freeze(100, 'nothing');
      world.sockets.at(-1)!.write(CREATED);
      for (let passed = 0; passed < duration; passed += 100) {
        await world.turns();
        world.world.clock.advance(100);
      }
      await world.thaw(duration, isStopped, () => undefined);
      expect(await world.outcomeOf(open)).toBe('answered');
      expect(world.seen).toEqual(['1', '2', '3']);
    },
  );
});

describe('a freeze right after the response', () => {
  it.each(CASES)(NAME, async ({ end, isStopped, duration }) => {
    await keep();
    const posted = world.post('3');
    for (let turn = 0; turn < 20 && posted.outcome === undefined; turn++) await world.turns();
    expect(posted.outcome).toBe('answered');
    await world.freeze(duration, end);
    const next = await world.thaw(duration, isStopped, () => world.post('4'));
    expect(await world.outcomeOf(next)).toBe('answered');
    expect(world.seen).toEqual(['1', '2', '3', '4']);
  });
});

it('acknowledges a response before a freeze, so that the target does not repeat it', async () => {
  await keep();
  const unacknowledged = (socket: TcpSocket): number => socket.unacknowledgedBytes;
  const posted = world.post('3');
  for (let turn = 0; turn < 20 && posted.outcome === undefined; turn++) await world.turns();
  await world.turns();
  expect(world.sockets.map(unacknowledged)).toEqual(world.sockets.map(() => 0));
});

it('does not keep a connection if messages are rare', async () => {
  expect(await world.exchange('1')).toBe('answered');
  await world.pass(4_000);
  expect(await world.exchange('2')).toBe('answered');
  expect(world.dialer.kept.size).toBe(0);
});

it('uses a connection opened in advance for a request of any size', async () => {
  world.dialer.openAhead(TARGET);
  await world.pass(100);
  const opened = world.accepted;
  const dialled = world.dialer.dial(TARGET);
  const stream: Duplex = await world.run(dialled);
  expect([opened, world.accepted]).toEqual([1, 1]);
  expect(world.dialer.kept.size).toBe(0);
  stream.destroy();
});
