/** A userspace tunnel to a WireGuard network, both real, over sockets in memory and a fake clock. */
import type { Crypto } from '../../src/crypto/crypto.js';
import type { ArcNetwork } from '../../src/emulator/arc-network.js';
import { openWireGuardNetwork } from '../../src/emulator/wireguard-network.js';
import { Secret } from '../../src/lib/secret.js';
import { parseTunnelConfig } from '../../src/tunnel/tunnel-config.js';
import { type TunnelPorts, UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { FakeClock } from './fake-clock.js';
import { MemoryNetwork } from './memory-network.js';
import { seededEntropy } from './seeded-entropy.js';
import { silentLog } from './silent-log.js';

export const SERVICE = '100.127.69.42';
export const CLIENT = '10.0.0.2';
const CLIENT_KEY = new Uint8Array(32).fill(3);

/** Turns of the event loop that a promise chain may take. */
const TURNS = 50;

export class TunnelInMemory {
  readonly clock = new FakeClock();
  readonly link = new MemoryNetwork(this.clock);
  readonly ports: TunnelPorts;
  network!: ArcNetwork;
  readonly #crypto: Crypto;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
    this.ports = {
      crypto,
      entropy: seededEntropy(1),
      wallClock: { unixMilliseconds: () => 1_767_225_600_000 + this.clock.now() },
      clock: this.clock,
      sockets: this.link,
      resolver: { resolve: (host) => Promise.resolve([host]) },
      log: silentLog,
    };
  }

  /** The server's end, which knows the client. */
  async openNetwork(): Promise<ArcNetwork> {
    this.network = await openWireGuardNetwork(
      {
        listen: { address: '127.0.0.1', port: 0 },
        privateKey: new Secret(new Uint8Array(32).fill(5)),
        addresses: [parseIpAddress(SERVICE)!],
      },
      this.ports,
    );
    const publicKey = this.#crypto.publicKey(CLIENT_KEY);
    this.network.addPeer({ publicKey, address: parseIpAddress(CLIENT)! });
    return this.network;
  }

  /** The client's end; its handshake is under way. */
  open(allowedIps: readonly string[] = ['100.127.0.0/16']): Promise<UserspaceTunnel> {
    const config = parseTunnelConfig({
      privateKey: new Secret(CLIENT_KEY),
      serverPublicKey: this.network.publicKey,
      endpoint: { host: '127.0.0.1', port: this.network.endpoint.port },
      address: CLIENT,
      allowedIps,
      mtu: 1420,
      persistentKeepaliveSeconds: 0,
    });
    return UserspaceTunnel.open(config, this.ports, Infinity);
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
}
