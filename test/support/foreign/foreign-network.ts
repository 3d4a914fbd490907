/**
 * Network namespaces for one test file: the local side, a router, and wireguard-go. The kernel's
 * virtual machine is attached to the router by a tap. The router counts WireGuard messages, and can
 * act as NAT.
 */
import { execFileSync } from 'node:child_process';

import { OuterWire } from './outer-wire.js';

export type Site = 'ours' | 'go' | 'kernel';

/** The networks, IPv4 and IPv6; in each, `.2` is the machine and `.1` the router. */
const NETWORKS: Record<Site, { readonly ipv4: string; readonly ipv6: string }> = {
  ours: { ipv4: '198.51.100', ipv6: '2001:db8:1::' },
  go: { ipv4: '192.0.2', ipv6: '2001:db8:2::' },
  kernel: { ipv4: '203.0.113', ipv6: '2001:db8:3::' },
};

export const MESSAGE_TYPES = { initiation: 1, response: 2, cookieReply: 3, data: 4 } as const;
export type MessageType = keyof typeof MESSAGE_TYPES;

const IPV4_HEADER = 20;
const UDP_HEADER = 8;

/**
 * Messages of one type that the router forwarded, and their bytes over IPv4 as WireGuard counts
 * them.
 */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

let serial = 0;

export class ForeignNetwork {
  readonly #name = `af${process.pid}${serial++}`;
  readonly spaces: Record<'ours' | 'go' | 'router', string>;
  readonly tap = 'tokernel';
  /** The link of the local side, which may send only WireGuard to the peers. */
  readonly wire: OuterWire;

  constructor() {
    const [ours, go, router] = ['o', 'g', 'r'].map((letter) => `${this.#name}${letter}`);
    this.spaces = { ours: ours!, go: go!, router: router! };
    for (const space of Object.values(this.spaces)) {
      run('ip', 'netns', 'add', space);
      run('ip', '-n', space, 'link', 'set', 'lo', 'up');
    }
    this.wire = new OuterWire(router!);
    for (const site of ['ours', 'go'] as const) this.#connect(site);
    // The gateway is also the address of a peer with NAT.
    for (const address of [gateway('ours', 4), gateway('ours', 6), ...peerAddresses()])
      this.wire.addServer(address);
    const { router: routing } = this.spaces;
    run('ip', '-n', routing, 'tuntap', 'add', this.tap, 'mode', 'tap');
    this.#setUpRouterSide('kernel', this.tap);
    for (const setting of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) {
      const path = `/proc/sys/${setting.replaceAll('.', '/')}`;
      run(...inSpace(routing), 'sh', '-c', `echo 1 >${path}`);
    }
    this.#nft(
      'add table inet wire',
      'add chain inet wire pass { type filter hook forward priority 0; }',
    );
  }

  /** The `ip netns exec` prefix for a site; the kernel's machine is reached differently. */
  in(space: keyof ForeignNetwork['spaces']): string[] {
    return inSpace(this.spaces[space]);
  }

  /** Changes the address of the local machine; its sockets stay open. */
  changeOurAddress(from: number, to: number): void {
    run(...this.in('ours'), 'sh', '-ec', addressChange('ours', from, to));
  }

  /** Starts counting messages to and from a local UDP port. */
  watch(port: number): void {
    for (const [way, side] of WAYS) {
      for (const [type, number] of Object.entries(MESSAGE_TYPES)) {
        const counter = counterName(port, way, type as MessageType);
        this.#nft(
          `add counter inet wire ${counter}`,
          // Matches the first byte after the UDP header.
          `add rule inet wire pass udp ${side} ${port} @th,64,8 ${number} counter name ${counter}`,
        );
      }
    }
  }

  /** The traffic since `watch`. */
  traffic(port: number, way: 'out' | 'in', type: MessageType): Traffic {
    const { packets, bytes } = this.#counter(counterName(port, way, type));
    return { messages: packets, bytes: bytes - packets * (IPV4_HEADER + UDP_HEADER) };
  }

  /** The bytes of all messages in a peer's transfer count, which excludes cookie replies. */
  transfer(port: number, way: 'out' | 'in'): number {
    return (['initiation', 'response', 'data'] as const)
      .map((type) => this.traffic(port, way, type).bytes)
      .reduce((sum, bytes) => sum + bytes);
  }

  /**
   * Starts counting the port's messages of exactly `bytes` bytes, and longer ones, in each
   * direction.
   */
  watchLength(port: number, bytes: number): void {
    const length = bytes + UDP_HEADER;
    for (const [way, side] of WAYS) {
      for (const [name, comparison] of [
        ['equal', ''],
        ['longer', 'gt'],
      ] as const) {
        const counter = `port${port}${way}${name}`;
        this.#nft(
          `add counter inet wire ${counter}`,
          `add rule inet wire pass udp ${side} ${port} udp length ${comparison} ${length} counter name ${counter}`,
        );
      }
    }
  }

  /** The counts since `watchLength`. */
  lengths(port: number, way: 'out' | 'in'): { equal: number; longer: number } {
    const [equal, longer] = ['equal', 'longer'].map(
      (name) => this.#counter(`port${port}${way}${name}`).packets,
    );
    return { equal: equal!, longer: longer! };
  }

  /** Translates packets from `inside` to the router's address and the given ports. */
  translate(inside: Site, outside: Site, ports: string): void {
    this.stopTranslating();
    if (outside === 'ours') this.wire.addPort(ports);
    this.#nft(
      'add table ip translation',
      'add chain ip translation out { type nat hook postrouting priority srcnat; }',
      `add rule ip translation out iifname ${linkTo(inside, this.tap)} oifname ${linkTo(outside, this.tap)} ip protocol udp masquerade to :${ports}`,
    );
  }

  stopTranslating(): void {
    this.#nft('add table ip translation', 'delete table ip translation');
  }

  /**
   * Sets a router's link down and up, so that its masquerade drops all mappings.
   *
   * @param meanwhile makes changes before the next packet, which would otherwise get the old
   * mapping
   */
  flap(site: Site, meanwhile: () => void = () => undefined): void {
    const link = linkTo(site, this.tap);
    run('ip', '-n', this.spaces.router, 'link', 'set', link, 'down');
    meanwhile();
    run('ip', '-n', this.spaces.router, 'link', 'set', link, 'up');
  }

  /** The IDs of processes still in the namespaces, such as children of killed shells. */
  processIds(): number[] {
    return Object.values(this.spaces).flatMap((space) =>
      run('ip', 'netns', 'pids', space).split('\n').filter(Boolean).map(Number),
    );
  }

  /** @throws Error if the local side has sent anything but WireGuard to the peers */
  close(): void {
    try {
      this.wire.assertNoStrays();
    } finally {
      for (const space of Object.values(this.spaces)) run('ip', 'netns', 'delete', space);
    }
  }

  #connect(site: 'ours' | 'go'): void {
    const { router } = this.spaces;
    const space = this.spaces[site];
    run(
      ...['ip', 'link', 'add', 'eth0', 'netns', space, 'type', 'veth'],
      ...['peer', 'name', linkTo(site, this.tap), 'netns', router],
    );
    if (site === 'ours') this.wire.addLink(linkTo(site, this.tap));
    this.#setUpRouterSide(site, linkTo(site, this.tap));
    run(...inSpace(space), 'sh', '-ec', firstAddresses(site));
    // Disables offload: the router must count datagrams, not the super-datagrams of segmentation
    // offload.
    for (const [where, link] of [
      [space, 'eth0'],
      [router, linkTo(site, this.tap)],
    ] as const) {
      const off = ['gso', 'off', 'gro', 'off', 'tx-udp-segmentation', 'off'];
      run(...inSpace(where), 'ethtool', '-K', link, ...off);
    }
  }

  #setUpRouterSide(site: Site, link: string): void {
    const { ipv4, ipv6 } = NETWORKS[site];
    const { router } = this.spaces;
    run('ip', '-n', router, 'address', 'add', `${ipv4}.1/24`, 'dev', link);
    run('ip', '-n', router, 'address', 'add', `${ipv6}1/64`, 'dev', link, 'nodad');
    run('ip', '-n', router, 'link', 'set', link, 'up');
  }

  #counter(name: string): { packets: number; bytes: number } {
    const listing = this.#nft(`list counter inet wire ${name}`);
    const [, packets, bytes] = /packets (\d+) bytes (\d+)/.exec(listing)!;
    return { packets: Number(packets), bytes: Number(bytes) };
  }

  #nft(...commands: string[]): string {
    return run(...inSpace(this.spaces.router), 'nft', commands.join('; '));
  }
}

const WAYS = [
  ['out', 'sport'],
  ['in', 'dport'],
] as const;

/** The address of a machine outside the tunnel; machine 2 exists from the start. */
export function outsideAddress(site: Site, family: 4 | 6 = 4, machine = 2): string {
  const { ipv4, ipv6 } = NETWORKS[site];
  return family === 4 ? `${ipv4}.${machine}` : `${ipv6}${machine}`;
}

function gateway(site: Site, family: 4 | 6): string {
  return outsideAddress(site, family, 1);
}

/** The addresses that the peers have, and those to which they move. */
function peerAddresses(): string[] {
  return (['go', 'kernel'] as const).flatMap((site) => [
    outsideAddress(site),
    outsideAddress(site, 4, 3),
    outsideAddress(site, 6),
  ]);
}

/** Shell commands that set a machine's addresses and routes on eth0. */
export function firstAddresses(site: Site): string {
  const { ipv4, ipv6 } = NETWORKS[site];
  return [
    // Disables duplicate address detection, so that the address is usable immediately.
    'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad',
    'ip link set eth0 up',
    `ip address add ${ipv4}.2/24 dev eth0`,
    `ip address add ${ipv6}2/64 dev eth0`,
    `ip route add default via ${ipv4}.1`,
    `ip -6 route add default via ${ipv6}1`,
  ].join('\n');
}

/** Shell commands that replace a machine's IPv4 address. */
export function addressChange(site: Site, from: number, to: number): string {
  const { ipv4 } = NETWORKS[site];
  return [
    `ip address delete ${ipv4}.${from}/24 dev eth0`,
    `ip address add ${ipv4}.${to}/24 dev eth0`,
    `ip route replace default via ${ipv4}.1`,
  ].join('\n');
}

function linkTo(site: Site, tap: string): string {
  return site === 'kernel' ? tap : `to${site}`;
}

function counterName(port: number, way: string, type: MessageType): string {
  return `port${port}${way}${type}`;
}

function inSpace(space: string): string[] {
  return ['ip', 'netns', 'exec', space];
}

function run(...command: string[]): string {
  return execFileSync(command[0]!, command.slice(1), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
