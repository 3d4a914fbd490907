/**
 * The operations that the client carries out, each with the permission that it needs and with the
 * reason why it may or may not be repeated.
 */
import type { Operation } from '../api-error.js';
import type { SignIn } from '../auth/sign-in.js';
import type { HttpRequest } from './transport.js';

export interface ApiOperation extends Operation {
  readonly method: HttpRequest['method'];
  readonly permission: string;
  /**
   * Whether an answer of 429 or 5xx is followed by the same request again. That takes an operation
   * which does no harm when it is carried out twice, for behind a 5xx it may have been.
   */
  readonly repeatable: boolean;
  /** Whether it is sent and waited for also when the client's signal has fired. */
  readonly outlivesStop?: boolean;
  /** What to do when it was repeated and then refused: the first request may have succeeded. */
  readonly adviceAfterRepeat?: readonly string[];
}

/** What the three forms of a sign-in can be refused for. */
const WHAT_TO_CHECK: Readonly<Record<SignIn['kind'], string>> = {
  'auth-key': 'Check the auth key ID and the auth key.',
  'root-user': 'Check the e-mail address and the password.',
  'sam-user': 'Check the operator ID, the user name and the password.',
};

/**
 * A repeat makes another token, and the first dies by itself. With a one-time password there is
 * none: the password may have been used up, and is too old after a pause.
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
          ? ['Check the one-time password: it is good for one sign-in and half a minute.']
          : []),
        'Check the coverage: who is known in Japan coverage is unknown to Global, and the other way round.',
      ],
      404: ['Check the endpoint: it is the base URL of the SORACOM API, without /v1.'],
    },
  };
}

/** As for signing in: a repeat makes another token. */
export const SWITCH_USER: ApiOperation = {
  method: 'POST',
  purpose: 'change to the other user',
  permission: 'Auth:switchUser',
  repeatable: true,
  advice: {
    400: [
      'Check the operator ID and the user name to change to, and that this user trusts the one who signs in.',
    ],
  },
};

/**
 * A token that nobody needs any more shall not live on because the work was stopped; that of a
 * changed user lives for up to an hour. A second call would be refused.
 */
export const LOGOUT: ApiOperation = {
  method: 'POST',
  purpose: 'sign out of SORACOM',
  permission: 'Auth:logout',
  repeatable: false,
  outlivesStop: true,
};

/** Each one that is carried out costs money. */
export const CREATE_SIM: ApiOperation = {
  method: 'POST',
  purpose: 'create a virtual SIM',
  permission: 'Sim:createSim',
  repeatable: false,
  creates: true,
};

/** Reads only. */
export const GET_SIM: ApiOperation = {
  method: 'GET',
  purpose: 'read the virtual SIM',
  permission: 'Sim:getSim',
  repeatable: true,
};

/** Reads only. */
export const LIST_SIMS: ApiOperation = {
  method: 'GET',
  purpose: 'list the SIMs',
  permission: 'Sim:listSims',
  repeatable: true,
};

/** Reads only. */
export const SEARCH_SIMS: ApiOperation = {
  method: 'GET',
  purpose: 'search the virtual SIMs',
  permission: 'Query:searchSims',
  repeatable: true,
};

/** Reads only. */
export const LIST_SIM_SESSION_EVENTS: ApiOperation = {
  method: 'GET',
  purpose: 'read the session events of the SIM',
  permission: 'Sim:listSimSessionEvents',
  repeatable: true,
};

/** A session that exists is created anew; only the last one counts, and it costs nothing. */
export const CREATE_ARC_SESSION: ApiOperation = {
  method: 'POST',
  purpose: 'create an Arc session',
  permission: 'Sim:createArcSession',
  repeatable: true,
};

/** We send the public key, so the second time sets what is set. */
export const RENEW_ARC_SIM_CREDENTIALS: ApiOperation = {
  method: 'PUT',
  purpose: 'give the SIM another key',
  permission: 'Sim:renewArcSimCredentials',
  repeatable: true,
};

/** The second time sets the same tags to the same values. */
export const PUT_SIM_TAGS: ApiOperation = {
  method: 'PUT',
  purpose: 'set the tags of the SIM',
  permission: 'Sim:putSimTags',
  repeatable: true,
};

/** Reads only. */
export const GET_GROUP: ApiOperation = {
  method: 'GET',
  purpose: 'read the group',
  permission: 'Group:getGroup',
  repeatable: true,
};

/** The second time puts it where it is. */
export const SET_SIM_GROUP: ApiOperation = {
  method: 'POST',
  purpose: 'put the SIM into the group',
  permission: 'Sim:setSimGroup',
  repeatable: true,
  advice: { 404: ['Check the SIM id, the group id and the coverage.'] },
};

/** The second time removes a protection that is not there. */
export const ENABLE_SIM_TERMINATION: ApiOperation = {
  method: 'POST',
  purpose: 'remove the termination protection of the SIM',
  permission: 'Sim:enableSimTermination',
  repeatable: true,
};

/** It is meant to be final: a SIM that is terminated cannot be terminated more. */
export const TERMINATE_SIM: ApiOperation = {
  method: 'POST',
  purpose: 'terminate the SIM',
  permission: 'Sim:terminateSim',
  repeatable: true,
  adviceAfterRepeat: [
    'An earlier attempt may have terminated it: look with `arctun sim show` whether it is gone.',
  ],
};
