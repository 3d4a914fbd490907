import { Secret } from '../lib/secrets/secret.js';
import type { JsonMember } from './json/json-node.js';

/**
 * arc.json as a value. Field names follow the file's keys, with `Ips` for `IPs`.
 * An absent field reads as its zero value, as in soratun.
 */
export interface ArcConfig {
  /** WireGuard private key of the virtual SIM, 32 bytes; all zero when absent. */
  readonly privateKey: Secret<Uint8Array>;
  /** The client's own public key, 32 bytes. Reading does not check it against `privateKey`. */
  readonly publicKey: Uint8Array;
  /** Identifies the virtual SIM in the API; empty when unknown. */
  readonly simId: string;
  /** 0 silent, 1 errors, 2 everything; soratun takes what is beyond as the nearest. */
  readonly logLevel: number;
  readonly enableMetrics: boolean;
  /** Name of the tun device; empty lets the system choose. */
  readonly interface: string;
  /** CIDRs in canonical form, allowed beside those of the session. */
  readonly additionalAllowedIps: readonly string[];
  /** 0 when absent; `effectiveMtu` gives the number to use. */
  readonly mtu: number;
  /** Seconds; 0 when absent; `effectiveKeepalive` gives the number to use. */
  readonly persistentKeepalive: number;
  /**
   * Commands as argument vectors; `%i` stands for the interface. soratun knows those behind the
   * tunnel's opening and closing alone, and takes no notice of the others.
   */
  readonly preUp: readonly (readonly string[])[];
  readonly postUp: readonly (readonly string[])[];
  readonly preDown: readonly (readonly string[])[];
  readonly postDown: readonly (readonly string[])[];
  readonly profile?: ArcProfile;
  readonly arcSessionStatus?: ArcSession;
  /** Members that we do not know, kept for the next write. */
  readonly unknownKeys: readonly JsonMember[];
}

/** API credentials. soratun saves them in the file; we do where we are told to. */
export interface ArcProfile {
  readonly authKeyId: string;
  readonly authKey: Secret<string>;
  /** Base URL of the API without `/v1`; empty means Japan. */
  readonly endpoint: string;
  readonly unknownKeys: readonly JsonMember[];
}

/** What the platform says about the other end (`arcSessionStatus`). */
export interface ArcSession {
  /** 32 bytes; all zero when absent. */
  readonly arcServerPeerPublicKey: Uint8Array;
  readonly arcServerEndpoint?: ArcEndpoint;
  /** CIDRs in canonical form; null and empty are told apart, because the file does. */
  readonly arcAllowedIps: readonly string[] | null;
  /** An address without prefix, canonical. */
  readonly arcClientPeerIpAddress?: string;
  readonly unknownKeys: readonly JsonMember[];
}

/** `host[:port]`. The text stays as it was written; a name is never resolved here. */
export interface ArcEndpoint {
  readonly text: string;
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export const KEY_LENGTH = 32;
export const DEFAULT_MTU = 1420;
/** Seconds. */
export const DEFAULT_KEEPALIVE = 60;
export const DEFAULT_ENDPOINT_PORT = 11010;

/** The MTU to use: 0 in the file means 1420. */
export function effectiveMtu(config: ArcConfig): number {
  return config.mtu === 0 ? DEFAULT_MTU : config.mtu;
}

/** The keepalive to use, in seconds: 0 in the file means 60, as in soratun. */
export function effectiveKeepalive(config: ArcConfig): number {
  return config.persistentKeepalive === 0 ? DEFAULT_KEEPALIVE : config.persistentKeepalive;
}

/** The name soratun gives the tun device on this platform (`process.platform`). */
export function defaultInterface(platform: string): string {
  return platform === 'darwin' ? 'utun' : 'soratun0';
}

/** Whether a key holds nothing but zeros, which is what an absent one reads as. */
export function isZeroKey(key: Uint8Array): boolean {
  return key.every((byte) => byte === 0);
}

/** The id in the skeleton; it is no SIM's. */
export const SKELETON_SIM_ID = '890000xxxxxxxxxxxxx';

/** The file to start from, when one is put together by hand: soratun's, byte for byte. */
export function skeletonArcConfig(platform: string): ArcConfig {
  return {
    privateKey: new Secret(new Uint8Array(KEY_LENGTH)),
    publicKey: new Uint8Array(KEY_LENGTH),
    simId: SKELETON_SIM_ID,
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
    arcSessionStatus: {
      arcServerPeerPublicKey: new Uint8Array(KEY_LENGTH),
      arcServerEndpoint: { text: 'localhost:11010', host: 'localhost', port: 11010 },
      arcAllowedIps: ['100.127.0.0/16'],
      arcClientPeerIpAddress: '127.0.0.1',
      unknownKeys: [],
    },
    unknownKeys: [],
  };
}

/** Whether a configuration was never filled in: no key, or the id that stands in the skeleton. */
export function isSkeleton(config: ArcConfig): boolean {
  return isZeroKey(config.privateKey.expose()) || config.simId === SKELETON_SIM_ID;
}
