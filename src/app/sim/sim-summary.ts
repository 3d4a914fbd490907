/** The fields of a SIM that commands show. They never include a private key. */
import { UserError } from '../../lib/errors/user-error.js';
import type { SimResponse } from '../../soracom/client/responses.js';

/** Fields are undefined if SORACOM does not return them. Names and units match the API. */
export interface SimSummary {
  readonly simId: string;
  /** The value of the `name` tag; empty if the SIM has none. */
  readonly name: string;
  readonly status: string | undefined;
  /** Whether SORACOM has an active session, even if no tunnel is connected. */
  readonly online: boolean | undefined;
  /** The SIM's address inside the tunnel. */
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
 * Checks that a response concerns the requested SIM, because the next step may be irreversible.
 * @throws UserError of kind `api`
 */
export function requireSim(answer: SimResponse, simId: string): SimResponse {
  if (answer.simId === simId) return answer;
  throw new UserError('api', {
    what: `cannot read SIM ${simId}`,
    why: `the response describes SIM ${answer.simId}`,
    next: [
      'Check that the endpoint is the SORACOM API, and that the response does not come from a proxy.',
    ],
  });
}

/** Whether a SIM is a stand-alone virtual SIM; physical SIMs can have a virtual subscription. */
export function isVirtualSim({ type }: SimResponse): boolean {
  return type === undefined || type === 'virtual';
}

/** Returns the client's public key that SORACOM holds for the SIM, in base64. */
export function simPublicKey({ profiles = {}, activeProfileId }: SimResponse): string | undefined {
  const active = activeProfileId === undefined ? undefined : profiles[activeProfileId];
  return [active, ...Object.values(profiles)].find((profile) => profile?.arcClientPeerPublicKey)
    ?.arcClientPeerPublicKey;
}
