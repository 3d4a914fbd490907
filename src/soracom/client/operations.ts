/** The API operations in use, each with its required permission and whether it may be retried. */
import type { Operation } from '../api-error.js';
import type { SignIn } from '../auth/sign-in.js';
import type { HttpRequest } from './transport.js';

export interface ApiOperation extends Operation {
  readonly method: HttpRequest['method'];
  readonly permission: string;
  /**
   * Whether the request is retried after a 429 or 5xx response. Running a repeatable operation
   * twice must be harmless, because an operation that returned 5xx may have taken effect.
   */
  readonly repeatable: boolean;
  /** Whether the operation is still sent and awaited after the client's signal has aborted. */
  readonly outlivesStop?: boolean;
  /** What to do if a retry is refused, because the first request may have succeeded. */
  readonly adviceAfterRepeat?: readonly string[];
}

/** Describes an operation that is retried. */
function repeatable(
  method: ApiOperation['method'],
  permission: string,
  purpose: string,
  advice?: Pick<ApiOperation, 'advice' | 'adviceAfterRepeat'>,
): ApiOperation {
  return { method, permission, purpose, repeatable: true, ...advice };
}

/** What to check if a sign-in is refused, for each kind of credentials. */
const WHAT_TO_CHECK: Readonly<Record<SignIn['kind'], string>> = {
  'auth-key': 'Check the auth key ID and the auth key.',
  'root-user': 'Check the e-mail address and the password.',
  'sam-user': 'Check the operator ID, the user name and the password.',
};

/**
 * Returns the sign-in operation. A retry creates another token, and the first one expires anyway. A
 * sign-in with a one-time password is not retried, because the password may already be used.
 */
export function authOperation({ kind, mfaOtpCode }: SignIn): ApiOperation {
  const usesOneTimePassword = mfaOtpCode !== undefined;
  return {
    method: 'POST',
    purpose: 'sign in to SORACOM',
    permission: 'Auth:auth',
    repeatable: !usesOneTimePassword,
    advice: {
      401: [
        WHAT_TO_CHECK[kind],
        ...(usesOneTimePassword
          ? ['Check the one-time password: it is valid for only one sign-in, and for 30 seconds.']
          : []),
        'Check the coverage type: Japan and Global coverage have separate accounts.',
      ],
      404: ['Check the endpoint: it must be the base URL of the SORACOM API, without /v1.'],
    },
  };
}

/** Switches to another user. A retry only creates another token, as in a sign-in. */
export const SWITCH_USER = repeatable('POST', 'Auth:switchUser', 'switch to the other user', {
  advice: {
    400: [
      'Check the operator ID and the user name to switch to, and check that this user trusts the user who signs in.',
    ],
  },
});

/**
 * The logout request is sent even after the client's signal has aborted, because a switched user's
 * token would otherwise stay valid for up to an hour. It is not retried, because a second request
 * would be refused.
 */
export const LOGOUT: ApiOperation = {
  method: 'POST',
  purpose: 'sign out of SORACOM',
  permission: 'Auth:logout',
  repeatable: false,
  outlivesStop: true,
};

/** A request to create a SIM is not retried, because each successful request costs money. */
export const CREATE_SIM: ApiOperation = {
  method: 'POST',
  purpose: 'create a virtual SIM',
  permission: 'Sim:createSim',
  repeatable: false,
  creates: true,
};

/** Reading a SIM changes nothing. */
export const GET_SIM = repeatable('GET', 'Sim:getSim', 'read the virtual SIM');

/** Listing SIMs changes nothing. */
export const LIST_SIMS = repeatable('GET', 'Sim:listSims', 'list the SIMs');

/** Searching for SIMs changes nothing. */
export const SEARCH_SIMS = repeatable('GET', 'Query:searchSims', 'search the virtual SIMs');

/** Listing session events changes nothing. */
export const LIST_SIM_SESSION_EVENTS = repeatable(
  'GET',
  'Sim:listSimSessionEvents',
  'read the session events of the SIM',
);

/** Creating a session again replaces the existing one, at no cost. */
export const CREATE_ARC_SESSION = repeatable(
  'POST',
  'Sim:createArcSession',
  'create an Arc session',
);

/** Retrying sets the same key again, because the request contains the public key. */
export const RENEW_ARC_SIM_CREDENTIALS = repeatable(
  'PUT',
  'Sim:renewArcSimCredentials',
  'renew the key of the SIM',
);

/** Retrying sets the same tags to the same values. */
export const PUT_SIM_TAGS = repeatable('PUT', 'Sim:putSimTags', 'set the tags of the SIM');

/** Reading a group changes nothing. */
export const GET_GROUP = repeatable('GET', 'Group:getGroup', 'read the group');

/** Retrying sets the same group again. */
export const SET_SIM_GROUP = repeatable('POST', 'Sim:setSimGroup', 'add the SIM to the group', {
  advice: { 404: ['Check the SIM ID, the group ID and the coverage type.'] },
});

/** Enabling termination twice has no further effect. */
export const ENABLE_SIM_TERMINATION = repeatable(
  'POST',
  'Sim:enableSimTermination',
  'remove the termination protection of the SIM',
);

/** Terminating a SIM twice has no further effect, because termination is final. */
export const TERMINATE_SIM = repeatable('POST', 'Sim:terminateSim', 'terminate the SIM', {
  adviceAfterRepeat: [
    'Check with `arctun sim show`: an earlier attempt may have terminated the SIM.',
  ],
});

/** A repeated ping is another small packet, which changes nothing at SORACOM. */
export const SEND_DOWNLINK_PING = repeatable('POST', 'Sim:sendDownlinkPing', 'ping the SIM');
