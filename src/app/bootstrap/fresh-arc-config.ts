import {
  DEFAULT_KEEPALIVE,
  DEFAULT_MTU,
  defaultInterface,
  KEY_LENGTH,
  type ArcConfig,
  type ArcProfile,
} from '../../arc-config/arc-config.js';
import { parseKey } from '../../arc-config/value-syntax.js';
import { Secret } from '../../lib/secrets/secret.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import { readSessionOrNone } from '../session/arc-session.js';

/** What only the platform and the keys can say of a new arc.json. */
export type SimPart = Pick<ArcConfig, 'privateKey' | 'publicKey' | 'simId'> &
  Partial<Pick<ArcConfig, 'arcSessionStatus'>>;

/**
 * What soratun writes for a SIM that had no arc.json, except the profile: an API secret goes into
 * a file only where that is asked for.
 *
 * @param platform `process.platform`, for the name of the interface
 */
export function freshArcConfig(sim: SimPart, platform: string): ArcConfig {
  return {
    privateKey: sim.privateKey,
    publicKey: sim.publicKey,
    simId: sim.simId,
    logLevel: 2,
    enableMetrics: true,
    interface: defaultInterface(platform),
    additionalAllowedIps: [],
    mtu: DEFAULT_MTU,
    persistentKeepalive: DEFAULT_KEEPALIVE,
    preUp: [],
    postUp: [],
    preDown: [],
    postDown: [],
    ...(sim.arcSessionStatus && { arcSessionStatus: sim.arcSessionStatus }),
    unknownKeys: [],
  };
}

/** That of a SIM whose key is about to be made. */
export function keylessArcConfig(simId: string, platform: string): ArcConfig {
  const zeroKey = new Uint8Array(KEY_LENGTH);
  return freshArcConfig({ privateKey: new Secret(zeroKey), publicKey: zeroKey, simId }, platform);
}

/** With the profile that was asked for, and what somebody added to the one that is there. */
export function withProfile(config: ArcConfig, profile: ArcProfile | undefined): ArcConfig {
  if (profile === undefined) return config;
  const unknownKeys = config.profile?.unknownKeys ?? [];
  return { ...config, profile: { ...profile, unknownKeys } };
}

/**
 * What createSim's answer makes of an arc.json.
 * @returns undefined when the answer has no private key
 */
export function newSimConfig(sim: SimResponse, platform: string): ArcConfig | undefined {
  const keys = simKeys(sim);
  if (keys === undefined) return undefined;
  const session = sim.arcSessionStatus && readSessionOrNone(sim.arcSessionStatus);
  const part = { ...keys, simId: sim.simId, ...(session && { arcSessionStatus: session }) };
  return freshArcConfig(part, platform);
}

/**
 * The keys stand in the profile that carries a private one. soratun looks under the SIM's id; the
 * map's key is an ICCID, which is the same thing for a stand-alone virtual SIM only.
 */
function simKeys({
  profiles = {},
}: SimResponse): Pick<ArcConfig, 'privateKey' | 'publicKey'> | undefined {
  for (const profile of Object.values(profiles)) {
    const privateKey = parseKey(profile?.arcClientPeerPrivateKey?.expose() ?? '');
    if (privateKey === undefined) continue;
    const publicKey = parseKey(profile?.arcClientPeerPublicKey ?? '') ?? new Uint8Array(KEY_LENGTH);
    return { privateKey: new Secret(privateKey), publicKey };
  }
  return undefined;
}
