/** A fleet whose tunnels and server are real; the network, the clock and the files are fake. */
import type { LoadedArcConfig } from '../../src/app/config/load-arc-config.js';
import { Fleet } from '../../src/app/fleet/fleet.js';
import type { FleetMember } from '../../src/app/fleet/fleet-member.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { UserError } from '../../src/lib/errors/user-error.js';
import { FileError } from '../../src/ports/files.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { FakeClaims } from '../support/fakes/fake-claims.js';
import { TunnelInMemory } from '../support/pairs/tunnel-in-memory.js';
import { settled, until } from '../support/until.js';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

export class FleetHarness {
  readonly world = new TunnelInMemory(createNodeCrypto());
  readonly claims = new FakeClaims();
  /** The files in the folder of the fleet, by their names. */
  readonly texts = new Map<string, string>();
  /** Whether the folder can be listed. */
  isReadable = true;
  /** When a file was read, by the clock. */
  readonly reads: number[] = [];
  /** Delays what follows after a file was read. */
  gate = Promise.resolve();
  readonly removed: string[] = [];
  readonly fleet: Fleet;

  constructor() {
    const noSocket = Object.assign(new Error('not here'), { code: 'EACCES' });
    this.fleet = new Fleet(
      {
        places: [{ path: 'sims', isFolder: true }],
        plan: {},
        load: (path) => this.#load(path),
        force: false,
        pid: 4711,
        renewal: undefined,
        folders: ['/run/arctun'],
        version: '0.1.0',
      },
      {
        ...this.world.ports,
        claims: this.claims,
        listeners: { listen: () => Promise.reject(noSocket) },
        files: { list: () => this.#list(), readText: () => Promise.reject(noSocket) },
      },
    );
    this.fleet.onRemoved(({ name }) => this.removed.push(name));
  }

  /** Writes the file of a SIM that the server knows. Its key and its SIM ID contain the number. */
  write(name: string, number: number): void {
    const { network, server, ports } = this.world;
    const privateKey = new Uint8Array(32).fill(number);
    const address = `10.0.1.${number}`;
    const publicKey = ports.crypto.publicKey(privateKey);
    network.removePeer(publicKey);
    network.addPeer({ publicKey, address: parseIpAddress(address)! });
    const text = JSON.stringify({
      privateKey: base64(privateKey),
      simId: simIdOf(number),
      arcSessionStatus: {
        arcServerPeerPublicKey: base64(server.publicKey),
        arcServerEndpoint: `127.0.0.1:${server.port}`,
        arcAllowedIPs: ['100.127.0.0/16'],
        arcClientPeerIpAddress: address,
      },
    });
    this.texts.set(name, text);
  }

  /** Starts the fleet, and waits for the first handshake or the first failure of each SIM. */
  async start(): Promise<void> {
    const { settled: all } = await this.fleet.start();
    await settled(all, () => this.pass(100));
  }

  member(name: string): FleetMember {
    return this.fleet.find(name)!;
  }

  /** Waits until a tunnel is open with the key of this number. */
  async openWith(name: string, number: number): Promise<void> {
    const key = base64(this.world.ports.crypto.publicKey(new Uint8Array(32).fill(number)));
    const isOpen = async () => {
      const status = await this.member(name)
        .status()
        .catch(() => undefined);
      return status !== undefined && status.publicKey === key;
    };
    await until(isOpen, { turn: () => this.turn() });
  }

  /** Runs what can run without time. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.world.settle();
  }

  async pass(milliseconds: number): Promise<void> {
    await this.turn();
    await this.world.advance(milliseconds);
  }

  async close(): Promise<void> {
    await settled(this.fleet.close(0), () => this.pass(100));
    await this.world.network.close();
  }

  async #load(path: string): Promise<LoadedArcConfig> {
    this.reads.push(this.world.clock.now());
    const text = this.texts.get(path.replace('sims/', ''));
    await this.gate;
    if (text === undefined || text === '') {
      const next = ['Write the file again.'];
      throw new UserError('configuration', { what: `cannot read ${path}`, why: 'empty', next });
    }
    const config = parseArcConfig(text, { path });
    return { config, original: config, source: path, path, notices: [] };
  }

  #list(): Promise<readonly string[]> {
    if (this.isReadable) return Promise.resolve([...this.texts.keys()]);
    return Promise.reject(new FileError('denied', 'sims', 'permission denied'));
  }
}

export function simIdOf(number: number): string {
  return `89423100220000${String(number).padStart(5, '0')}`;
}
