/** A virtual SIM and its Arc session as the API shows them. */
import type { Secret } from '../../lib/secret.js';
import { formatIpAddress } from '../../wire/ip-address.js';
import { OPERATOR_ID, type VirtualSim } from '../platform-state.js';
import { ARC_ALLOWED_IPS, DNS_SERVERS } from '../services.js';

/** The Arc server as clients are told of it. */
export interface ArcServerInfo {
  readonly publicKey: Uint8Array;
  /** `host:port`. */
  readonly endpoint: string;
}

const SUBSCRIPTION = 'planArc01';
const CAPABILITIES = { data: true, sms: false };

export function sessionJson(sim: VirtualSim, arcServer: ArcServerInfo): object {
  return {
    arcServerPeerPublicKey: base64(arcServer.publicKey),
    arcServerEndpoint: arcServer.endpoint,
    arcAllowedIPs: ARC_ALLOWED_IPS,
    arcClientPeerIpAddress: formatIpAddress(sim.address),
    arcClientPeerPublicKey: base64(sim.publicKey),
  };
}

/** @param privateKey given in createSim's answer alone */
export function simJson(
  sim: VirtualSim,
  arcServer: ArcServerInfo,
  privateKey?: Secret<Uint8Array>,
): object {
  return {
    simId: sim.simId,
    operatorId: OPERATOR_ID,
    type: 'virtual',
    moduleType: 'virtual',
    status: 'active',
    speedClass: 'arc.standard',
    // A virtual SIM of its own has one profile, whose ICCID is the SIM's id.
    activeProfileId: sim.simId,
    tags: { name: '' },
    capabilities: CAPABILITIES,
    terminationEnabled: false,
    createdTime: sim.createdTime,
    lastModifiedTime: sim.session.createdTime,
    profiles: { [sim.simId]: profileJson(sim, privateKey) },
    arcSessionStatus: sessionJson(sim, arcServer),
    sessionStatus: sessionStatusJson(sim),
  };
}

function profileJson(sim: VirtualSim, privateKey?: Secret<Uint8Array>): object {
  const { simId, imsi } = sim;
  const subscriber = {
    imsi,
    status: 'active',
    subscription: SUBSCRIPTION,
    bundles: [],
    capabilities: CAPABILITIES,
  };
  return {
    iccid: simId,
    primaryImsi: imsi,
    otaSupported: false,
    arcClientPeerPublicKey: base64(sim.publicKey),
    ...(privateKey && { arcClientPeerPrivateKey: base64(privateKey.expose()) }),
    subscribers: { [imsi]: subscriber },
  };
}

function sessionStatusJson({ imsi, address, session }: VirtualSim): object {
  return {
    online: true,
    imsi,
    sessionId: session.sessionId,
    subscription: SUBSCRIPTION,
    ueIpAddress: formatIpAddress(address),
    dnsServers: DNS_SERVERS,
    lastUpdatedAt: session.createdTime,
    placement: { infrastructureProvider: 'aws', region: 'ap-northeast-1' },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
