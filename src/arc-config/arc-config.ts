import { Secret } from '../lib/secrets/secret.js';
import type { JsonMember } from './json/json-node.js';

/**
 * The parsed arc.json. Field names follow the file's keys, with `Ips` for `IPs`. As in soratun, an
 * absent field has its zero value.
 */
export interface ArcConfig {
  /** WireGuard private key of the virtual SIM, 32 bytes; all zeros if absent. */
  readonly privateKey: Secret<Uint8Array>;
  /** The client's public key, 32 bytes. The parser does not compare this key with `privateKey`. */
  readonly publicKey: Uint8Array;
  /** The ID of the virtual SIM in the API; empty if unknown. */
  readonly simId: string;
  /** 0 means silent, 1 errors, 2 everything. soratun clamps other values to this range. */
  readonly logLevel: number;
  readonly enableMetrics: boolean;
  /** Name of the tun device; if empty, the system chooses a name. */
  readonly interface: string;
  /** CIDRs in canonical form, allowed in addition to those of the session. */
  readonly additionalAllowedIps: readonly string[];
  /** The MTU; 0 if absent. `effectiveMtu` returns the value to use. */
  readonly mtu: number;
  /** The interval in seconds; 0 if absent. `effectiveKeepalive` returns the value to use. */
  readonly persistentKeepalive: number;
  /**
   * Commands as argument vectors; `%i` is replaced with the interface name. soratun runs only
   * postUp and postDown, and ignores preUp and preDown.
   */
  readonly preUp: readonly (readonly string[])[];
  readonly postUp: readonly (readonly string[])[];
  readonly preDown: readonly (readonly string[])[];
  readonly postDown: readonly (readonly string[])[];
  /** Port forwards as text; see proxy/port-forward/forward-spec.ts. */
  readonly forwards: ArcForwards;
  readonly profile?: ArcProfile;
  readonly arcSessionStatus?: ArcSession;
  /** Members of arc.json that arctun does not know, preserved for the next write. */
  readonly unknownKeys: readonly JsonMember[];
}

/** arctun's own member: soratun ignores it. */
export interface ArcForwards {
  readonly local: readonly string[];
  readonly remote: readonly string[];
  readonly unknownKeys: readonly JsonMember[];
}

/** API credentials. soratun saves them in the file; arctun saves them only on request. */
export interface ArcProfile {
  readonly authKeyId: string;
  readonly authKey: Secret<string>;
  /** Base URL of the API without `/v1`; empty means Japan. */
  readonly endpoint: string;
  readonly unknownKeys: readonly JsonMember[];
}

/** The Arc session in SORACOM's format (`arcSessionStatus`). */
export interface ArcSession {
  /** WireGuard public key of the Arc server, 32 bytes; all zeros if absent. */
  readonly arcServerPeerPublicKey: Uint8Array;
  readonly arcServerEndpoint?: ArcEndpoint;
  /**
   * CIDRs in canonical form. null and an empty list are distinguished, so that both are preserved
   * when the file is written.
   */
  readonly arcAllowedIps: readonly string[] | null;
  /** The client's IP address inside the tunnel, in canonical form without prefix length. */
  readonly arcClientPeerIpAddress?: string;
  readonly unknownKeys: readonly JsonMember[];
}

/** `host[:port]`. The original string is kept, and the host name is not resolved. */
export interface ArcEndpoint {
  readonly text: string;
  /** A host name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export const KEY_LENGTH = 32;
export const DEFAULT_MTU = 1420;
export const DEFAULT_KEEPALIVE = 60;
export const DEFAULT_ENDPOINT_PORT = 11010;

/** Returns the effective MTU. If the file contains 0, the MTU is 1420. */
export function effectiveMtu(config: ArcConfig): number {
  return config.mtu === 0 ? DEFAULT_MTU : config.mtu;
}

/**
 * Returns the effective keepalive interval in seconds. If the file contains 0, the interval is 60,
 * as in soratun.
 */
export function effectiveKeepalive(config: ArcConfig): number {
  return config.persistentKeepalive === 0 ? DEFAULT_KEEPALIVE : config.persistentKeepalive;
}

/** Returns soratun's name for the tun device on a platform (`process.platform`). */
function defaultInterface(platform: string): string {
  return platform === 'darwin' ? 'utun' : 'soratun0';
}

/** Whether all bytes of a key are zero, as in an absent key. */
export function isZeroKey(key: Uint8Array): boolean {
  return key.every((byte) => byte === 0);
}

export const SKELETON_SIM_ID = '890000xxxxxxxxxxxxx';

/**
 * Returns the members that soratun sets to the same values in every new arc.json, except that the
 * MTU and the keepalive are unset.
 */
export function initialMembers(
  platform: string,
): Omit<ArcConfig, 'privateKey' | 'publicKey' | 'simId'> {
  return {
    logLevel: 2,
    enableMetrics: true,
    interface: defaultInterface(platform),
    additionalAllowedIps: [],
    mtu: 0,
    persistentKeepalive: 0,
    preUp: [],
    postUp: [],
    preDown: [],
    postDown: [],
    forwards: { local: [], remote: [], unknownKeys: [] },
    unknownKeys: [],
  };
}

/** Returns a template for writing arc.json by hand, byte-identical to soratun's. */
export function skeletonArcConfig(platform: string): ArcConfig {
  return {
    ...initialMembers(platform),
    privateKey: new Secret(new Uint8Array(KEY_LENGTH)),
    publicKey: new Uint8Array(KEY_LENGTH),
    simId: SKELETON_SIM_ID,
    arcSessionStatus: {
      arcServerPeerPublicKey: new Uint8Array(KEY_LENGTH),
      arcServerEndpoint: { text: 'localhost:11010', host: 'localhost', port: 11010 },
      arcAllowedIps: ['100.127.0.0/16'],
      arcClientPeerIpAddress: '127.0.0.1',
      unknownKeys: [],
    },
  };
}

/** Whether a configuration has no private key or has the skeleton's placeholder SIM ID. */
export function isSkeleton(config: ArcConfig): boolean {
  return isZeroKey(config.privateKey.expose()) || config.simId === SKELETON_SIM_ID;
}
