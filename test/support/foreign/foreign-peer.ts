/**
 * Other WireGuard implementations: Debian's wireguard-go in a namespace, and the Linux kernel's in
 * a virtual machine. The tests control both with `wg`, `ip`, `ping` and HTTP clients in a shell.
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

/** A peer as `wg show … dump` prints it. */
export interface PeerDump {
  /** As `wg` prints it: `192.0.2.1:51820`, `[2001:db8::1]:51820` or `(none)`. */
  readonly endpoint: string;
  /** Unix seconds; 0 if none. */
  readonly latestHandshake: number;
  readonly received: number;
  readonly sent: number;
}

/** An interface of a foreign peer. */
export interface Identity {
  readonly keys: KeyTexts;
  /** The address inside the tunnel, where HTTP is served. */
  readonly inside: string;
  readonly listenPort: number;
}

/** Creates an identity that no other interface has. */
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
   * Runs a shell command on the peer's machine.
   *
   * @returns its output
   * @throws Error if the command fails
   */
  abstract shell(command: string, timeout?: number): Promise<string>;

  /** The path at which HTTP POSTs return the body's length and SHA-256. */
  abstract readonly echoPath: string;

  protected abstract createDevice(): Promise<void>;
  protected abstract deleteDevice(): Promise<void>;

  /** Commands that print the body of a URL, and the response to a POST of a file. */
  protected abstract readonly http: { readonly get: string; readonly post: string };

  /** Creates the interface, without a peer. */
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

  /** Drops all sessions and settings, like a crash; call start() afterwards. */
  async crash(): Promise<void> {
    await this.deleteDevice();
  }

  /** Adds or changes a peer. */
  async setPeer(setting: PeerSetting): Promise<void> {
    const { device } = this;
    const { publicKey, presharedKey, endpoint, allowedIps, persistentKeepalive = 0 } = setting;
    const target = endpoint && `endpoint ${endpointText(endpoint)}`;
    const settings = `allowed-ips ${allowedIps} ${target ?? ''}`;
    await this.shell(`ip route replace ${allowedIps} dev ${device}`);
    await this.shell(`wg set ${device} peer ${publicKey} ${settings}`);
    if (presharedKey !== undefined) await this.setPresharedKey(publicKey, presharedKey);
    // Set last, because the first keepalive is sent immediately.
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

  /** Replaces the machine's address outside the tunnel. */
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
   * Sends echo requests into the tunnel; returns the numbers of requests and replies.
   *
   * @param options in seconds: the interval, and the wait for the last reply
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

  /** The SHA-256 of the body at a URL inside the tunnel. */
  async getSha256(url: string, timeout?: number): Promise<string> {
    const output = await this.shell(`${this.http.get} ${url} | sha256sum`, timeout);
    return output.slice(0, 64);
  }

  /** Sends a POST of `length` bytes; returns the response and the SHA-256 of the sent body. */
  async post(url: string, length: number): Promise<{ answer: string; sha256: string }> {
    const file = `/tmp/body.${this.device}.${serial++}`;
    const output = await this.shell(
      [
        // Sends text, because busybox's wget stops at a zero byte.
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
  /** Unique, because one folder holds the control sockets of all namespaces. */
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

  /** Another interface in the same namespace, not started yet. */
  another(identity: Identity): WireGuardGoPeer {
    return new WireGuardGoPeer(this.#processes, this.#network, identity);
  }
}

/** The Linux kernel's WireGuard, in its virtual machine. */
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

  /** Another interface in the same machine, not started yet. */
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
