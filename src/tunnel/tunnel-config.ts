import type { CongestionAlgorithm } from '../engine/netstack-engine.js';
import { merged } from '../lib/merged.js';
import type { Secret } from '../lib/secrets/secret.js';
import { type ConfigName, DEFAULT_CONFIG } from '../lib/text/config-name.js';
import type { HostNames } from '../proxy/dns/host-names.js';
import type { TrafficBudget } from './traffic/traffic-budget.js';
import {
  type IpAddress,
  type IpPrefix,
  parseIpAddress,
  parseIpPrefix,
} from '../wire/ip-address.js';

/** The parsed configuration of a tunnel, with all defaults applied. */
export interface TunnelConfig {
  /** The configuration that messages name. */
  readonly configName: ConfigName;
  /** The SIM ID, for the account of its traffic; undefined or empty if unknown. */
  readonly simId?: string | undefined;
  /** This tunnel's X25519 private key, 32 bytes. */
  readonly privateKey: Secret<Uint8Array>;
  /** The Arc server's public key, 32 bytes. */
  readonly serverPublicKey: Uint8Array;
  /**
   * The Arc server: a host name, which is resolved outside the tunnel when needed, or an IP
   * address.
   */
  readonly endpoint: { readonly host: string; readonly port: number };
  /** This tunnel's inner addresses. Must contain at least one address, of either family. */
  readonly addresses: readonly IpAddress[];
  readonly allowedIps: readonly IpPrefix[];
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** Milliseconds between keepalives; 0 disables them. */
  readonly persistentKeepalive: number;
  /** The congestion control of TCP inside the tunnel; undefined selects the stack's default. */
  readonly congestion?: CongestionAlgorithm | undefined;
  /** The IP addresses of the name servers inside the tunnel. */
  readonly nameServers: readonly string[];
  /** Names whose addresses replace those of the name servers. */
  readonly hosts?: HostNames | undefined;
  /** Names whose addresses are used only if no name server answers. */
  readonly fallbackHosts?: HostNames | undefined;
  /** In tun mode: whether traffic meant for the tunnel is blocked after the tunnel ends. */
  readonly killSwitch?: boolean | undefined;
  /** In userspace mode: the traffic after which new work is refused. */
  readonly budget?: TrafficBudget | undefined;
}

/**
 * The parts of a tunnel's configuration, as they appear in a file. The default name is arc.json; if
 * there are no name servers, names cannot be dialed.
 */
export interface TunnelConfigText
  extends
    Omit<
      TunnelConfig,
      'configName' | 'addresses' | 'allowedIps' | 'nameServers' | 'persistentKeepalive'
    >,
    Partial<Pick<TunnelConfig, 'configName' | 'nameServers'>> {
  /** An IP address without a prefix length. */
  readonly address: string;
  /** Additional addresses, for example from the other family. */
  readonly additionalAddresses?: readonly string[];
  /** The allowed IPs, each as `address/length`. */
  readonly allowedIps: readonly string[];
  readonly persistentKeepaliveSeconds: number;
}

const DEFAULT_NAME: ConfigName = { source: DEFAULT_CONFIG, path: DEFAULT_CONFIG };

/**
 * Parses the strings in a tunnel's configuration.
 *
 * @throws RangeError for an invalid address or prefix; the caller must validate the file first
 */
export function parseTunnelConfig(text: TunnelConfigText): TunnelConfig {
  const { address: first, additionalAddresses = [], persistentKeepaliveSeconds, ...rest } = text;
  const addresses = [first, ...additionalAddresses].map((addressText) => {
    const address = parseIpAddress(addressText);
    if (address === undefined) throw new RangeError(`${addressText} must be an IP address`);
    return address;
  });
  const allowedIps = text.allowedIps.map((prefixText) => {
    const prefix = parseIpPrefix(prefixText);
    if (prefix === undefined) throw new RangeError(`${prefixText} must be an IP prefix`);
    return prefix;
  });
  const persistentKeepalive = persistentKeepaliveSeconds * 1000;
  const { configName = DEFAULT_NAME, nameServers = [] } = text;
  const parsed = { configName, nameServers, addresses, allowedIps, persistentKeepalive };
  return merged(rest, parsed);
}
