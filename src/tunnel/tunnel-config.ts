import type { CongestionAlgorithm } from '../engine/netstack-engine.js';
import type { Secret } from '../lib/secrets/secret.js';
import {
  type IpAddress,
  type IpPrefix,
  parseIpAddress,
  parseIpPrefix,
} from '../wire/ip-address.js';

/** What a tunnel is made of, with everything parsed and every default applied. */
export interface TunnelConfig {
  /** Our X25519 private key, 32 bytes. */
  readonly privateKey: Secret<Uint8Array>;
  /** The Arc server's public key, 32 bytes. */
  readonly serverPublicKey: Uint8Array;
  /** The Arc server: a host name or IP text, resolved outside of the tunnel when it is needed. */
  readonly endpoint: { readonly host: string; readonly port: number };
  /** Our addresses inside the tunnel, of either family; one at least. */
  readonly addresses: readonly IpAddress[];
  readonly allowedIps: readonly IpPrefix[];
  /** The largest IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  /** Milliseconds between keepalives; 0 is off. */
  readonly persistentKeepalive: number;
  /** How TCP inside the tunnel shares the path; the stack's own choice where it is absent. */
  readonly congestion?: CongestionAlgorithm | undefined;
  /** IP texts of the name servers inside the tunnel. */
  readonly nameServers: readonly string[];
  /** In mode tun: nothing that was routed into the tunnel leaves otherwise when the tunnel ends. */
  readonly killSwitch?: boolean | undefined;
}

/** The parts of a tunnel's configuration as a file holds them. */
export interface TunnelConfigText {
  readonly privateKey: Secret<Uint8Array>;
  readonly serverPublicKey: Uint8Array;
  readonly endpoint: { readonly host: string; readonly port: number };
  /** IP text without a prefix length. */
  readonly address: string;
  /** More of them, as of the other family. */
  readonly additionalAddresses?: readonly string[];
  /** `address/length` texts. */
  readonly allowedIps: readonly string[];
  readonly mtu: number;
  readonly persistentKeepaliveSeconds: number;
  readonly congestion?: CongestionAlgorithm | undefined;
  /** IP texts; without any, no name can be dialled. */
  readonly nameServers?: readonly string[];
  readonly killSwitch?: boolean | undefined;
}

/**
 * Parses the texts.
 *
 * @throws RangeError for a text that is no address or prefix; whoever read the file has checked it
 */
export function parseTunnelConfig(text: TunnelConfigText): TunnelConfig {
  const addresses = [text.address, ...(text.additionalAddresses ?? [])].map((addressText) => {
    const address = parseIpAddress(addressText);
    if (address === undefined) throw new RangeError(`${addressText} is not an IP address`);
    return address;
  });
  const { privateKey, serverPublicKey, endpoint, mtu, persistentKeepaliveSeconds } = text;
  const { nameServers = [] } = text;
  const allowedIps = text.allowedIps.map((prefixText) => {
    const prefix = parseIpPrefix(prefixText);
    if (prefix === undefined) throw new RangeError(`${prefixText} is not an IP prefix`);
    return prefix;
  });
  const persistentKeepalive = persistentKeepaliveSeconds * 1000;
  return {
    privateKey,
    serverPublicKey,
    endpoint,
    addresses,
    allowedIps,
    mtu,
    persistentKeepalive,
    congestion: text.congestion,
    nameServers,
    killSwitch: text.killSwitch,
  };
}
