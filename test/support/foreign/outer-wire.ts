/**
 * Counts the packets that leave the client's machine, at the other end of its wire and below IP.
 * A test can thus show that only WireGuard messages to the server leave the machine, also if a packet
 * comes from a raw socket or from the kernel.
 */
import { execFileSync, spawnSync } from 'node:child_process';

/** The UDP length of each message (whitepaper 5.4), with the UDP header of 8 bytes. */
const INITIATION = '@th,64,32 0x01000000 udp length 156';
const RESPONSE = '@th,64,32 0x02000000 udp length 100';
const COOKIE_REPLY = '@th,64,32 0x03000000 udp length 72';
/** A header of 16 bytes, a packet that is padded to a multiple of 16 bytes, and a tag of 16 bytes. */
const DATA = '@th,64,32 0x04000000 udp length >= 40 udp length & 15 == 8';
/** The padding ends at the MTU, which need not be a multiple of 16. */
const LONGEST_DATA = '@th,64,32 0x04000000 udp length @longest';
const MTU = 1420;
/** The headers of UDP and of a data message, and its tag. */
const AROUND = 40;

/** What IPv6 sends on each link by itself: router solicitations, neighbor discovery, group reports. */
const LINK_LOCAL =
  'nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report';

/**
 * The answer to a neighbor solicitation for an address that was removed. It quotes the IP header of the
 * solicitation, after its own header of 8 bytes.
 */
const NO_NEIGHBOR =
  'ip6 daddr fe80::/10 icmpv6 type destination-unreachable @th,112,8 58 @th,384,8 135';

/** In an ICMP error, after its header of 8 bytes and the IP header of the packet that it quotes. */
const QUOTED_SOURCE_PORT = '@th,224,16';
const QUOTED_SOURCE_PORT_6 = '@th,384,16';

const TABLE = 'outer_wire';

export interface WireReport {
  /** WireGuard messages to the server. */
  readonly wireguard: number;
  /** ARP for the address of the server, and the discovery of neighbors and routers of IPv6. */
  readonly neighbors: number;
  /** Messages of the kernel that answer a WireGuard message from the server when no tunnel is open. */
  readonly unreachable: number;
  /** All other packets. */
  readonly strays: number;
  /** The kinds of strays, such as `192.0.2.1 udp 53`, `192.0.2.1 icmp` or `arp`. */
  readonly examples: readonly string[];
}

/** The rules for a link: `wire` leads to another machine, `loopback` is the interface lo. */
type Rules = 'wire' | 'loopback';

export class OuterWire {
  readonly #space: string;

  /** @returns undefined if `nft` is missing, except in CI */
  static watch(space: string, link: string, server: string, port: number): OuterWire | undefined {
    const hasNft = spawnSync('nft', ['--version'], { stdio: 'ignore' }).status === 0;
    if (!hasNft && process.env.CI !== 'true') return undefined;
    const wire = new OuterWire(space);
    wire.addServer(server);
    wire.addPort(port);
    wire.addLink(link);
    return wire;
  }

  /** Call addLink() for each link, before it is up. */
  constructor(space: string) {
    this.#space = space;
    const messages = [INITIATION, RESPONSE, COOKIE_REPLY, DATA, LONGEST_DATA];
    const accept = (match: string) =>
      messages.map((one) => `${match} ${one} counter name wireguard accept`).join('\n');
    this.#nft(`
      table netdev ${TABLE} {
        counter wireguard { }
        counter neighbors { }
        counter unreachable { }
        counter strays { }
        set servers { type ipv4_addr; }
        set servers_6 { type ipv6_addr; }
        set listeners { type inet_service; }
        set services { type inet_service; }
        set server_ports { type inet_service; flags interval; auto-merge; }
        set quoted_ports { typeof ${QUOTED_SOURCE_PORT}; flags interval; auto-merge; }
        set examples { typeof ip daddr . ip protocol . th dport; flags dynamic; size 100; }
        set examples_ip { typeof ip daddr . ip protocol; flags dynamic; size 100; }
        set examples_icmp6 { typeof ip6 daddr . icmpv6 type . icmpv6 code; flags dynamic; size 100; }
        set examples_ip6 { typeof ip6 daddr . meta l4proto . th dport; flags dynamic; size 100; }
        set examples_other { type ether_type; flags dynamic; size 100; }
        set longest { typeof udp length; elements = { ${MTU + AROUND} }; }
        chain stray {
          counter name strays
          ip protocol { tcp, udp } add @examples { ip daddr . ip protocol . @th,16,16 } return
          ip protocol != 255 add @examples_ip { ip daddr . ip protocol } return
          meta l4proto ipv6-icmp add @examples_icmp6 { ip6 daddr . icmpv6 type . icmpv6 code } return
          meta protocol ip6 add @examples_ip6 { ip6 daddr . meta l4proto . th dport } return
          add @examples_other { meta protocol }
        }
        chain wire {
          ${accept('ip daddr @servers udp dport @server_ports')}
          ${accept('ip6 daddr @servers_6 udp dport @server_ports')}
          ip daddr @servers tcp dport @services accept
          arp operation request arp daddr ip @servers counter name neighbors accept
          arp operation reply counter name neighbors accept
          icmpv6 type { ${LINK_LOCAL} } counter name neighbors accept
          ${NO_NEIGHBOR} counter name neighbors accept
          ip daddr @servers icmp code port-unreachable ${QUOTED_SOURCE_PORT} @quoted_ports counter name unreachable accept
          ip6 daddr @servers_6 icmpv6 code port-unreachable ${QUOTED_SOURCE_PORT_6} @quoted_ports counter name unreachable accept
          jump stray
        }
        chain loopback {
          ${accept('meta l4proto udp')}
          meta l4proto tcp accept
          udp dport @listeners accept
          udp sport @listeners accept
          icmp code port-unreachable counter name unreachable accept
          icmpv6 code port-unreachable counter name unreachable accept
          jump stray
        }
      }`);
  }

  /**
   * Counts the packets that arrive at this link of the namespace. The rules for the loopback
   * interface accept all TCP, and UDP only if it is WireGuard, to any port.
   */
  addLink(link: string, rules: Rules = 'wire'): void {
    this.#nft(`
      table netdev ${TABLE} {
        chain from_${link} {
          type filter hook ingress device "${link}" priority 0;
          jump ${rules}
        }
      }`);
  }

  /** Also regards messages to this port of a server as WireGuard, or to a range such as `1-9`. */
  addPort(port: number | string): void {
    for (const set of ['server_ports', 'quoted_ports'])
      this.#nft(`add element netdev ${TABLE} ${set} { ${port} }`);
  }

  /** Also accepts all UDP to and from this port on loopback interfaces, such as that of a proxy. */
  addListener(port: number): void {
    this.#nft(`add element netdev ${TABLE} listeners { ${port} }`);
  }

  /** Also accepts TCP to this port of a server, such as that of an API. */
  addService(port: number): void {
    this.#nft(`add element netdev ${TABLE} services { ${port} }`);
  }

  /** Also regards data messages with packets of this length as WireGuard. */
  addMtu(mtu: number): void {
    this.#nft(`add element netdev ${TABLE} longest { ${mtu + AROUND} }`);
  }

  /** Also regards this address as a server's, or as that of the gateway to it. */
  addServer(address: string): void {
    const set = address.includes(':') ? 'servers_6' : 'servers';
    this.#nft(`add element netdev ${TABLE} ${set} { ${address} }`);
  }

  /** @throws Error that lists what left the machine, if anything but WireGuard did */
  assertNoStrays(): void {
    const { strays, examples } = this.report();
    if (strays === 0) return;
    throw new Error(`${strays} packets left the client outside the tunnel: ${examples.join('; ')}`);
  }

  report(): WireReport {
    const listing = execFileSync('ip', this.#command('-j', 'list', 'table', 'netdev', TABLE), {
      encoding: 'utf8',
    });
    const { nftables } = JSON.parse(listing) as { nftables: readonly Listed[] };
    const packets = (name: string) =>
      nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? 0;
    const examples = nftables.flatMap(({ set }) =>
      set?.name.startsWith('examples') === true ? (set.elem ?? []) : [],
    );
    return {
      wireguard: packets('wireguard'),
      neighbors: packets('neighbors'),
      unreachable: packets('unreachable'),
      strays: packets('strays'),
      examples: examples.map(textOf).sort(),
    };
  }

  #nft(rules: string): void {
    execFileSync('ip', this.#command('-f', '-'), { input: rules });
  }

  #command(...words: readonly string[]): string[] {
    return ['netns', 'exec', this.#space, 'nft', ...words];
  }
}

type Element = string | number | { readonly concat: readonly (string | number)[] };

interface Listed {
  readonly counter?: { readonly name: string; readonly packets: number };
  readonly set?: { readonly name: string; readonly elem?: readonly Element[] };
}

function textOf(element: Element): string {
  return typeof element === 'object' ? element.concat.join(' ') : String(element);
}
