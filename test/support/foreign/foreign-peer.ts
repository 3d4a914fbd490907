/**
 * WireGuard as others wrote it: Debian's wireguard-go in a namespace, and the Linux kernel's own in
 * a machine. Both are told what to do by `wg`, `ip`, `ping` and HTTP clients, in a shell of theirs.
 */
import { REPOSITORY, type Processes, type TestProcess } from '../processes.js';
import { startAnswering } from '../pairs/start-answering.js';
import {
  addressChange,
  firstAddresses,
  type ForeignNetwork,
  type Site,
} from './foreign-network.js';
import { KernelMachine } from '../kernel-peer/machine.js';
import { type Address, type KeyTexts, keyPair } from '../pairs/wireguard-peer.js';

const HTTP_PEER = `${REPOSITORY}test/support/foreign/http-peer.js`;

let serial = 0;
let identities = 0;

export interface PeerSetting {
  readonly publicKey: string;
  readonly presharedKey?: string;
  readonly endpoint?: Address;
  readonly allowedIps: string;
  /** Seconds. */
  readonly persistentKeepalive?: number;
}

/** What `wg show … dump` tells of a peer. */
export interface PeerDump {
  /** As `wg` writes it: `192.0.2.1:51820`, `[2001:db8::1]:51820` or `(none)`. */
  readonly endpoint: string;
  /** Unix seconds; 0 for none. */
  readonly latestHandshake: number;
  readonly received: number;
  readonly sent: number;
}

/** An interface of a foreign peer. */
export interface Identity {
  readonly keys: KeyTexts;
  /** Its address inside the tunnel; HTTP is served there. */
  readonly inside: string;
  readonly listenPort: number;
}

/** One that no other interface has. */
export function anotherIdentity(): Identity {
  const number = ++identities;
  return { keys: keyPair(), inside: `100.127.69.${42 + number}`, listenPort: 51820 + number };
}

function firstIdentity(): Identity {
  return { keys: keyPair(), inside: '100.127.69.42', listenPort: 51820 };
}

export abstract class ForeignPeer {
  abstract readonly site: Site;
  abstract readonly device: string;
  readonly inside: string;
  readonly listenPort: number;
  readonly publicKey: string;
  readonly #keys: KeyTexts;

  constructor({ keys, inside, listenPort }: Identity) {
    this.#keys = keys;
    this.publicKey = keys.publicKey;
    this.inside = inside;
    this.listenPort = listenPort;
  }

  /**
   * Runs a shell's command where the peer is.
   *
   * @returns its output
   * @throws Error where it fails
   */
  abstract shell(command: string, timeout?: number): Promise<string>;

  /** Where HTTP POSTs are answered with length and SHA-256. */
  abstract readonly echoPath: string;

  protected abstract createDevice(): Promise<void>;
  protected abstract deleteDevice(): Promise<void>;

  /** Commands that write the body of a URL, and of the answer to a POST of a file, to their output. */
  protected abstract readonly http: { readonly get: string; readonly post: string };

  /** Makes the interface, without a peer. */
  async start(mtu = 1420): Promise<void> {
    await this.createDevice();
    const { device, inside, listenPort } = this;
    await this.shell(
      [
        `echo ${this.#keys.privateKey} | wg set ${device} listen-port ${listenPort} private-key /dev/stdin`,
        `ip address add ${inside}/32 dev ${device}`,
        `ip link set ${device} mtu ${mtu} up`,
      ].join('\n'),
    );
  }

  /** Loses all sessions, and all that was set, as a crash does; start() comes next. */
  async crash(): Promise<void> {
    await this.deleteDevice();
  }

  /** Adds a peer, or changes it. */
  async setPeer(setting: PeerSetting): Promise<void> {
    const { device } = this;
    const { publicKey, presharedKey, endpoint, allowedIps, persistentKeepalive = 0 } = setting;
    const target = endpoint && `endpoint ${endpointText(endpoint)}`;
    const settings = `allowed-ips ${allowedIps} ${target ?? ''}`;
    await this.shell(`ip route replace ${allowedIps} dev ${device}`);
    await this.shell(`wg set ${device} peer ${publicKey} ${settings}`);
    if (presharedKey !== undefined) await this.setPresharedKey(publicKey, presharedKey);
    // The first keepalive is sent at once: all else is set then.
    const keepalive = `persistent-keepalive ${persistentKeepalive}`;
    await this.shell(`wg set ${device} peer ${publicKey} ${keepalive}`);
  }

  async setPresharedKey(publicKey: string, presharedKey: string): Promise<void> {
    const set = `wg set ${this.device} peer ${publicKey} preshared-key /dev/stdin`;
    await this.shell(`echo ${presharedKey} | ${set}`);
  }

  async setMtu(mtu: number): Promise<void> {
    await this.shell(`ip link set ${this.device} mtu ${mtu}`);
  }

  async setListenPort(port: number): Promise<void> {
    await this.shell(`wg set ${this.device} listen-port ${port}`);
  }

  /** Gives the machine another address outside of the tunnel and takes the old one away. */
  async changeAddress(from: number, to: number): Promise<void> {
    await this.shell(addressChange(this.site, from, to));
  }

  async dump(publicKey: string): Promise<PeerDump> {
    const listing = await this.shell(`wg show ${this.device} dump`);
    const line = listing.split('\n').find((text) => text.startsWith(publicKey));
    if (line === undefined) throw new Error(`no peer ${publicKey} in:\n${listing}`);
    const [, , endpoint, , latestHandshake, received, sent] = line.split('\t');
    return {
      endpoint: endpoint!,
      latestHandshake: Number(latestHandshake),
      received: Number(received),
      sent: Number(sent),
    };
  }

  /**
   * Sends echo requests into the tunnel; how many were sent and how many answered.
   *
   * @param options in seconds: between two of them, and for the last answer
   */
  async ping(
    address: string,
    count: number,
    options: { interval?: number; patience?: number; source?: string } = {},
  ): Promise<[number, number]> {
    const { interval = 0.1, patience = 10, source = this.inside } = options;
    const ping = `ping -q -c ${count} -i ${interval} -W ${patience} -I ${source} ${address} || true`;
    const output = await this.shell(ping, 60_000 + count * interval * 1000);
    const match = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(output);
    if (match === null) throw new Error(`ping says: ${output}`);
    return [Number(match[1]), Number(match[2])];
  }

  /** The SHA-256 of what a URL inside the tunnel answers. */
  async getSha256(url: string, timeout?: number): Promise<string> {
    const output = await this.shell(`${this.http.get} ${url} | sha256sum`, timeout);
    return output.slice(0, 64);
  }

  /** POSTs so many bytes; the answer, and the SHA-256 of what was sent. */
  async post(url: string, length: number): Promise<{ answer: string; sha256: string }> {
    const file = `/tmp/body.${this.device}.${serial++}`;
    const output = await this.shell(
      [
        // Text: busybox's wget ends at a zero byte.
        `head -c ${length} /dev/urandom | base64 -w 0 | head -c ${length} >${file}`,
        `sha256sum <${file}`,
        `${this.http.post}${file} ${url}`,
        `rm ${file}`,
      ].join('\n'),
    );
    const [first, ...rest] = output.split('\n');
    return { answer: rest.join('\n'), sha256: first!.slice(0, 64) };
  }
}

/** Debian's wireguard-go in the namespace `go`. */
export class WireGuardGoPeer extends ForeignPeer {
  readonly site = 'go';
  readonly echoPath = '/';
  /** Its control socket stands in one folder for all namespaces. */
  readonly device = `af${process.pid}x${serial++}`;
  protected readonly http = { get: 'curl -sSf', post: 'curl -sSf -H Expect: --data-binary @' };
  readonly #processes: Processes;
  readonly #network: ForeignNetwork;
  #wireguard: TestProcess | undefined;

  constructor(processes: Processes, network: ForeignNetwork, identity = firstIdentity()) {
    super(identity);
    this.#processes = processes;
    this.#network = network;
  }

  async shell(command: string): Promise<string> {
    const shell = [...this.#network.in('go'), 'sh', '-ec', command];
    const { code, stdout, stderr } = await this.#processes.run(shell);
    if (code !== 0) throw new Error(`in wireguard-go's namespace: ${command}: ${stdout}${stderr}`);
    return stdout;
  }

  async serveHttp(): Promise<void> {
    const server = this.#processes.start([
      ...this.#network.in('go'),
      ...[process.execPath, HTTP_PEER, '0.0.0.0', '80'],
    ]);
    await server.output(/listening/);
  }

  protected async createDevice(): Promise<void> {
    const { device } = this;
    const command = [...this.#network.in('go'), 'wireguard-go', '-f', device];
    const answers = () => this.shell(`wg show ${device}`).then(Boolean, () => false);
    this.#wireguard = await startAnswering(this.#processes, command, answers);
  }

  protected async deleteDevice(): Promise<void> {
    this.#wireguard?.kill('SIGKILL');
    await this.#wireguard?.finished;
    await this.shell(`rm -f /var/run/wireguard/${this.device}.sock`);
  }

  /** Another interface at the same place, which is not started yet. */
  another(identity: Identity): WireGuardGoPeer {
    return new WireGuardGoPeer(this.#processes, this.#network, identity);
  }
}

/** The Linux kernel's WireGuard, in its machine. */
export class KernelPeer extends ForeignPeer {
  readonly site = 'kernel';
  readonly echoPath = '/cgi-bin/echo';
  readonly device = `wg${serial++}`;
  protected readonly http = { get: 'wget -q -O -', post: 'wget -q -O - --post-file=' };
  readonly #machine: KernelMachine;

  private constructor(machine: KernelMachine, identity = firstIdentity()) {
    super(identity);
    this.#machine = machine;
  }

  /** Boots the machine. */
  static async boot(processes: Processes, network: ForeignNetwork): Promise<KernelPeer> {
    const machine = await KernelMachine.boot(processes, network.in('router'), network.tap);
    await machine.run(firstAddresses('kernel'));
    return new KernelPeer(machine);
  }

  /** Another interface at the same place, which is not started yet. */
  another(identity: Identity): KernelPeer {
    return new KernelPeer(this.#machine, identity);
  }

  shell(command: string, timeout?: number): Promise<string> {
    return this.#machine.run(`set -e\n${command}`, timeout);
  }

  async serveHttp(): Promise<void> {
    await this.shell('mkdir -p /www/bytes; yes arctun | head -c 1000000 >/www/bytes/1000000');
    await this.shell('httpd -p 80 -h /www');
  }

  protected async createDevice(): Promise<void> {
    await this.shell(`ip link add ${this.device} type wireguard`);
  }

  protected async deleteDevice(): Promise<void> {
    await this.shell(`ip link delete ${this.device}`);
  }
}

export function endpointText({ address, port }: Address): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
