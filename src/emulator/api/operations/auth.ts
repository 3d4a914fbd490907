import type { HandlerMap } from 'openapi-backend';

import type { HttpResponse } from '../../http-response.js';
import type { PlatformState } from '../../platform-state.js';
import { type EmulatorUser, operatorOf, type SignInRequest, userLabel } from '../../users.js';
import { REFUSALS } from '../refusals.js';
import { type ApiContext, callerOf, type CallNotes, loginOf } from '../api-context.js';
import { DEFAULT_SWITCHED_TIMEOUT, DEFAULT_TOKEN_TIMEOUT } from '../openapi/auth.js';

interface AuthRequest extends SignInRequest {
  readonly tokenTimeoutSeconds?: number;
}

interface SwitchUserRequest {
  readonly operatorId?: string;
  readonly userName?: string;
  readonly tokenTimeoutSeconds?: number;
}

export function authOperations(state: PlatformState): HandlerMap {
  return {
    auth: (context: ApiContext<AuthRequest>, notes: CallNotes): HttpResponse => {
      const { requestBody: request } = context.request;
      const user = state.users.find(request);
      if (user === undefined) return REFUSALS.wrongCredentials;
      notes.user = userLabel(user);
      return tokenResponse(state, user, request.tokenTimeoutSeconds ?? DEFAULT_TOKEN_TIMEOUT);
    },

    logout: (context: ApiContext): HttpResponse => {
      const login = loginOf(context);
      if (login !== undefined) state.tokens.revoke(login.token);
      return { status: 204 };
    },

    switchUser: (context: ApiContext<SwitchUserRequest>): HttpResponse => {
      const { operatorId, userName, tokenTimeoutSeconds } = context.request.requestBody;
      const { switchTo = [] } = callerOf(state, context);
      const trusted = switchTo.find(
        (target) => target.operatorId === operatorId && target.userName === userName,
      );
      const user = trusted && state.users.samUser(trusted.operatorId, trusted.userName);
      if (user === undefined) return REFUSALS.switchRefused;
      return tokenResponse(state, user, tokenTimeoutSeconds ?? DEFAULT_SWITCHED_TIMEOUT);
    },
  };
}

function tokenResponse(
  state: PlatformState,
  user: EmulatorUser,
  timeoutSeconds: number,
): HttpResponse {
  const login = state.tokens.create(user, timeoutSeconds);
  const { userName } = user;
  const body = { ...login, operatorId: operatorOf(user), ...(userName && { userName }) };
  return { status: 200, body };
}
