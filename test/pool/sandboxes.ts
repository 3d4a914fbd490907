/**
 * Sandboxes with a pooled tunnel each, and one WireGuard server for all, in memory and virtual
 * time. Only sockets and clocks are simulated. Each sandbox posts messages, one at a time, and can
 * be frozen.
 */
import type { Duplex } from 'node:stream';

import { createNodeCrypto } from '../../src/crypto/node.js';
import { openWireGuardNetwork } from '../../src/emulator/wireguard-network.js';
import type { ArcNetwork } from '../../src/emulator/arc-network.js';
import { PooledTunnel, type PooledSim } from '../../src/lambda/pool/pooled-tunnel.js';
import { Secret } from '../../src/lib/secrets/secret.js';
import type { Clock, Timer } from '../../src/ports/clock.js';
import type { DatagramSockets } from '../../src/ports/datagram-sockets.js';
import type { Log } from '../../src/ports/log.js';
import { parseTunnelConfig } from '../../src/tunnel/tunnel-config.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { MemoryNetwork } from '../support/fakes/memory-network.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { silentLog } from '../support/fakes/silent-log.js';

export const SERVICE = '100.127.69.42';
/** Milliseconds per simulation step. */
const STEP = 20;
/** Milliseconds after which a message that begins with `slow` is answered. */
const SLOW = 4_000;
const WALL_START = 1_767_225_600_000;

export interface SandboxesOptions {
  readonly seed: number;
  readonly sims: number;
  /** Approximate milliseconds between the end of a message and the next one. */
  readonly interval: number;
  readonly log?: (serial: number) => Log;
  /** The number of SIMs, counted from the last, that are terminated and unknown to the server. */
  readonly terminated?: number;
}

interface StartOptions {
  /** True if the sandbox posts no messages. */
  readonly isIdle?: boolean;
  /** See PooledTunnelOptions. */
  readonly first?: number | undefined;
}

/** All sandboxes, and the state of the server. */
export class Sandboxes {
  readonly clock = new FakeClock();
  readonly wallClock = { unixMilliseconds: () => WALL_START + this.clock.now() };
  readonly sandboxes: Sandbox[] = [];
  /** The number of arrivals of each message. */
  readonly arrived = new Map<string, number>();
  readonly #options: SandboxesOptions;
  readonly #link = new MemoryNetwork(this.clock);
  readonly #frozen = new Set<number>();
  readonly #random: () => number;
  #network!: ArcNetwork;
  #sims: readonly PooledSim[] = [];

  constructor(options: SandboxesOptions) {
    this.#options = options;
    const entropy = seededEntropy(options.seed);
    this.#random = () => {
      const bytes = new Uint8Array(2);
      entropy.fill(bytes);
      return (bytes[0]! * 256 + bytes[1]!) / 65_536;
    };
    this.#link.passes = ({ to }) => !this.#frozen.has(to.port);
  }

  async open(): Promise<void> {
    const { seed, sims, terminated = 0 } = this.#options;
    const crypto = createNodeCrypto();
    const privateKey = seededBytes(seed + 1_000_000, 32);
    const log = silentLog;
    this.#network = await openWireGuardNetwork(
      {
        listen: { address: '127.0.0.1', port: 0 },
        privateKey: new Secret(privateKey),
        addresses: [parseIpAddress(SERVICE)!],
      },
      {
        ...this.#shared(),
        entropy: seededEntropy(seed + 2_000_000),
        clock: this.clock,
        sockets: this.#link,
        log,
      },
    );
    this.#network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
      this.#serve(stream);
    });
    const { publicKey: serverPublicKey, endpoint } = this.#network;
    this.#sims = Array.from({ length: sims }, (_, index) => {
      const simKey = seededBytes(seed * 1_000 + index + 3_000_000, 32);
      const address = `10.0.${index >> 8}.${(index & 0xff) + 1}`;
      const isKnown = index < sims - terminated;
      const publicKey = crypto.publicKey(simKey);
      if (isKnown) this.#network.addPeer({ publicKey, address: parseIpAddress(address)! });
      const config = parseTunnelConfig({
        privateKey: new Secret(simKey),
        serverPublicKey,
        endpoint: { host: '127.0.0.1', port: endpoint.port },
        address,
        allowedIps: ['100.127.0.0/16'],
        mtu: 1420,
        persistentKeepaliveSeconds: 0,
      });
      return { name: `sim ${index}`, config };
    });
  }

  #shared() {
    return {
      crypto: createNodeCrypto(),
      wallClock: this.wallClock,
      resolver: {
        resolve: (host: string) => Promise.resolve({ addresses: [host], ttl: Infinity }),
      },
    };
  }

  /** Starts another sandbox, which posts at once unless it is idle. */
  async start({ isIdle = false, first }: StartOptions = {}): Promise<Sandbox> {
    const serial = this.sandboxes.length;
    const clock = new SandboxClock(this.clock);
    const ports = new Set<number>();
    const sockets: DatagramSockets = {
      open: async (where) => {
        const socket = await this.#link.open(where);
        ports.add(socket.localPort);
        return socket;
      },
    };
    const tunnel = await PooledTunnel.open(
      { sims: this.#sims, first },
      {
        ...this.#shared(),
        entropy: seededEntropy(this.#options.seed * 100 + serial),
        clock,
        sockets,
        sessionsOutliveSleep: true,
        log: this.#options.log?.(serial) ?? silentLog,
      },
    );
    const freeze = (isFrozen: boolean): void => {
      for (const port of ports) {
        if (isFrozen) this.#frozen.add(port);
        else this.#frozen.delete(port);
      }
    };
    const pause = (): number => this.#options.interval * (0.5 + this.#random());
    const sandbox = new Sandbox(`${serial}`, { tunnel, clock, freeze, pause });
    this.sandboxes.push(sandbox);
    if (isIdle) sandbox.stop();
    else sandbox.post();
    return sandbox;
  }

  /** Makes the server forget a SIM. */
  terminate(sim: number): void {
    const { crypto } = this.#shared();
    const { privateKey } = this.#sims[sim]!.config;
    this.#network.removePeer(crypto.publicKey(privateKey.expose()));
  }

  #serve(stream: Duplex): void {
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      const message = chunk.toString();
      this.arrived.set(message, (this.arrived.get(message) ?? 0) + 1);
      const answer = (): unknown => stream.end('200');
      if (message.startsWith('slow')) this.clock.startTimer(SLOW, answer);
      else answer();
    });
  }

  /**
   * Lets virtual time pass; Node's streams work in turns of the event loop, which take no virtual
   * time.
   */
  async pass(duration: number): Promise<void> {
    for (let passed = 0; passed < duration; passed += STEP) {
      for (let turn = 0; turn < 2; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        this.clock.settle();
      }
      this.clock.advance(STEP);
    }
    this.#link.sent.length = 0;
  }

  /** The number of sandboxes that have a SIM of their own. */
  get alone(): number {
    const users = new Map<number, number>();
    for (const { tunnel } of this.sandboxes) {
      users.set(tunnel.sim, (users.get(tunnel.sim) ?? 0) + 1);
    }
    return this.sandboxes.filter(({ tunnel }) => users.get(tunnel.sim) === 1).length;
  }

  get moves(): number {
    return this.sandboxes.reduce((sum, { tunnel }) => sum + tunnel.moves, 0);
  }

  /** Messages that were confirmed to their sender but did not arrive. */
  get lost(): string[] {
    const accepted = this.sandboxes.flatMap((sandbox) => sandbox.accepted);
    return accepted.filter((message) => !this.arrived.has(message));
  }

  get twice(): string[] {
    return [...this.arrived].filter(([, times]) => times > 1).map(([message]) => message);
  }

  async close(): Promise<void> {
    for (const sandbox of this.sandboxes) sandbox.stop();
    const closing = Promise.all(
      this.sandboxes.map(({ tunnel }) => tunnel.close({ gracePeriod: 0 })),
    );
    await this.pass(4_000);
    await closing;
    await this.#network.close();
  }
}

interface SandboxOptions {
  readonly tunnel: PooledTunnel;
  readonly clock: SandboxClock;
  readonly freeze: (isFrozen: boolean) => void;
  readonly pause: () => number;
}

export class Sandbox {
  readonly tunnel: PooledTunnel;
  readonly accepted: string[] = [];
  readonly failed: string[] = [];
  readonly #name: string;
  readonly #clock: SandboxClock;
  readonly #freeze: (isFrozen: boolean) => void;
  readonly #pause: () => number;
  #serial = 0;
  #isStopped = false;

  constructor(name: string, { tunnel, clock, freeze, pause }: SandboxOptions) {
    this.#name = name;
    this.tunnel = tunnel;
    this.#clock = clock;
    this.#freeze = freeze;
    this.#pause = pause;
  }

  get isFrozen(): boolean {
    return this.#clock.isFrozen;
  }

  freeze(): void {
    this.#freeze(true);
    this.#clock.freeze();
  }

  thaw(): void {
    this.#freeze(false);
    this.#clock.thaw();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.isFrozen) this.thaw();
  }

  post(): void {
    if (this.#isStopped) return;
    const message = `${this.#name}/${this.#serial++}`;
    this.#send(message).then(
      () => {
        this.accepted.push(message);
        this.#next();
      },
      (error: unknown) => {
        this.failed.push(`${message}: ${String(error)}`);
        this.#next();
      },
    );
  }

  #next(): void {
    this.#clock.startTimer(this.#pause(), () => this.post());
  }

  async #send(message: string): Promise<void> {
    const stream = await this.tunnel.dialer.dial({ host: SERVICE, port: 80 });
    await new Promise<void>((resolve, reject) => {
      const timer = this.#clock.startTimer(30_000, () => stream.destroy(new Error('no answer')));
      let answer = '';
      stream.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      stream.on('error', reject);
      stream.on('close', () => {
        timer.cancel();
        if (answer === '200') resolve();
        else reject(new Error('closed without an answer'));
      });
      stream.end(message);
    });
  }
}

/** The monotonic clock of a sandbox, which stops while the sandbox is frozen. */
class SandboxClock implements Clock {
  readonly #clock: FakeClock;
  readonly #timers = new Set<SandboxTimer>();
  #frozenFor = 0;
  #frozenAt: number | undefined;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get isFrozen(): boolean {
    return this.#frozenAt !== undefined;
  }

  now(): number {
    return (this.#frozenAt ?? this.#clock.now()) - this.#frozenFor;
  }

  startTimer(delay: number, handler: () => void): Timer {
    const timer: SandboxTimer = { at: this.now() + delay, handler, inner: undefined };
    this.#timers.add(timer);
    if (!this.isFrozen) this.#arm(timer);
    return {
      cancel: () => {
        timer.inner?.cancel();
        this.#timers.delete(timer);
      },
    };
  }

  defer(handler: () => void): void {
    this.#clock.defer(handler);
  }

  freeze(): void {
    if (this.isFrozen) return;
    this.#frozenAt = this.#clock.now();
    for (const timer of this.#timers) timer.inner?.cancel();
  }

  thaw(): void {
    if (this.#frozenAt === undefined) return;
    this.#frozenFor += this.#clock.now() - this.#frozenAt;
    this.#frozenAt = undefined;
    for (const timer of this.#timers) this.#arm(timer);
  }

  #arm(timer: SandboxTimer): void {
    timer.inner = this.#clock.startTimer(Math.max(0, timer.at - this.now()), () => {
      this.#timers.delete(timer);
      timer.handler();
    });
  }
}

interface SandboxTimer {
  readonly at: number;
  readonly handler: () => void;
  inner: Timer | undefined;
}
