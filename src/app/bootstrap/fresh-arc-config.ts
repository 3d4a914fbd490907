import {
  DEFAULT_KEEPALIVE,
  DEFAULT_MTU,
  defaultInterface,
  type ArcConfig,
} from '../../arc-config/arc-config.js';

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
