/** A userspace tunnel to a WireGuard network, both real, over sockets in memory and a fake clock. */
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

/** Turns of the event loop that a promise chain may take. */
const TURNS = 50;

/** What TunnelInMemory.open() may be told. */
export interface InMemoryOptions {
  readonly address?: string;
  readonly allowedIps?: readonly string[];
  /** The server's name or address. */
  readonly host?: string;
  readonly keepaliveSeconds?: number;
  /** CLIENT_KEY by default. */
  readonly privateKey?: Uint8Array;
  /** That of openNetwork() by default. */
  readonly server?: InMemoryServer;
}

/** UDP port and public key of a server. */
export interface InMemoryServer {
  readonly port: number;
  readonly publicKey: Uint8Array;
}

/** Whom a server is, and whom it knows. */
export interface InMemoryNetworkOptions {
  readonly privateKey?: Uint8Array;
  readonly clientKey?: Uint8Array;
  readonly client?: string;
}

export class TunnelInMemory {
  readonly clock = new FakeClock();
  readonly link = new MemoryNetwork(this.clock);
  readonly log = new RecordingLog();
  /** Names of the imaginary network; an address is its own name, and there are no others. */
  readonly names = new Map<string, Resolution | Error>();
  /** When the resolver was asked. */
  readonly asked: number[] = [];
  /** Milliseconds until the resolver answers. */
  resolverDelay = 0;
  /** Unix milliseconds, less the clock's. */
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

  /** The server's end, which knows the client under that address. */
  async openNetwork(client = CLIENT): Promise<ArcNetwork> {
    this.network = await this.openAnother({ client });
    this.server = serverOf(this.network);
    return this.network;
  }

  /** A server that is not that of open(), at a port of its own. */
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

  /** The client's end; its handshake is under way. */
  open(options: InMemoryOptions = {}): Promise<UserspaceTunnel> {
    return UserspaceTunnel.open(this.config(options), this.ports);
  }

  /** What open() opens. */
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

  /** Lets what is under way happen, without time passing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) {
      this.clock.settle();
      await Promise.resolve();
    }
  }

  /** Lets time pass, in steps so that what waits for a promise is not overtaken. */
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

/** Where to find a network, as a client has to know it. */
export function serverOf({ endpoint, publicKey }: ArcNetwork): InMemoryServer {
  return { port: endpoint.port, publicKey };
}
