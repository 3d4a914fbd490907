/** The API's operations, and who may call them. */
import type { Context, HandlerMap, Options } from 'openapi-backend';

import type { PlatformState } from '../platform-state.js';
import { malformedBody, malformedQuery, REFUSALS } from './answer.js';
import { admission, type CallNotes } from './api-context.js';
import { authOperations } from './operations/auth.js';
import { groupOperations } from './operations/groups.js';
import { kryptonOperations } from './operations/krypton.js';
import { searchOperations } from './operations/sim-search.js';
import { simOperations } from './operations/sims.js';
import type { ArcServerInfo } from './sim-json.js';

export interface HandlerOptions {
  readonly state: PlatformState;
  readonly arcServer: ArcServerInfo;
}

/** Everything that openapi-backend calls, by operation and by cause of refusal. */
export function createHandlers({
  state,
  arcServer,
}: HandlerOptions): Required<Pick<Options, 'handlers' | 'securityHandlers'>> {
  const admitted = (context: Context, notes: CallNotes): boolean =>
    admission(state, context, notes) === 'admitted';
  return {
    handlers: {
      ...authOperations(state),
      ...simOperations(state, arcServer),
      ...searchOperations(state, arcServer),
      ...groupOperations(state),
      ...kryptonOperations(state, arcServer),
      ...refusals(state),
    },
    securityHandlers: { apiKey: admitted, token: admitted },
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
      const path = error?.instancePath ?? '';
      const where = path.replace(/^\/(requestBody|query)\/?/, '');
      const reason = [where, error?.message ?? ''].join(' ').trim();
      return path.startsWith('/query') ? malformedQuery(reason) : malformedBody(reason);
    },
    notFound: () => REFUSALS.pathUnknown,
    methodNotAllowed: () => REFUSALS.methodUnknown,
  };
}
