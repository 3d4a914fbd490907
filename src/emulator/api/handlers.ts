/** The API's operations, and who may call them. */
import type { Context, HandlerMap, Options } from 'openapi-backend';

import { type Login, OPERATOR_ID, type PlatformState, type TokenGrant } from '../platform-state.js';
import { type Answer, malformedBody, notPermitted, REFUSALS } from './answer.js';
import { DEFAULT_TOKEN_TIMEOUT } from './openapi.js';
import { type ArcServerInfo, sessionJson, simJson } from './sim-json.js';

export interface HandlerOptions {
  readonly state: PlatformState;
  readonly arcServer: ArcServerInfo;
}

type ApiContext<Body = unknown> = Context<Body, { sim_id: string }>;

interface AuthRequest {
  readonly authKeyId?: string;
  readonly authKey?: string;
  readonly tokenTimeoutSeconds?: number;
}

/** Everything that openapi-backend calls, by operation and by cause of refusal. */
export function createHandlers(
  options: HandlerOptions,
): Required<Pick<Options, 'handlers' | 'securityHandlers'>> {
  const { state } = options;
  const admitted = (context: Context): boolean => admission(state, context) === 'admitted';
  return {
    handlers: { ...operations(options), ...refusals(state) },
    securityHandlers: { apiKey: admitted, token: admitted },
  };
}

function operations({ state, arcServer }: HandlerOptions): HandlerMap {
  return {
    auth: (context: ApiContext<AuthRequest>) => authenticate(state, context.request.requestBody),

    logout: (context: ApiContext): Answer => {
      const login = loginOf(context);
      if (login !== undefined) state.logOut(login.token);
      return { status: 204 };
    },

    createSim: (): Answer => {
      const created = state.createSim();
      if (created === undefined) return REFUSALS.tooManySims;
      return { status: 201, body: simJson(created.sim, arcServer, created.privateKey) };
    },

    getSim: (context: ApiContext): Answer => {
      const sim = state.sim(context.request.params.sim_id);
      if (sim === undefined) return REFUSALS.simUnknown;
      return { status: 200, body: simJson(sim, arcServer) };
    },

    createArcSession: (context: ApiContext): Answer => {
      const sim = state.sim(context.request.params.sim_id);
      if (sim === undefined) return REFUSALS.simUnknown;
      return { status: 200, body: sessionJson(state.recreateSession(sim), arcServer) };
    },
  };
}

function refusals(state: PlatformState): HandlerMap {
  return {
    unauthorizedHandler: (context: Context) => {
      const result = admission(state, context);
      return result === 'admitted' ? REFUSALS.internal : result;
    },
    validationFail: ({ validation }: Context) => {
      const [error] = validation.errors ?? [];
      const where = error?.instancePath.replace(/^\/requestBody\/?/, '') ?? '';
      return malformedBody([where, error?.message ?? ''].join(' ').trim());
    },
    notFound: () => REFUSALS.pathUnknown,
    methodNotAllowed: () => REFUSALS.methodUnknown,
  };
}

function authenticate(state: PlatformState, request: AuthRequest): Answer {
  const { authKeyId = '', authKey = '', tokenTimeoutSeconds = DEFAULT_TOKEN_TIMEOUT } = request;
  const login = state.logIn(authKeyId, authKey, tokenTimeoutSeconds);
  if (login === undefined) return REFUSALS.wrongCredentials;
  return { status: 200, body: { ...login, operatorId: OPERATOR_ID } };
}

/** Whether the call carries a live token that permits the operation, or else the refusal. */
function admission(state: PlatformState, context: Context): 'admitted' | Answer {
  const login = loginOf(context);
  if (login === undefined) return REFUSALS.tokenMissing;
  const grant = state.grantOf(login);
  if (grant === undefined) return REFUSALS.tokenInvalid;
  const { operationId = '', tags: [tag = ''] = [] } = context.operation;
  // Logging out needs no permission.
  if (operationId === 'logout' || permits(grant, tag, operationId)) return 'admitted';
  return notPermitted(`${tag}:${operationId}`);
}

function permits({ permissions }: TokenGrant, tag: string, operationId: string): boolean {
  return [`${tag}:${operationId}`, `${tag}:*`, '*'].some((needed) => permissions.includes(needed));
}

function loginOf({ request }: Context): Login | undefined {
  const headers = request.headers as Record<string, string | string[] | undefined>;
  const apiKey = headers['x-soracom-api-key'];
  const token = headers['x-soracom-token'];
  if (typeof apiKey !== 'string' || typeof token !== 'string') return undefined;
  return apiKey === '' || token === '' ? undefined : { apiKey, token };
}
