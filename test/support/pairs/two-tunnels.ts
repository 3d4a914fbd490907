/** Two library tunnels that are each other's server, in memory and virtual time. */
import { once } from 'node:events';

import dnsPacket from 'dns-packet';

import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { parseTunnelConfig, type TunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import type { TcpSocket } from '../../../src/tunnel/node/tcp-socket.js';
import type { TunnelPorts } from '../../../src/tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { TunnelInMemory } from './tunnel-in-memory.js';

export const NEAR = '10.0.0.2';
export const FAR = '100.127.69.42';
export const FAR_IPV6 = 'fd00:127::69:42';
/** The name server of the near tunnel. */
export const NAME_SERVER = '100.127.0.53';

/** The ports that the in-memory network assigns, in this order. */
const PORTS = { near: 40_000, far: 40_001 } as const;

const KEYS = { near: new Uint8Array(32).fill(3), far: new Uint8Array(32).fill(5) } as const;

const SIDES = {
  near: { addresses: [NEAR, 'fd00:77::2'], allowedIps: ['100.127.0.0/16', 'fd00:127::/32'] },
  far: { addresses: [FAR, FAR_IPV6, NAME_SERVER], allowedIps: ['10.0.0.0/8', 'fd00:77::/32'] },
} as const;

type Side = keyof typeof SIDES;

type NearExtras = Pick<TunnelConfig, 'budget'> & Pick<TunnelPorts, 'traffic'>;

/** Milliseconds by which the time advances per step. */
const STEP = 10;

export class TwoTunnels {
  readonly #crypto = createNodeCrypto();
  readonly world = new TunnelInMemory(this.#crypto);
  near!: UserspaceTunnel;
  far!: UserspaceTunnel;
  /** What the near tunnel has in addition. */
  readonly #near: NearExtras;

  constructor(near: NearExtras = {}) {
    this.#near = near;
  }

  async open(): Promise<void> {
    const open = async (name: Side) => {
      const { budget, traffic } = name === 'near' ? this.#near : {};
      const config = { ...this.config(name), budget };
      const ports = { ...this.world.ports, ...(traffic && { traffic }) };
      const tunnel = await UserspaceTunnel.open(config, ports);
      await this.pass(STEP);
      return tunnel;
    };
    this.near = await open('near');
    this.far = await open('far');
    await this.run(this.near.waitForHandshake(Infinity));
  }

  /** The configuration of a side, optionally with changes. */
  config(name: Side, change: { addresses?: string[]; nameServers?: string[] } = {}): TunnelConfig {
    const other = name === 'near' ? 'far' : 'near';
    const { addresses, allowedIps } = SIDES[name];
    const [address = '', ...additionalAddresses] = change.addresses ?? addresses;
    return parseTunnelConfig({
      mtu: 1420,
      persistentKeepaliveSeconds: 0,
      privateKey: new Secret(KEYS[name].slice()),
      serverPublicKey: this.#crypto.publicKey(KEYS[other]),
      endpoint: { host: '127.0.0.1', port: PORTS[other] },
      address,
      additionalAddresses,
      allowedIps,
      nameServers: change.nameServers ?? [NAME_SERVER],
    });
  }

  async close(): Promise<void> {
    await this.near.close({ gracePeriod: 0 });
    await this.far.close({ gracePeriod: 0 });
  }

  /**
   * Connects from near to a port of far and returns both ends. Errors after the tunnels are closed
   * are ignored.
   */
  async pair(options: { allowHalfOpen?: boolean } = {}) {
    const server = this.far.listen({ port: 80, allowHalfOpen: true });
    const socket = this.near.connect({ host: FAR, port: 80, ...options });
    const both = [once(server, 'connection'), once(socket, 'connect')] as const;
    const [[other]] = (await this.run(Promise.all(both))) as [[TcpSocket], unknown[]];
    for (const end of [socket, other]) end.on('error', () => undefined);
    server.close();
    return { socket, other };
  }

  /** Advances the time until a promise settles, by at most `limit` ms. */
  async run<T>(promise: Promise<T>, limit = 60_000): Promise<T> {
    const outcome = { isSettled: false };
    const settle = (): void => void (outcome.isSettled = true);
    promise.then(settle, settle);
    for (let passed = 0; !outcome.isSettled; passed += STEP) {
      if (passed > limit) throw new Error(`not settled in ${limit} ms`);
      await this.pass(STEP);
    }
    return promise;
  }

  /** Advances the time; Node's streams also get event-loop turns, which take no virtual time. */
  async pass(duration: number): Promise<void> {
    for (let passed = 0; passed < duration; passed += STEP) {
      for (let turn = 0; turn < 3; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        this.world.clock.settle();
      }
      this.world.clock.advance(Math.min(STEP, duration - passed));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits for an emitter's next event and returns its values. */
  event(emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
    return this.run(once(emitter, name));
  }

  /** Waits for an emitter's next 'error'. */
  async error(emitter: NodeJS.EventEmitter): Promise<unknown> {
    return this.run(new Promise((resolve) => emitter.once('error', resolve)));
  }
}

/** The `code` of the thrown error; undefined if nothing is thrown. */
export function thrownCode(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}

/**
 * Reads a stream to its end as text; unlike an iterator, it leaves the stream's other half open.
 */
export function readText(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks).toString()));
    stream.on('error', reject);
  });
}

/** Serves A and AAAA records at the far end; queries for `mute.test` get no reply. */
export function serveNames(
  far: UserspaceTunnel,
  names: Readonly<Record<string, string[]>>,
  at = NAME_SERVER,
): void {
  const socket = far.createUdpSocket((bytes, from) => {
    const { id, questions = [] } = dnsPacket.decode(bytes);
    const [question] = questions;
    if (question === undefined || question.name === 'mute.test') return;
    const known = names[question.name];
    const isIpv6 = question.type === 'AAAA';
    const answers = (known ?? [])
      .filter((address) => address.includes(':') === isIpv6)
      .map((data) => ({
        type: isIpv6 ? ('AAAA' as const) : ('A' as const),
        name: question.name,
        ttl: 60,
        data,
      }));
    const flags = known === undefined ? 3 : 0;
    const reply = { type: 'response' as const, id: id ?? 0, flags, questions, answers };
    socket.send(dnsPacket.encode(reply), from.port, from.address);
  });
  socket.bind(53, at);
}
