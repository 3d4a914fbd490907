/**
 * The context that the handler of an API call receives, and the check that the caller may make the
 * call.
 */
import type { Context } from 'openapi-backend';

import type { HttpResponse } from '../http-response.js';
import type { PlatformState } from '../platform-state.js';
import type { Login } from '../tokens.js';
import { type EmulatorUser, operatorOf, userLabel } from '../users.js';
import type { Sim } from '../sim.js';
import { notPermitted, REFUSALS } from './refusals.js';

interface PathParameters {
  readonly sim_id: string;
  readonly tag_name: string;
  readonly group_id: string;
}

export type ApiContext<Body = unknown, Query = object> = Context<Body, PathParameters, Query>;

/** Facts about a call that are collected for the request log while the call is handled. */
export interface CallNotes {
  /** The label of the user who made the call. */
  user?: string;
}

/**
 * Returns 'admitted' if the call's token is valid and permits the operation, otherwise a refusal.
 */
export function admission(
  state: PlatformState,
  context: Context,
  notes?: CallNotes,
): 'admitted' | HttpResponse {
  const login = loginOf(context);
  if (login === undefined) return REFUSALS.tokenMissing;
  const grant = state.tokens.grantOf(login);
  if (grant === undefined) return REFUSALS.tokenInvalid;
  if (notes) notes.user = userLabel(grant.user);
  const { operationId = '', tags: [tag = ''] = [] } = context.operation;
  // Logging out does not need a permission.
  if (operationId === 'logout' || permits(grant.user, tag, operationId)) return 'admitted';
  return notPermitted(`${tag}:${operationId}`);
}

/** Returns the user who made an admitted call. */
export function callerOf(state: PlatformState, context: Context): EmulatorUser {
  const login = loginOf(context);
  const grant = login && state.tokens.grantOf(login);
  if (grant === undefined) throw new RangeError('the call has not been authorized');
  return grant.user;
}

/** Returns the SIM in the path if it belongs to the caller's operator. */
export function simOf(state: PlatformState, context: ApiContext): Sim | undefined {
  const sim = state.sims.get(context.request.params.sim_id);
  return sim?.operatorId === operatorOf(callerOf(state, context)) ? sim : undefined;
}

export function loginOf({ request }: Context): Login | undefined {
  const headers = request.headers as Record<string, string | string[] | undefined>;
  const apiKey = headers['x-soracom-api-key'];
  const token = headers['x-soracom-token'];
  if (typeof apiKey !== 'string' || typeof token !== 'string') return undefined;
  return apiKey === '' || token === '' ? undefined : { apiKey, token };
}

function permits({ permissions }: EmulatorUser, tag: string, operationId: string): boolean {
  return [`${tag}:${operationId}`, `${tag}:*`, '*'].some((needed) => permissions.includes(needed));
}
