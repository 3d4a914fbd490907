/** A SIM as people and programs are shown it; never with a private key. */
import { UserError } from '../../lib/errors/user-error.js';
import type { SimResponse } from '../../soracom/client/responses.js';

/** What the platform does not tell is undefined. Names and units are the API's. */
export interface SimSummary {
  readonly simId: string;
  /** The tag `name`; empty when it has none. */
  readonly name: string;
  readonly status: string | undefined;
  /** Whether the platform has a live session; that a tunnel stands it does not say. */
  readonly online: boolean | undefined;
  /** Of the SIM inside the tunnel. */
  readonly address: string | undefined;
  /** Unix milliseconds. */
  readonly createdTime: number | undefined;
  readonly groupId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export function summariseSim(sim: SimResponse): SimSummary {
  const { simId, status, tags = {}, sessionStatus, arcSessionStatus, createdTime, groupId } = sim;
  const texts = Object.entries(tags).filter((tag): tag is [string, string] => tag[1] !== undefined);
  return {
    simId,
    name: tags.name ?? '',
    status,
    online: sessionStatus?.online,
    address: arcSessionStatus?.arcClientPeerIpAddress ?? sessionStatus?.ueIpAddress,
    createdTime,
    groupId,
    tags: Object.fromEntries(texts),
  };
}

/**
 * What follows may be final, so an answer about another SIM than the one that was asked for is none.
 * @throws UserError of kind `api`
 */
export function requireSim(answer: SimResponse, simId: string): SimResponse {
  if (answer.simId === simId) return answer;
  throw new UserError('api', {
    what: `cannot read SIM ${simId}`,
    why: `the answer is about SIM ${answer.simId}`,
    next: ['Check that the endpoint is the SORACOM API, and that no proxy answers in its place.'],
  });
}

/** Whether a SIM is a stand-alone virtual one; a physical SIM may carry a virtual subscription. */
export function isVirtualSim({ type }: SimResponse): boolean {
  return type === undefined || type === 'virtual';
}

/** The client's public key that the platform has for the SIM, in base64. */
export function simPublicKey({ profiles = {}, activeProfileId }: SimResponse): string | undefined {
  const active = activeProfileId === undefined ? undefined : profiles[activeProfileId];
  return [active, ...Object.values(profiles)].find((profile) => profile?.arcClientPeerPublicKey)
    ?.arcClientPeerPublicKey;
}
