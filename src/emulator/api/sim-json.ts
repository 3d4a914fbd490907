/** Formats a SIM and its Arc session for API responses. */
import type { Secret } from '../../lib/secrets/secret.js';
import { formatKey } from '../../lib/text/key-text.js';
import { formatIpAddress } from '../../wire/ip-address.js';
import { ARC_ALLOWED_IPS, DNS_SERVERS } from '../services.js';
import { type ArcSim, moduleType, type SessionEvent, type Sim, speedClass } from '../sim.js';

/** The data about the Arc server that clients need. */
export interface ArcServerInfo {
  readonly publicKey: Uint8Array;
  /** The endpoint as `host:port`. */
  readonly endpoint: string;
}

/** The plans of virtual subscriptions and of the physical SIM. */
const ARC_PLAN = 'planArc01';
const CELLULAR_PLAN = 'plan01s';

const CAPABILITIES = { data: true, sms: false };
const PLACEMENT = { infrastructureProvider: 'aws', region: 'ap-northeast-1' };

export function sessionJson({ arc }: ArcSim, arcServer: ArcServerInfo): object {
  return {
    arcServerPeerPublicKey: formatKey(arcServer.publicKey),
    arcServerEndpoint: arcServer.endpoint,
    arcAllowedIPs: ARC_ALLOWED_IPS,
    arcClientPeerIpAddress: formatIpAddress(arc.address),
    arcClientPeerPublicKey: formatKey(arc.publicKey),
  };
}

/** @param privateKey set only for the response to createSim */
export function simJson(
  sim: Sim,
  arcServer: ArcServerInfo,
  privateKey?: Secret<Uint8Array>,
): object {
  const { simId, operatorId, type, status, groupId, arc, previousSession } = sim;
  const { terminationEnabled, createdTime, lastModifiedTime } = sim;
  const isOnline = arc?.session !== undefined;
  return {
    ...{ simId, operatorId, type, moduleType: moduleType(sim), status },
    speedClass: speedClass(sim),
    activeProfileId: simId,
    groupId,
    tags: Object.fromEntries(sim.tags),
    capabilities: CAPABILITIES,
    ...{ terminationEnabled, createdTime, lastModifiedTime },
    profiles: profilesJson(sim, privateKey),
    ...(isOnline && { arcSessionStatus: sessionJson({ ...sim, arc }, arcServer) }),
    sessionStatus: sessionStatusJson(sim),
    previousSession,
  };
}

export function subscriptionsOf({ type, arc }: Sim): string[] {
  return [...(type === 'uicc' ? [CELLULAR_PLAN] : []), ...(arc ? [ARC_PLAN] : [])];
}

export function eventJson(sim: Sim, { event, time, sessionId }: SessionEvent): object {
  const { simId, operatorId, arc } = sim;
  const [dns0, dns1] = DNS_SERVERS;
  return {
    event,
    time,
    simId,
    imsi: arc?.imsi,
    operatorId,
    sessionId,
    subscription: ARC_PLAN,
    ...(arc && { ueIpAddress: formatIpAddress(arc.address) }),
    dns0,
    dns1,
  };
}

/**
 * Returns the SIM's profiles by ICCID. A stand-alone virtual SIM has one profile, whose ICCID is
 * the SIM ID; the physical SIM has a second profile for its virtual subscription.
 */
function profilesJson(sim: Sim, privateKey?: Secret<Uint8Array>): Record<string, object> {
  const { simId, type, imsi, arc, status } = sim;
  const profiles: Record<string, object> = {};
  if (type === 'uicc') profiles[simId] = profileJson(simId, imsi, status, CELLULAR_PLAN);
  if (arc) {
    profiles[arc.iccid] = {
      ...profileJson(arc.iccid, arc.imsi, status, ARC_PLAN),
      arcClientPeerPublicKey: formatKey(arc.publicKey),
      ...(privateKey && { arcClientPeerPrivateKey: formatKey(privateKey.expose()) }),
    };
  }
  return profiles;
}

function profileJson(iccid: string, imsi: string, status: string, subscription: string): object {
  const subscriber = { imsi, status, subscription, bundles: [], capabilities: CAPABILITIES };
  return { iccid, primaryImsi: imsi, otaSupported: false, subscribers: { [imsi]: subscriber } };
}

function sessionStatusJson({ arc, lastModifiedTime }: Sim): object {
  if (arc?.session === undefined) return { online: false, lastUpdatedAt: lastModifiedTime };
  return {
    online: true,
    imsi: arc.imsi,
    sessionId: arc.session.sessionId,
    subscription: ARC_PLAN,
    ueIpAddress: formatIpAddress(arc.address),
    dnsServers: DNS_SERVERS,
    lastUpdatedAt: arc.session.createdTime,
    placement: PLACEMENT,
  };
}
