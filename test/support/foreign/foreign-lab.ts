/** Both foreign peers, and tunnels of ours to them, for one test file. */
import {
  ForeignNetwork,
  type MessageType,
  outsideAddress,
  type Traffic,
} from './foreign-network.js';
import {
  endpointText,
  type ForeignPeer,
  type Identity,
  KernelPeer,
  WireGuardGoPeer,
} from './foreign-peer.js';
import {
  ARCTUN,
  Processes,
  REPOSITORY,
  type TestProcess,
  type TestProcessOptions,
} from '../processes.js';
import { type Address, keyPair, type TunnelSetup, WireGuardPeer } from '../pairs/wireguard-peer.js';

/** What a file with foreign peers needs. */
export const FOREIGN_PEERS = [
  ...(['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ping', 'ethtool'] as const),
  ...(['qemu-system-x86_64', 'kernel-peer'] as const),
] as const;

/** For describe.each. */
export const BOTH_PEERS = [
  ['the Linux kernel', 'kernel'],
  ['wireguard-go', 'go'],
] as const;

const PATIENCE = 60_000;

export type PeerName = (typeof BOTH_PEERS)[number][1];

/** Ours: only we know where the other end is, so that only we can begin. */
export type Initiator = 'ours' | 'theirs';
export const BOTH_ROLES: readonly Initiator[] = ['ours', 'theirs'];

export interface TunnelOptions {
  /** Another interface than the first one of that peer. */
  readonly foreign?: ForeignPeer;
  readonly family?: 4 | 6;
  readonly mtu?: number;
  readonly ourPresharedKey?: string;
  readonly theirPresharedKey?: string;
  /** Seconds; the initiator's. */
  readonly persistentKeepalive?: number;
}

export class ForeignLab {
  readonly processes: Processes;
  readonly network: ForeignNetwork;
  readonly #go: WireGuardGoPeer;
  #kernel: KernelPeer | undefined;
  readonly #others: ForeignPeer[] = [];
  #tunnels = 0;

  private constructor() {
    this.processes = new Processes();
    this.network = new ForeignNetwork();
    this.#go = new WireGuardGoPeer(this.processes, this.network);
  }

  /** Both peers have an interface and serve HTTP. */
  static async start(): Promise<ForeignLab> {
    const lab = new ForeignLab();
    try {
      lab.#kernel = await KernelPeer.boot(lab.processes, lab.network);
      for (const [, name] of BOTH_PEERS) {
        await lab.peer(name).start();
        await lab.peer(name).serveHttp();
      }
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  peer(name: PeerName): WireGuardGoPeer | KernelPeer {
    if (name === 'go') return this.#go;
    if (this.#kernel === undefined) throw new Error('the machine was not booted');
    return this.#kernel;
  }

  /** Another interface of a foreign peer, with a key and an address of its own. */
  async another(name: PeerName, identity: Identity): Promise<ForeignPeer> {
    const peer = this.peer(name).another(identity);
    this.#others.push(peer);
    await peer.start();
    return peer;
  }

  /** A tunnel between a new process of ours and a foreign peer; nothing has been sent yet. */
  async tunnel(
    name: PeerName,
    initiator: Initiator,
    options: TunnelOptions = {},
  ): Promise<ForeignTunnel> {
    const number = ++this.#tunnels;
    const tunnel = new ForeignTunnel(this, options.foreign ?? this.peer(name), {
      initiator,
      options,
      port: 40_000 + number,
      inside: `10.77.0.${number}`,
    });
    await tunnel.open();
    return tunnel;
  }

  /** `arctun` where we are. */
  arctun(parameters: readonly string[], options?: TestProcessOptions): TestProcess {
    const command = [process.execPath, ARCTUN, ...parameters];
    return this.processes.start([...this.network.in('ours'), ...command], options);
  }

  /** Asks until the answer is yes; a minute is far more than any of this takes. */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE;
    while (!(await isTrue())) {
      if (Date.now() > end) throw new Error(`in vain: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Puts that interface under load from the router; it ends with its standard input. */
  flood(target: Address, publicKey: string): TestProcess {
    const program = `${REPOSITORY}test/support/foreign/initiation-flood.js`;
    return this.processes.start(
      [
        ...this.network.in('router'),
        ...[process.execPath, program, endpointText(target), publicKey],
        ...['--limit', '400000'],
      ],
      { interactive: true },
    );
  }

  async close(): Promise<void> {
    // A wireguard-go that is killed leaves its control socket behind.
    for (const peer of [this.#go, ...this.#others]) {
      if (peer instanceof WireGuardGoPeer) await peer.crash();
    }
    for (const id of this.network.processIds()) process.kill(id, 'SIGKILL');
    await this.processes.close();
    this.network.close();
  }
}

interface TunnelPlan {
  readonly initiator: Initiator;
  readonly options: TunnelOptions;
  /** Ours, outside of the tunnel. */
  readonly port: number;
  /** Ours, inside of it. */
  readonly inside: string;
}

export class ForeignTunnel {
  readonly foreign: ForeignPeer;
  readonly initiator: Initiator;
  readonly inside: string;
  readonly port: number;
  readonly keys = keyPair();
  ours!: WireGuardPeer;
  readonly #lab: ForeignLab;
  readonly #options: TunnelOptions;

  constructor(lab: ForeignLab, foreign: ForeignPeer, plan: TunnelPlan) {
    this.#lab = lab;
    this.foreign = foreign;
    this.initiator = plan.initiator;
    this.inside = plan.inside;
    this.port = plan.port;
    this.#options = plan.options;
  }

  get #family(): 4 | 6 {
    return this.#options.family ?? 4;
  }

  /** Where we are when we begin. */
  get ourAddress(): Address {
    return { address: outsideAddress('ours', this.#family), port: this.port };
  }

  get theirAddress(): Address {
    const address = outsideAddress(this.foreign.site, this.#family);
    return { address, port: this.foreign.listenPort };
  }

  async open(): Promise<void> {
    this.#lab.network.watch(this.port);
    // The one that may begin by itself comes last.
    if (this.initiator === 'ours') await this.introduce();
    await this.openOurs();
    if (this.initiator === 'theirs') await this.introduce();
  }

  /** Tells the foreign peer of us, for the first time or again. */
  async introduce(): Promise<void> {
    const { theirPresharedKey: presharedKey, persistentKeepalive } = this.#options;
    await this.foreign.setPeer({
      publicKey: this.keys.publicKey,
      allowedIps: `${this.inside}/32`,
      ...(this.initiator === 'theirs' && {
        endpoint: this.ourAddress,
        ...(persistentKeepalive !== undefined && { persistentKeepalive }),
      }),
      ...(presharedKey !== undefined && { presharedKey }),
    });
  }

  /** Starts our process, for the first time or again. */
  async openOurs(): Promise<void> {
    const { ourPresharedKey: presharedKey, mtu, persistentKeepalive } = this.#options;
    const setup: TunnelSetup = {
      keys: this.keys,
      local: { address: this.#family === 4 ? '0.0.0.0' : '::', port: this.port },
      address: this.inside,
      ...(mtu !== undefined && { mtu }),
      peer: {
        publicKey: this.foreign.publicKey,
        allowedIps: [`${this.foreign.inside}/32`],
        ...(this.initiator === 'ours' && {
          endpoint: this.theirAddress,
          ...(persistentKeepalive !== undefined && {
            persistentKeepalive: persistentKeepalive * 1000,
          }),
        }),
        ...(presharedKey !== undefined && { presharedKey }),
      },
    };
    const { processes, network } = this.#lab;
    this.ours = await WireGuardPeer.open(processes, network.in('ours'), setup);
  }

  /** The initiator sends something; the session is not waited for. */
  async begin(): Promise<void> {
    if (this.initiator === 'ours') await this.ours.handshake();
    else await this.foreign.shell(`ping -c 1 -W 1 ${this.inside} >/dev/null || true`);
  }

  /** Begins, and waits until both ends have the session. */
  async establish(): Promise<void> {
    await this.begin();
    await this.untilEstablished();
  }

  async untilEstablished(): Promise<void> {
    await this.until('a session at both ends', async () => {
      const [ours, theirs] = await Promise.all([this.ours.status(), this.dump()]);
      return ours.handshakes > 0 && ours.hasSession && theirs.latestHandshake > 0;
    });
  }

  dump(): ReturnType<ForeignPeer['dump']> {
    return this.foreign.dump(this.keys.publicKey);
  }

  traffic(way: 'out' | 'in', type: MessageType): Traffic {
    return this.#lab.network.traffic(this.port, way, type);
  }

  /** The bytes that went by, in our words. */
  transfer(): { sent: number; received: number } {
    const { network } = this.#lab;
    return {
      sent: network.transfer(this.port, 'out'),
      received: network.transfer(this.port, 'in'),
    };
  }

  /** TCP with the foreign peer's kernel, each end being client and server once. */
  async exchange(length = 100_000): Promise<void> {
    const { foreign, ours, inside } = this;
    const posted = await ours.post(foreign.inside, foreign.echoPath, length / 1000);
    expect(JSON.parse(posted.body)).toEqual({ length, sha256: posted.sha256 });
    const { answer, sha256 } = await foreign.post(`http://${inside}/`, length);
    expect(JSON.parse(answer)).toEqual({ length, sha256 });
  }

  /** Asks until the answer is yes, as the lab does. */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    await this.#lab.until(what, isTrue).catch(async (error: unknown) => {
      const state = JSON.stringify([await this.ours.status(), await this.dump()]);
      throw new Error(`${(error as Error).message}: ${state}`);
    });
  }
}
