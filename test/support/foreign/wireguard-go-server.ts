/**
 * Runs Debian's wireguard-go as the Arc server, in network namespaces for one test file: a client
 * side with only a veth, and a server side with WireGuard and a plain HTTP server behind it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ARCTUN, Processes, REPOSITORY, type TestProcess } from '../processes.js';
import { startAnswering } from '../pairs/start-answering.js';
import { OuterWire } from './outer-wire.js';

export const SERVER_OUTSIDE = '192.0.2.1';
export const CLIENT_OUTSIDE = '192.0.2.2';
export const SERVICE = '100.127.69.42';
export const CLIENT_INSIDE = '10.77.0.2';
export const LISTEN_PORT = 11010;
const HTTP_PEER = `${REPOSITORY}test/support/foreign/http-peer.js`;
const RELAY = `${REPOSITORY}test/support/foreign/udp-relay.js`;

/** The addresses inside the tunnel, and the allowed IPs of the client. */
export interface Inside {
  readonly service: string;
  readonly client: string;
  readonly allowedIps: string;
}

const INSIDE_IPV4: Inside = {
  service: SERVICE,
  client: CLIENT_INSIDE,
  allowedIps: '100.127.0.0/16',
};

export const INSIDE_IPV6: Inside = {
  service: 'fd00:127::69:42',
  client: 'fd00:77::2',
  allowedIps: 'fd00:127::/32',
};

let serial = 0;

export class WireGuardGoServer {
  readonly processes = new Processes();
  readonly folder = mkdtempSync(join(tmpdir(), 'arctun-interop-'));
  readonly configPath = join(this.folder, 'arc.json');
  readonly #name = `at${process.pid}${serial++}`;
  readonly clientSpace = `${this.#name}c`;
  readonly serverSpace = `${this.#name}s`;
  readonly device = `wg${this.#name}`.slice(0, 15);
  /**
   * The device name for arc.json; unique, because `wg` looks up tunnels by a name that all
   * namespaces share.
   */
  readonly clientDevice = `arc${this.#name}`.slice(0, 15);
  readonly #keys = { server: keyPair(), client: keyPair() };
  http: TestProcess | undefined;
  inside: Inside;
  #listenPort = LISTEN_PORT;
  /** The namespace of the HTTP server: the server side, or a host behind it. */
  #serviceSpace: string;
  #wireguard: TestProcess | undefined;
  /** The wire between the client and the server; undefined on machines without nft. */
  readonly wire: OuterWire | undefined;
  #areStraysAllowed = false;

  constructor(inside: Inside = INSIDE_IPV4) {
    this.inside = inside;
    this.#serviceSpace = this.serverSpace;
    const { clientSpace, serverSpace } = this;
    const veth = [`${this.#name}0`, `${this.#name}1`] as const;
    for (const space of [clientSpace, serverSpace]) {
      // A failed earlier run may have left a namespace with this name.
      if (existsSync(`/run/netns/${space}`)) run('ip', 'netns', 'del', space);
      run('ip', 'netns', 'add', space);
      run('ip', '-n', space, 'link', 'set', 'lo', 'up');
    }
    run(
      'ip',
      'link',
      'add',
      veth[0],
      'netns',
      clientSpace,
      'type',
      'veth',
      'peer',
      'name',
      veth[1],
      'netns',
      serverSpace,
    );
    this.wire = OuterWire.watch(serverSpace, veth[1], SERVER_OUTSIDE, LISTEN_PORT);
    run('ip', '-n', clientSpace, 'address', 'add', `${CLIENT_OUTSIDE}/24`, 'dev', veth[0]);
    run('ip', '-n', serverSpace, 'address', 'add', `${SERVER_OUTSIDE}/24`, 'dev', veth[1]);
    run('ip', '-n', clientSpace, 'link', 'set', veth[0], 'up');
    run('ip', '-n', serverSpace, 'link', 'set', veth[1], 'up');
    // A loss rule must see datagrams, not the super-datagrams of segmentation offload.
    for (const [space, link] of [
      [clientSpace, veth[0]],
      [serverSpace, veth[1]],
    ] as const) {
      run(
        'ip',
        'netns',
        'exec',
        space,
        'ethtool',
        '-K',
        link,
        'gso',
        'off',
        'gro',
        'off',
        'tx-udp-segmentation',
        'off',
      );
    }
    this.writeConfig({});
  }

  /** Starts wireguard-go and configures it with `wg`. */
  async startWireGuard(): Promise<void> {
    const { serverSpace } = this;
    this.#wireguard = await this.startWireGuardGo(serverSpace, this.device);
    const keyFile = join(this.folder, 'server.key');
    writeFileSync(keyFile, this.#keys.server.privateKey, { mode: 0o600 });
    run(
      ...inSpace(serverSpace),
      'wg',
      'set',
      this.device,
      'listen-port',
      String(LISTEN_PORT),
      'private-key',
      keyFile,
      'peer',
      this.#keys.client.publicKey,
      'allowed-ips',
      host(this.inside.client),
    );
    const { service, client } = this.inside;
    run('ip', '-n', serverSpace, 'address', 'add', host(service), 'dev', this.device);
    run('ip', '-n', serverSpace, 'link', 'set', this.device, 'mtu', '1420', 'up');
    run('ip', '-n', serverSpace, 'route', 'add', host(client), 'dev', this.device);
  }

  /** Gives both the client and the service an additional address. */
  addInside({ service, client }: Inside): void {
    const { serverSpace, device } = this;
    const allowed = `${host(this.inside.client)},${host(client)}`;
    const peer = ['peer', this.#keys.client.publicKey, 'allowed-ips', allowed];
    run(...inSpace(serverSpace), 'wg', 'set', device, ...peer);
    run('ip', '-n', serverSpace, 'address', 'add', host(service), 'dev', device);
    run('ip', '-n', serverSpace, 'route', 'add', host(client), 'dev', device);
  }

  /** Replaces the session: a new server key and port, and another client address. */
  renew(client: string): void {
    this.#keys.server = keyPair();
    this.#listenPort++;
    this.wire?.addPort(this.#listenPort);
    const keyFile = join(this.folder, 'server.key');
    writeFileSync(keyFile, this.#keys.server.privateKey, { mode: 0o600 });
    const { serverSpace, device } = this;
    const set = [...inSpace(serverSpace), 'wg', 'set', device] as const;
    run(...set, 'private-key', keyFile, 'listen-port', String(this.#listenPort));
    run(...set, 'peer', this.#keys.client.publicKey, 'allowed-ips', host(client));
    run('ip', '-n', serverSpace, 'route', 'delete', host(this.inside.client), 'dev', device);
    run('ip', '-n', serverSpace, 'route', 'add', host(client), 'dev', device);
    this.inside = { ...this.inside, client };
  }

  /** The session in the format of reconfigured-tunnel.js. */
  tunnelConfig(allowedIps = [this.inside.allowedIps]): object {
    const { client, server } = this.#keys;
    return {
      privateKey: client.privateKey.trim(),
      serverPublicKey: server.publicKey,
      endpoint: { host: SERVER_OUTSIDE, port: this.#listenPort },
      address: this.inside.client,
      allowedIps,
    };
  }

  /** Starts another wireguard-go without configuration. */
  async startWireGuardGo(space: string, device: string): Promise<TestProcess> {
    const command = [...inSpace(space), 'wireguard-go', '-f', device];
    return startAnswering(this.processes, command, () =>
      Promise.resolve(deviceAnswers(space, device)),
    );
  }

  /**
   * Moves the service to a separate host behind the server, on a path whose MTU is visible from
   * neither end: the server's kernel reports larger packets as too big.
   */
  moveServiceBehind(mtu: number): void {
    const { serverSpace, inside } = this;
    const space = `${this.#name}b`;
    const [near, far] = [`${this.#name}2`, `${this.#name}3`];
    const isIpv6 = inside.service.includes(':');
    const [nearAddress, farAddress] = isIpv6
      ? ['fd00:127:99::1', 'fd00:127:99::2']
      : ['100.127.99.1', '100.127.99.2'];
    const length = isIpv6 ? 64 : 24;
    const nodad = isIpv6 ? ['nodad'] : [];
    run('ip', 'netns', 'add', space);
    this.#serviceSpace = space;
    const peer = ['type', 'veth', 'peer', 'name', far, 'netns', space];
    run('ip', 'link', 'add', near, 'netns', serverSpace, ...peer);
    for (const [at, link, address] of [
      [serverSpace, near, nearAddress],
      [space, far, farAddress],
    ] as const) {
      run('ip', '-n', at, 'address', 'add', `${address}/${length}`, 'dev', link, ...nodad);
      run('ip', '-n', at, 'link', 'set', link, 'up');
    }
    const settings = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'];
    const forward = settings.map((setting) => `echo 1 > /proc/sys/net/${setting}`).join('; ');
    run(...inSpace(serverSpace), 'sh', '-c', forward);
    // The router sends from the address of the device on which the packet arrived.
    const router = isIpv6 ? 'fd00:127:98::1' : '100.127.98.1';
    run('ip', '-n', serverSpace, 'address', 'add', host(router), 'dev', this.device);
    run('ip', '-n', serverSpace, 'address', 'delete', host(inside.service), 'dev', this.device);
    run('ip', '-n', space, 'address', 'add', host(inside.service), 'dev', far, ...nodad);
    run('ip', '-n', space, 'route', 'add', host(inside.client), 'via', nearAddress);
    const route = ['route', 'add', host(inside.service), 'via', farAddress];
    run('ip', '-n', serverSpace, ...route, 'mtu', 'lock', String(mtu));
  }

  /** The number of "packet too big" messages that the server's kernel has sent. */
  async tooBigSent(): Promise<number> {
    const { stdout } = await this.processes.run([
      ...inSpace(this.serverSpace),
      'sh',
      '-c',
      "cat /proc/net/snmp6; awk '/^IcmpMsg/ { print }' /proc/net/snmp",
    ]);
    const ipv6 = /Icmp6OutPktTooBigs\s+(\d+)/.exec(stdout);
    const [names, values] = [...stdout.matchAll(/^IcmpMsg: (.*)$/gm)].map((line) =>
      line[1]!.split(' '),
    );
    const ipv4 = values?.[names?.indexOf('OutType3') ?? -1];
    return Number(ipv6?.[1] ?? 0) + Number(ipv4 ?? 0);
  }

  signalWireGuard(signal: NodeJS.Signals): void {
    this.#wireguard?.kill(signal);
  }

  /** Resolves when wireguard-go has exited. */
  async wireGuardEnded(): Promise<void> {
    await this.#wireguard?.finished;
  }

  /** Kills wireguard-go, like a crash. */
  async killWireGuard(): Promise<void> {
    this.#wireguard?.kill('SIGKILL');
    await this.#wireguard?.finished;
    try {
      run('rm', '-f', `/var/run/wireguard/${this.device}.sock`);
    } catch {
      // No control socket was left behind.
    }
  }

  /** Starts a plain HTTP server at the Unified Endpoint's address. */
  async startHttp(): Promise<TestProcess> {
    const server = this.processes.start([
      ...inSpace(this.#serviceSpace),
      process.execPath,
      HTTP_PEER,
      this.inside.service,
      '80',
    ]);
    await server.output(/listening/);
    this.http = server;
    return server;
  }

  /** Starts a relay in the client's namespace; returns the port to use in the endpoint. */
  async startRelay(...options: readonly string[]): Promise<number> {
    const relay = this.processes.start([
      ...inSpace(this.clientSpace),
      process.execPath,
      RELAY,
      `${SERVER_OUTSIDE}:${LISTEN_PORT}`,
      ...options,
    ]);
    const match = await relay.output(/listening (\d+)/);
    return Number(match[1]);
  }

  /** Drops `percent` of the tunnel's datagrams in each direction. */
  dropDatagrams(percent: number): void {
    const nft = [...inSpace(this.serverSpace), 'nft'] as const;
    run(...nft, 'add table inet loss');
    for (const [hook, side] of [
      ['input', 'dport'],
      ['output', 'sport'],
    ] as const) {
      run(...nft, `add chain inet loss ${hook} { type filter hook ${hook} priority 0; }`);
      const loss = `numgen random mod 100 < ${percent} counter drop`;
      run(...nft, `add rule inet loss ${hook} udp ${side} ${LISTEN_PORT} ${loss}`);
    }
  }

  /** The number of datagrams that the loss rules have dropped. */
  droppedDatagrams(): number {
    const listing = run(...inSpace(this.serverSpace), 'nft', 'list', 'table', 'inet', 'loss');
    return [...listing.matchAll(/packets (\d+)/g)].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  }

  writeConfig(change: {
    endpoint?: string;
    serverKey?: string;
    allowedIps?: string[];
    client?: string;
  }): void {
    const { client, server } = this.#keys;
    const config = {
      privateKey: client.privateKey.trim(),
      publicKey: client.publicKey,
      simId: '8942000000000000001',
      logLevel: 2,
      enableMetrics: true,
      interface: this.clientDevice,
      arcSessionStatus: {
        arcServerPeerPublicKey: change.serverKey ?? server.publicKey,
        arcServerEndpoint: change.endpoint ?? `${SERVER_OUTSIDE}:${LISTEN_PORT}`,
        arcAllowedIPs: change.allowedIps ?? [this.inside.allowedIps],
        arcClientPeerIpAddress: change.client ?? this.inside.client,
      },
    };
    writeFileSync(this.configPath, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  }

  /** Runs `arctun` in the client's namespace. */
  arctun(...parameters: readonly string[]): TestProcess {
    return this.processes.start([
      ...inSpace(this.clientSpace),
      process.execPath,
      ARCTUN,
      ...parameters,
      '--config',
      this.configPath,
    ]);
  }

  /** Starts `arctun up` on free ports and waits until it is ready. */
  async up(...parameters: readonly string[]): Promise<{ process: TestProcess; url: string }> {
    const started = this.arctun(
      'up',
      '--json',
      '--log-format',
      'json',
      '--forward-listen',
      '127.0.0.1:0',
      ...parameters,
    );
    const match = await started.output(/"forward":"(http:[^"]+)"/);
    return { process: started, url: match[1]! };
  }

  /** Runs curl in the client's namespace. */
  curl(...parameters: readonly string[]): TestProcess {
    return this.processes.start([
      ...inSpace(this.clientSpace),
      'curl',
      '-sS',
      '--max-time',
      '240',
      ...parameters,
    ]);
  }

  /** Bytes received and sent, from the server's `wg show … transfer`. */
  transfer(): { received: number; sent: number } {
    const [, received, sent] = run(
      ...inSpace(this.serverSpace),
      'wg',
      'show',
      this.device,
      'transfer',
    )
      .trim()
      .split('\t');
    return { received: Number(received), sent: Number(sent) };
  }

  /**
   * Allows the client to send other packets than WireGuard to the server, because the test itself sends
   * them. Otherwise, close() throws if it has sent any.
   */
  allowStrays(): void {
    this.#areStraysAllowed = true;
  }

  /** @throws Error if anything but WireGuard has left the client's namespace */
  async close(): Promise<void> {
    await this.processes.close();
    try {
      if (!this.#areStraysAllowed) this.wire?.assertNoStrays();
    } finally {
      this.#removeSpaces();
    }
  }

  #removeSpaces(): void {
    for (const space of new Set([this.clientSpace, this.serverSpace, this.#serviceSpace]))
      run('ip', 'netns', 'delete', space);
    for (const device of [this.device, this.clientDevice]) {
      run('rm', '-f', `/var/run/wireguard/${device}.sock`);
    }
    rmSync(this.folder, { recursive: true });
  }
}

export function inSpace(space: string): [string, ...string[]] {
  return ['ip', 'netns', 'exec', space];
}

function run(command: string, ...parameters: string[]): string {
  return execFileSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Formats a single address as a prefix. */
function host(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}

function keyPair(): { privateKey: string; publicKey: string } {
  const privateKey = execFileSync('wg', ['genkey'], { encoding: 'utf8' });
  const publicKey = execFileSync('wg', ['pubkey'], { encoding: 'utf8', input: privateKey }).trim();
  return { privateKey, publicKey };
}

function deviceAnswers(space: string, device: string): boolean {
  try {
    run(...inSpace(space), 'wg', 'show', device);
    return true;
  } catch {
    return false;
  }
}
