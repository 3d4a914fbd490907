/**
 * A home network behind a router that translates addresses and forgets a mapping after a silence,
 * and a network beyond it for servers. Nothing leaves the three network namespaces. Counters check
 * what the router receives from the home.
 */
import { execFileSync } from 'node:child_process';

import { OuterWire } from './outer-wire.js';

export const HOME_NETWORK = ['root', 'linux', 'ip', 'nft'] as const;

export const SERVER_ADDRESS = '198.51.100.2';
/** The port of the WireGuard server at SERVER_ADDRESS. */
export const ARC_PORT = 11010;
export const API_PORT = 18080;
/** The API of an emulator at SERVER_ADDRESS, as the home network reaches it. */
export const API_ADDRESS = `127.0.0.1:${API_PORT}`;
const ROUTER_OUTSIDE = '198.51.100.1';
const ROUTER_INSIDE = '192.168.77.1';
const HOME_ADDRESS = '192.168.77.2';

let serial = 0;

export class HomeNetwork {
  readonly #name = `ah${process.pid}${serial++}`;
  readonly #home = `${this.#name}h`;
  readonly #router = `${this.#name}r`;
  readonly #beyond = `${this.#name}b`;
  readonly #wire: OuterWire;

  /** @param lifetime how long the router keeps the mapping of a silent UDP flow, in seconds */
  constructor(lifetime: number) {
    for (const space of [this.#home, this.#router, this.#beyond]) {
      ip('netns', 'add', space);
      ip('-n', space, 'link', 'set', 'lo', 'up');
    }
    this.#wire = new OuterWire(this.#router);
    for (const address of [SERVER_ADDRESS, ROUTER_INSIDE]) this.#wire.addServer(address);
    this.#wire.addPort(ARC_PORT);
    this.#wire.addService(API_PORT);
    this.#connect('inside', this.#home, HOME_ADDRESS, ROUTER_INSIDE);
    this.#connect('outside', this.#beyond, SERVER_ADDRESS, ROUTER_OUTSIDE);
    ip('-n', this.#home, 'route', 'add', 'default', 'via', ROUTER_INSIDE);
    nft(
      this.#router,
      'add table ip translation',
      'add chain ip translation out { type nat hook postrouting priority srcnat; }',
      'add rule ip translation out oifname outside masquerade random',
    );
    this.#forwardApi();
    const settings = [
      ['ipv4/ip_forward', 1],
      ['netfilter/nf_conntrack_udp_timeout', lifetime],
      ['netfilter/nf_conntrack_udp_timeout_stream', lifetime],
    ] as const;
    for (const [name, value] of settings) set(this.#router, name, value);
  }

  /** Prefixes a command so that it runs on a machine in the home network. */
  get inHome(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#home];
  }

  /** Prefixes a command so that it runs at SERVER_ADDRESS. */
  get beyond(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#beyond];
  }

  /** @throws Error if anything but WireGuard and the API's TCP left the home */
  close(): void {
    try {
      this.#wire.assertNoStrays();
    } finally {
      for (const space of [this.#home, this.#router, this.#beyond]) ip('netns', 'delete', space);
    }
  }

  /** Connects a namespace with the router. The router's link has the given name. */
  #connect(link: string, space: string, address: string, router: string): void {
    const far = ['peer', 'name', 'eth0', 'netns', space];
    ip('link', 'add', link, 'netns', this.#router, 'type', 'veth', ...far);
    for (const [owner, name, own] of [
      [this.#router, link, router],
      [space, 'eth0', address],
    ] as const) {
      ip('-n', owner, 'address', 'add', `${own}/24`, 'dev', name);
      if (name === 'inside') this.#wire.addLink(name);
      ip('-n', owner, 'link', 'set', name, 'up');
    }
  }

  /** In the home network, API_ADDRESS leads to the server, because arctun accepts HTTP only there. */
  #forwardApi(): void {
    set(this.#home, 'ipv4/conf/all/route_localnet', 1);
    const [host] = API_ADDRESS.split(':');
    nft(
      this.#home,
      'add table ip api',
      'add chain ip api to { type nat hook output priority dstnat; }',
      `add rule ip api to ip daddr ${host} tcp dport ${API_PORT} dnat to ${SERVER_ADDRESS}:${API_PORT}`,
      'add chain ip api from { type nat hook postrouting priority srcnat; }',
      'add rule ip api from meta l4proto tcp oifname eth0 masquerade',
    );
  }
}

function nft(space: string, ...rules: readonly string[]): void {
  for (const rule of rules) execFileSync('ip', ['netns', 'exec', space, 'nft', rule]);
}

function set(space: string, name: string, value: number): void {
  const command = `echo ${value} >/proc/sys/net/${name}`;
  execFileSync('ip', ['netns', 'exec', space, 'sh', '-c', command]);
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words);
}
