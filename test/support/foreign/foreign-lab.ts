/** Runs both foreign peers and this project's tunnels to them, for one test file. */
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

/** The requirements of a test file with foreign peers. */
export const FOREIGN_PEERS = [
  ...(['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ping', 'ethtool'] as const),
  ...(['qemu-system-x86_64', 'kernel-peer'] as const),
] as const;

/** The rows for describe.each. */
export const BOTH_PEERS = [
  ['the Linux kernel', 'kernel'],
  ['wireguard-go', 'go'],
] as const;

/** Milliseconds. */
const PATIENCE = 100_000;

/** The source ports of floods begin here. */
const FLOOD_PORTS = 60_000;

export type PeerName = (typeof BOTH_PEERS)[number][1];

/** The side that initiates. With `ours`, only the local side knows the other's endpoint. */
export type Initiator = 'ours' | 'theirs';
export const BOTH_ROLES: readonly Initiator[] = ['ours', 'theirs'];

export interface TunnelOptions {
  /** The foreign interface; default the peer's first one. */
  readonly foreign?: ForeignPeer;
  readonly family?: 4 | 6;
  readonly mtu?: number;
  readonly ourPresharedKey?: string;
  readonly theirPresharedKey?: string;
  /** Seconds, for the initiator. */
  readonly persistentKeepalive?: number;
}

export class ForeignLab {
  readonly processes: Processes;
  readonly network: ForeignNetwork;
  readonly #go: WireGuardGoPeer;
  #kernel: KernelPeer | undefined;
  readonly #others: ForeignPeer[] = [];
  #tunnels = 0;
  #floods = 0;

  private constructor() {
    this.processes = new Processes();
    this.network = new ForeignNetwork();
    this.#go = new WireGuardGoPeer(this.processes, this.network);
    this.network.wire.addPort(this.#go.listenPort);
  }

  /** Starts both peers, each with an interface and an HTTP server. */
  static async start(): Promise<ForeignLab> {
    const lab = new ForeignLab();
    try {
      lab.#kernel = await KernelPeer.boot(lab.processes, lab.network);
      lab.network.wire.addPort(lab.#kernel.listenPort);
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

  /** Adds another interface to a foreign peer, with its own key and address. */
  async another(name: PeerName, identity: Identity): Promise<ForeignPeer> {
    const peer = this.peer(name).another(identity);
    this.#others.push(peer);
    this.network.wire.addPort(peer.listenPort);
    await peer.start();
    return peer;
  }

  /** Creates a tunnel between a new local process and a foreign peer, without sending anything. */
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

  /** Runs `arctun` in the local namespace. */
  arctun(parameters: readonly string[], options?: TestProcessOptions): TestProcess {
    const command = [process.execPath, ARCTUN, ...parameters];
    return this.processes.start([...this.network.in('ours'), ...command], options);
  }

  /** Polls until the condition holds, for much longer than a slow machine needs. */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE;
    while (!(await isTrue())) {
      if (Date.now() > end) throw new Error(`timeout: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Floods an interface from the router; the flood ends with its standard input. */
  flood(target: Address, publicKey: string): TestProcess {
    const program = `${REPOSITORY}test/support/foreign/initiation-flood.js`;
    // Cookie replies go there.
    const port = FLOOD_PORTS + ++this.#floods;
    this.network.wire.addPort(port);
    return this.processes.start(
      [
        ...this.network.in('router'),
        ...[process.execPath, program, endpointText(target), publicKey],
        ...['--limit', '400000', '--from', String(port)],
      ],
      { interactive: true },
    );
  }

  async close(): Promise<void> {
    // A killed wireguard-go leaves its control socket behind.
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
  /** The local UDP port outside the tunnel. */
  readonly port: number;
  /** The local address inside the tunnel. */
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

  /** The local endpoint at the start. */
  get ourAddress(): Address {
    return { address: outsideAddress('ours', this.#family), port: this.port };
  }

  get theirAddress(): Address {
    const address = outsideAddress(this.foreign.site, this.#family);
    return { address, port: this.foreign.listenPort };
  }

  async open(): Promise<void> {
    this.#lab.network.watch(this.port);
    // The side that may start a handshake by itself is configured last.
    if (this.initiator === 'ours') await this.introduce();
    await this.openOurs();
    if (this.initiator === 'theirs') await this.introduce();
  }

  /** Configures the local side as a peer of the foreign one; may be repeated. */
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

  /** Starts the local process; may be repeated. */
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

  /** Makes the initiator send a packet, without waiting for the session. */
  async begin(): Promise<void> {
    if (this.initiator === 'ours') await this.ours.handshake();
    else await this.foreign.shell(`ping -c 1 -W 1 ${this.inside} >/dev/null || true`);
  }

  /** Starts the handshake and waits until both ends have the session. */
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

  /** Bytes sent and received, as the router counts them for the local side. */
  transfer(): { sent: number; received: number } {
    const { network } = this.#lab;
    return {
      sent: network.transfer(this.port, 'out'),
      received: network.transfer(this.port, 'in'),
    };
  }

  /**
   * Exchanges data over TCP with the foreign kernel, with each end once as client and once as
   * server.
   */
  async exchange(length = 100_000): Promise<void> {
    const { foreign, ours, inside } = this;
    const posted = await ours.post(foreign.inside, foreign.echoPath, length / 1000);
    expect(JSON.parse(posted.body)).toEqual({ length, sha256: posted.sha256 });
    const { answer, sha256 } = await foreign.post(`http://${inside}/`, length);
    expect(JSON.parse(answer)).toEqual({ length, sha256 });
  }

  /** Polls until the condition holds, as ForeignLab.until() does. */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    await this.#lab.until(what, isTrue).catch(async (error: unknown) => {
      const state = JSON.stringify([await this.ours.status(), await this.dump()]);
      throw new Error(`${(error as Error).message}: ${state}`);
    });
  }
}
