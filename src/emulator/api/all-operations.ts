/**
 * Collects the operations in operations/ and checks permissions. The paths are defined in openapi/.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Context, Handler, HandlerMap, Options } from 'openapi-backend';

import type { ArcNetwork } from '../arc-network.js';
import type { PlatformState } from '../platform-state.js';
import type { HttpResponse } from '../http-response.js';
import { malformedBody, malformedQuery, REFUSALS } from './refusals.js';
import { admission, type CallNotes } from './api-context.js';
import { authOperations } from './operations/auth.js';
import { groupOperations } from './operations/groups.js';
import { kryptonOperations } from './operations/krypton.js';
import { pingOperations } from './operations/sim-ping.js';
import { searchOperations } from './operations/sim-search.js';
import { simOperations } from './operations/sims.js';
import type { ArcServerInfo } from './sim-json.js';

export interface HandlerOptions {
  readonly state: PlatformState;
  readonly arcServer: ArcServerInfo;
  /** The Arc server's network, through which SIMs are pinged. */
  readonly network: Pick<ArcNetwork, 'lastHandshake' | 'ping'>;
}

/** Builds openapi-backend's handlers: one per operation, and one per reason to refuse a call. */
export function createHandlers({
  state,
  arcServer,
  network,
}: HandlerOptions): Required<Pick<Options, 'handlers' | 'securityHandlers'>> {
  const admitted = (context: Context, notes: CallNotes): boolean =>
    admission(state, context, notes) === 'admitted';
  const operations = {
    ...authOperations(state),
    ...simOperations(state, arcServer),
    ...pingOperations(state, network),
    ...searchOperations(state, arcServer),
    ...groupOperations(state),
    ...kryptonOperations(state, arcServer),
  };
  return {
    handlers: { ...withMediaTypeCheck(operations), ...refusals(state) },
    securityHandlers: { apiKey: admitted, token: admitted },
  };
}

function withMediaTypeCheck(operations: HandlerMap): HandlerMap {
  return Object.fromEntries(
    Object.entries(operations).map(([id, handle]): [string, Handler] => [
      id,
      (context: Context, ...rest: unknown[]) =>
        mediaTypeRefusal(context) ?? (handle?.(context, ...rest) as unknown),
    ]),
  );
}

/**
 * Whether the body is declared as JSON. A web page can send JSON with another content type, or
 * without one, and the browser then makes no preflight request.
 */
export function isJson({ 'content-type': type = '' }: IncomingHttpHeaders): boolean {
  return /^application\/json[ \t]*(?:;|$)/i.test(type);
}

/** Refuses a body of the wrong type, or a body that is not expected (RFC 9110 15.5.16). */
function mediaTypeRefusal({ operation, request }: Context): HttpResponse | undefined {
  const { headers, body } = request as { headers: IncomingHttpHeaders; body?: unknown };
  if (body === undefined || body === '') return undefined;
  if (operation.requestBody === undefined) return REFUSALS.bodyUnexpected;
  return isJson(headers) ? undefined : REFUSALS.bodyNotJson;
}

function refusals(state: PlatformState): HandlerMap {
  return {
    unauthorizedHandler: (context: Context) => {
      const result = admission(state, context);
      return result === 'admitted' ? REFUSALS.internal : result;
    },
    validationFail: (context: Context) => {
      const refusal = mediaTypeRefusal(context);
      if (refusal !== undefined) return refusal;
      const { validation } = context;
      const [error] = validation.errors ?? [];
      const path = error?.instancePath ?? '';
      const where = path.replace(/^\/(requestBody|query)\/?/, '');
      const reason = [where, error?.message ?? ''].join(' ').trim();
      return path.startsWith('/query') ? malformedQuery(reason) : malformedBody(reason);
    },
    notFound: () => REFUSALS.pathUnknown,
    methodNotAllowed: () => REFUSALS.methodUnknown,
  };
}
