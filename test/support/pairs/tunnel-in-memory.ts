/**
 * A userspace tunnel to a WireGuard network, both real, over in-memory sockets and a fake clock.
 */
import type { Crypto } from '../../../src/crypto/crypto.js';
import type { ArcNetwork } from '../../../src/emulator/arc-network.js';
import { openWireGuardNetwork } from '../../../src/emulator/wireguard-network.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import type { Resolution } from '../../../src/ports/resolver.js';
import { parseTunnelConfig, type TunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../../src/tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { MemoryNetwork, systemError } from '../fakes/memory-network.js';
import { RecordingLog } from '../fakes/recording-log.js';
import { seededEntropy } from '../fakes/seeded-entropy.js';

export const SERVICE = '100.127.69.42';
export const CLIENT = '10.0.0.2';
export const SERVICE_IPV6 = 'fd00:127::69:42';
export const CLIENT_IPV6 = 'fd00:77::2';
export const CLIENT_KEY = new Uint8Array(32).fill(3);

/** The number of event-loop turns that a promise chain may need. */
const TURNS = 50;

/** Options of TunnelInMemory.open(). */
export interface InMemoryOptions {
  readonly address?: string;
  readonly allowedIps?: readonly string[];
  /** The server's name or address. */
  readonly host?: string;
  readonly keepaliveSeconds?: number;
  /** Default: CLIENT_KEY. */
  readonly privateKey?: Uint8Array;
  /** Default: the server of openNetwork(). */
  readonly server?: InMemoryServer;
}

/** The UDP port and public key of a server. */
export interface InMemoryServer {
  readonly port: number;
  readonly publicKey: Uint8Array;
}

/** The server's private key and the public key of its client. */
export interface InMemoryNetworkOptions {
  readonly privateKey?: Uint8Array;
  readonly clientKey?: Uint8Array;
  readonly client?: string;
}

export class TunnelInMemory {
  readonly clock = new FakeClock();
  readonly link = new MemoryNetwork(this.clock);
  readonly log = new RecordingLog();
  /** Names that the fake resolver knows. Addresses resolve to themselves; other names fail. */
  readonly names = new Map<string, Resolution | Error>();
  /** The times of the resolver's queries. */
  readonly asked: number[] = [];
  /** The resolver's delay in milliseconds. */
  resolverDelay = 0;
  /** The difference between Unix time and the fake clock, in milliseconds. */
  wallOffset = 1_767_225_600_000;
  readonly ports: TunnelPorts;
  network!: ArcNetwork;
  server!: InMemoryServer;
  readonly #crypto: Crypto;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
    this.ports = {
      crypto,
      entropy: seededEntropy(1),
      wallClock: { unixMilliseconds: () => this.wallOffset + this.clock.now() },
      clock: this.clock,
      sockets: this.link,
      resolver: { resolve: (host) => this.#resolve(host) },
      log: this.log,
    };
  }

  /** Opens the server's end, which knows the client by the given address. */
  async openNetwork(client = CLIENT): Promise<ArcNetwork> {
    this.network = await this.openAnother({ client });
    this.server = serverOf(this.network);
    return this.network;
  }

  /** Opens another server on its own port. */
  async openAnother(options: InMemoryNetworkOptions): Promise<ArcNetwork> {
    const { privateKey = new Uint8Array(32).fill(5), clientKey = CLIENT_KEY } = options;
    const network = await openWireGuardNetwork(
      {
        listen: { address: '127.0.0.1', port: 0 },
        privateKey: new Secret(privateKey),
        addresses: [parseIpAddress(SERVICE)!, parseIpAddress(SERVICE_IPV6)!],
      },
      this.ports,
    );
    const publicKey = this.#crypto.publicKey(clientKey);
    network.addPeer({ publicKey, address: parseIpAddress(options.client ?? CLIENT)! });
    return network;
  }

  /** Opens the client's end and starts its handshake. */
  open(options: InMemoryOptions = {}): Promise<UserspaceTunnel> {
    return UserspaceTunnel.open(this.config(options), this.ports);
  }

  /** The configuration that open() uses. */
  config(options: InMemoryOptions = {}): TunnelConfig {
    const { port, publicKey } = options.server ?? this.server;
    return parseTunnelConfig({
      privateKey: new Secret((options.privateKey ?? CLIENT_KEY).slice()),
      serverPublicKey: publicKey,
      endpoint: { host: options.host ?? '127.0.0.1', port },
      address: options.address ?? CLIENT,
      allowedIps: options.allowedIps ?? ['100.127.0.0/16'],
      mtu: 1420,
      persistentKeepaliveSeconds: options.keepaliveSeconds ?? 0,
    });
  }

  /** Runs pending work without advancing the time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) {
      this.clock.settle();
      await Promise.resolve();
    }
  }

  /** Advances the time in steps, so that promises settle before later timers fire. */
  async advance(duration: number): Promise<void> {
    for (let passed = 0; passed < duration; passed += 100) {
      await this.settle();
      this.clock.advance(Math.min(100, duration - passed));
    }
    await this.settle();
  }

  async #resolve(host: string): Promise<Resolution> {
    this.asked.push(this.clock.now());
    if (this.resolverDelay > 0) {
      await new Promise<void>((resolve) => this.clock.startTimer(this.resolverDelay, resolve));
    }
    if (parseIpAddress(host) !== undefined) return { addresses: [host], ttl: Infinity };
    const found = this.names.get(host) ?? systemError('getaddrinfo', 'ENOTFOUND');
    if (found instanceof Error) throw found;
    return found;
  }
}

/** The port and public key that a client needs to reach a network. */
export function serverOf({ endpoint, publicKey }: ArcNetwork): InMemoryServer {
  return { port: endpoint.port, publicKey };
}
