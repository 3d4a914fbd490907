/** Both ends of a thread's channel, in one thread: messages are copied as between two threads. */
import { Secret } from '../../../src/lib/secrets/secret.js';
import type {
  InterfaceTunnel,
  InterfaceTunnels,
} from '../../../src/tunnel/interface/interface-tunnel.js';
import type { Conversation } from '../../../src/ports/local-sockets.js';
import type { MessageChannel } from '../../../src/ports/message-channel.js';
import { remoteTunnels } from '../../../src/tunnel/thread/remote-tunnels.js';
import { serveTunnels } from '../../../src/tunnel/thread/serve-tunnels.js';
import type { Tunnel } from '../../../src/tunnel/tunnel.js';
import { type TunnelConfig, parseTunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import { TunnelError } from '../../../src/tunnel/tunnel-error.js';
import type { TunnelStatus } from '../../../src/tunnel/tunnel-status.js';
import { abortListeners } from '../../support/abort-listeners.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const CONFIG = parseTunnelConfig({
  privateKey: new Secret(new Uint8Array(32).fill(1)),
  serverPublicKey: new Uint8Array(32).fill(2),
  endpoint: { host: 'arc.example', port: 11010 },
  address: '10.0.0.2',
  allowedIps: ['100.127.0.0/16'],
  mtu: 1420,
  persistentKeepaliveSeconds: 60,
});

/** Two ends; `end` simulates the death of the thread at the second one. */
class Channel {
  readonly #handlers: [((message: unknown) => void) | undefined, typeof this.post0 | undefined] = [
    undefined,
    undefined,
  ];
  #onEnd: (error: Error) => void = () => undefined;
  isClosed = false;
  readonly first: MessageChannel = this.#end(0);
  readonly second: MessageChannel = this.#end(1);

  post0 = (message: unknown): void => this.#handlers[1]?.(message);

  end(error: Error): void {
    this.#handlers[1] = undefined;
    this.#onEnd(error);
  }

  #end(side: 0 | 1): MessageChannel {
    return {
      post: (message) => {
        const copy: unknown = structuredClone(message);
        queueMicrotask(() => this.#handlers[side === 0 ? 1 : 0]?.(copy));
      },
      onMessage: (handler) => {
        this.#handlers[side] = handler;
      },
      onEnd: (handler) => {
        this.#onEnd = handler;
      },
      close: () => {
        this.isClosed = true;
        return Promise.resolve();
      },
    };
  }
}

/** A tunnel that a test controls. */
class ScriptedTunnel implements InterfaceTunnel, Tunnel {
  readonly mode = 'tun';
  readonly interfaceName = 'tun7';
  started: TunnelConfig | undefined;
  reconfigured: TunnelConfig | undefined;
  remove!: (error: Error) => void;
  readonly gone = new Promise<Error>((resolve) => (this.remove = resolve));
  waits: { readonly deadline: number; readonly signal: AbortSignal | undefined }[] = [];
  handshake: Promise<void> = Promise.resolve();
  failure: Error | undefined;
  conversations: Conversation[] = [];
  isClosed = false;

  start(config: TunnelConfig): Promise<Tunnel> {
    this.started = config;
    return this.failure === undefined ? Promise.resolve(this) : Promise.reject(this.failure);
  }

  status(): Promise<TunnelStatus> {
    return Promise.resolve({ interface: 'tun7', health: 'up' } as TunnelStatus);
  }

  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    this.waits.push({ deadline, signal });
    return this.handshake;
  }

  reconfigure(config: TunnelConfig): Promise<void> {
    this.reconfigured = config;
    return Promise.resolve();
  }

  converse(): Conversation {
    let heard = '';
    const conversation: Conversation = {
      get isOver() {
        return heard.includes('end');
      },
      handle: (text) => {
        heard += text;
        return Promise.resolve(heard.toUpperCase());
      },
      close: () => undefined,
    };
    this.conversations.push(conversation);
    return conversation;
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

let channel: Channel;
let served: ScriptedTunnel;
let clocks: { readonly here: FakeClock; readonly there: FakeClock };
let closed: number;

beforeEach(() => {
  channel = new Channel();
  served = new ScriptedTunnel();
  clocks = { here: new FakeClock(), there: new FakeClock() };
  clocks.there.skip(1_000_000);
  closed = 0;
});

function remote(
  tunnels: InterfaceTunnels = { open: () => Promise.resolve(served) },
): InterfaceTunnels {
  serveTunnels(channel.second, tunnels, { clock: clocks.there, onClosed: () => closed++ });
  return remoteTunnels(() => channel.first, clocks.here);
}

async function start(): Promise<Tunnel> {
  const device = await remote().open('');
  return device.start(CONFIG);
}

it('opens by name, and has the name that the system assigned', async () => {
  const names: string[] = [];
  const tunnels = remote({
    open: (name) => {
      names.push(name);
      return Promise.resolve(served);
    },
  });
  expect((await tunnels.open('')).interfaceName).toBe('tun7');
  expect(names).toEqual(['']);
});

it('forwards a refusal unchanged, and ends the thread', async () => {
  const refusal = Object.assign(new Error('ioctl EBUSY'), { refusal: 'name-taken' });
  const opening = remote({ open: () => Promise.reject(refusal) }).open('soratun0');
  await expect(opening).rejects.toMatchObject({ refusal: 'name-taken', message: 'ioctl EBUSY' });
  expect(channel.isClosed).toBe(true);
});

it('starts with the unchanged configuration, the key in a Secret', async () => {
  const tunnel = await start();
  const { privateKey, ...others } = CONFIG;
  expect(served.started).toMatchObject(others);
  expect(served.started?.privateKey).toBeInstanceOf(Secret);
  expect(served.started?.privateKey.expose()).toEqual(privateKey.expose());
  await tunnel.reconfigure({ ...CONFIG, mtu: 1280 });
  expect(served.reconfigured?.mtu).toBe(1280);
});

it('cannot be captured from another thread', async () => {
  const tunnel = await remote().open('');
  await expect(
    tunnel.start(CONFIG, { sockets: { open: () => Promise.reject(new Error()) } }),
  ).rejects.toThrow(TypeError);
});

it("fails to start with the system's code", async () => {
  const tunnel = await remote().open('');
  served.failure = Object.assign(new Error('address 10.0.0.2/32'), { code: 'EPERM' });
  await expect(tunnel.start(CONFIG)).rejects.toMatchObject({ code: 'EPERM' });
});

it('reports its status', async () => {
  const tunnel = await start();
  expect(await tunnel.status()).toEqual({ interface: 'tun7', health: 'up' });
});

it('waits for the same duration in both threads, by the other thread’s clock', async () => {
  const tunnel = await start();
  await tunnel.waitForHandshake(clocks.here.now() + 20_000);
  expect(served.waits[0]?.deadline).toBe(clocks.there.now() + 20_000);
  await tunnel.waitForHandshake(Infinity);
  expect(served.waits[1]?.deadline).toBe(Infinity);
});

it('reports why a wait failed', async () => {
  const tunnel = await start();
  served.handshake = Promise.reject(new TunnelError('no-answer', { what: 'none', why: 'silent' }));
  await expect(tunnel.waitForHandshake(Infinity)).rejects.toMatchObject({ reason: 'no-answer' });
});

it.each([false, true])(
  'rejects a wait with the reason of the signal, aborted before: %s',
  async (isBefore) => {
    const tunnel = await start();
    const stop = new AbortController();
    const reason = new Error('stopped');
    served.waitForHandshake = (_deadline, signal) =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(new Error('ended there')));
      });
    if (isBefore) stop.abort(reason);
    const waiting = tunnel.waitForHandshake(Infinity, stop.signal);
    if (!isBefore) stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  },
);

it('leaves no listener on the signal of its waits', async () => {
  const tunnel = await start();
  const stop = new AbortController();
  for (let count = 0; count < 5; count++) await tunnel.waitForHandshake(Infinity, stop.signal);
  served.handshake = Promise.reject(new TunnelError('no-answer', { what: 'none', why: 'silent' }));
  await expect(tunnel.waitForHandshake(Infinity, stop.signal)).rejects.toThrow('silent');
  expect(abortListeners(stop)).toBe(0);
});

it('has several independent UAPI conversations', async () => {
  const tunnel = await start();
  const [one, other] = [tunnel.converse!(), tunnel.converse!()];
  expect(await one.handle('a')).toBe('A');
  expect(await other.handle('b')).toBe('B');
  expect(await one.handle('c')).toBe('AC');
  expect(one.isOver).toBe(false);
  await one.handle('end');
  expect([one.isOver, other.isOver]).toEqual([true, false]);
  expect(served.conversations).toHaveLength(2);
  other.close();
  await new Promise(setImmediate);
  // A closed conversation is forgotten by the thread, so further text would begin another.
  expect(await other.handle('d')).toBe('D');
});

it('ends when the interface is removed', async () => {
  const tunnel = await remote().open('');
  served.remove(new Error('another program has removed the interface'));
  await expect(tunnel.gone).resolves.toMatchObject({
    message: 'another program has removed the interface',
  });
});

it('ends when the thread does, and fails all pending requests', async () => {
  const device = await remote().open('');
  const tunnel = await device.start(CONFIG);
  served.handshake = new Promise(() => undefined);
  const waiting = tunnel.waitForHandshake(Infinity);
  const death = new Error('out of memory');
  channel.end(death);
  await expect(waiting).rejects.toBe(death);
  await expect(device.gone).resolves.toBe(death);
  await expect(tunnel.status()).rejects.toBe(death);
  const conversation = tunnel.converse!();
  expect(await conversation.handle('x')).toBe('');
  expect(conversation.isOver).toBe(true);
  await device.close();
  expect(channel.isClosed).toBe(true);
});

it('is closed in the thread before the thread is terminated', async () => {
  const tunnel = await remote().open('');
  await tunnel.close();
  expect(served.isClosed).toBe(true);
  expect(channel.isClosed).toBe(true);
  clocks.there.settle();
  expect(closed).toBe(1);
});

it('terminates a thread that hangs and does not close its tunnel', async () => {
  const tunnel = await remote().open('');
  served.close = () => new Promise(() => undefined);
  const closing = tunnel.close();
  clocks.here.advance(4_999);
  await new Promise(setImmediate);
  expect(channel.isClosed).toBe(false);
  clocks.here.advance(1);
  await closing;
  expect(channel.isClosed).toBe(true);
});
