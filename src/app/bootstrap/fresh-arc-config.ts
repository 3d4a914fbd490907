import {
  DEFAULT_KEEPALIVE,
  DEFAULT_MTU,
  initialMembers,
  KEY_LENGTH,
  type ArcConfig,
  type ArcProfile,
} from '../../arc-config/arc-config.js';
import { parseKey } from '../../arc-config/value-syntax.js';
import { Secret } from '../../lib/secrets/secret.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import { readSessionOrNone } from '../session/arc-session.js';

/** The fields of a new arc.json that come from SORACOM or from the key pair. */
export type SimPart = Pick<ArcConfig, 'privateKey' | 'publicKey' | 'simId'> &
  Partial<Pick<ArcConfig, 'arcSessionStatus'>>;

export interface FreshOptions {
  /** `process.platform`, which determines the interface name. */
  readonly platform: string;
}

/**
 * Builds the arc.json that soratun would write for a new SIM, but without a profile: arctun writes
 * an API secret to a file only on request.
 */
export function freshArcConfig(sim: SimPart, { platform }: FreshOptions): ArcConfig {
  return {
    ...initialMembers(platform),
    ...sim,
    mtu: DEFAULT_MTU,
    persistentKeepalive: DEFAULT_KEEPALIVE,
  };
}

/** Builds the arc.json of a SIM whose key has not been created yet. */
export function keylessArcConfig(simId: string, options: FreshOptions): ArcConfig {
  const zeroKey = new Uint8Array(KEY_LENGTH);
  return freshArcConfig({ privateKey: new Secret(zeroKey), publicKey: zeroKey, simId }, options);
}

/** Returns `config` with the given profile, and keeps the unknown keys of the existing profile. */
export function withProfile(config: ArcConfig, profile: ArcProfile | undefined): ArcConfig {
  if (profile === undefined) return config;
  const unknownKeys = config.profile?.unknownKeys ?? [];
  return { ...config, profile: { ...profile, unknownKeys } };
}

/**
 * Converts the createSim response to an arc.json.
 * @returns undefined if the response has no private key
 */
export function newSimConfig(sim: SimResponse, options: FreshOptions): ArcConfig | undefined {
  const keys = simKeys(sim);
  if (keys === undefined) return undefined;
  const session = sim.arcSessionStatus && readSessionOrNone(sim.arcSessionStatus);
  const part = { ...keys, simId: sim.simId, ...(session && { arcSessionStatus: session }) };
  return freshArcConfig(part, options);
}

/**
 * Returns the keys of the first profile that has a private key. soratun looks up the SIM ID in the
 * map of profiles, but its keys are ICCIDs, which equal the SIM ID only for stand-alone virtual
 * SIMs.
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
