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
export const SWITCH_USER: ApiOperation = {
  method: 'POST',
  purpose: 'switch to the other user',
  permission: 'Auth:switchUser',
  repeatable: true,
  advice: {
    400: [
      'Check the operator ID and the user name to switch to, and check that this user trusts the user who signs in.',
    ],
  },
};

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
export const GET_SIM: ApiOperation = {
  method: 'GET',
  purpose: 'read the virtual SIM',
  permission: 'Sim:getSim',
  repeatable: true,
};

/** Listing SIMs changes nothing. */
export const LIST_SIMS: ApiOperation = {
  method: 'GET',
  purpose: 'list the SIMs',
  permission: 'Sim:listSims',
  repeatable: true,
};

/** Searching for SIMs changes nothing. */
export const SEARCH_SIMS: ApiOperation = {
  method: 'GET',
  purpose: 'search the virtual SIMs',
  permission: 'Query:searchSims',
  repeatable: true,
};

/** Listing session events changes nothing. */
export const LIST_SIM_SESSION_EVENTS: ApiOperation = {
  method: 'GET',
  purpose: 'read the session events of the SIM',
  permission: 'Sim:listSimSessionEvents',
  repeatable: true,
};

/** Creating a session again replaces the existing one, at no cost. */
export const CREATE_ARC_SESSION: ApiOperation = {
  method: 'POST',
  purpose: 'create an Arc session',
  permission: 'Sim:createArcSession',
  repeatable: true,
};

/** Retrying sets the same key again, because the request contains the public key. */
export const RENEW_ARC_SIM_CREDENTIALS: ApiOperation = {
  method: 'PUT',
  purpose: 'renew the key of the SIM',
  permission: 'Sim:renewArcSimCredentials',
  repeatable: true,
};

/** Retrying sets the same tags to the same values. */
export const PUT_SIM_TAGS: ApiOperation = {
  method: 'PUT',
  purpose: 'set the tags of the SIM',
  permission: 'Sim:putSimTags',
  repeatable: true,
};

/** Reading a group changes nothing. */
export const GET_GROUP: ApiOperation = {
  method: 'GET',
  purpose: 'read the group',
  permission: 'Group:getGroup',
  repeatable: true,
};

/** Retrying sets the same group again. */
export const SET_SIM_GROUP: ApiOperation = {
  method: 'POST',
  purpose: 'add the SIM to the group',
  permission: 'Sim:setSimGroup',
  repeatable: true,
  advice: { 404: ['Check the SIM ID, the group ID and the coverage type.'] },
};

/** Enabling termination twice has no further effect. */
export const ENABLE_SIM_TERMINATION: ApiOperation = {
  method: 'POST',
  purpose: 'remove the termination protection of the SIM',
  permission: 'Sim:enableSimTermination',
  repeatable: true,
};

/** Terminating a SIM twice has no further effect, because termination is final. */
export const TERMINATE_SIM: ApiOperation = {
  method: 'POST',
  purpose: 'terminate the SIM',
  permission: 'Sim:terminateSim',
  repeatable: true,
  adviceAfterRepeat: [
    'Check with `arctun sim show`: an earlier attempt may have terminated the SIM.',
  ],
};
