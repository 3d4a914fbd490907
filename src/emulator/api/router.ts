/** Routes a call to its operation, based on the OpenAPI document. */
import type { IncomingHttpHeaders } from 'node:http';
import { OpenAPIBackend, type Operation } from 'openapi-backend';

import type { HttpResponse } from '../http-response.js';
import { REFUSALS } from './refusals.js';
import type { CallNotes } from './api-context.js';
import { createHandlers, type HandlerOptions } from './all-operations.js';
import { API_ROOT, OPENAPI_DOCUMENT } from './openapi.js';

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ApiRouter {
  /** The operationId of a call; undefined if the API does not have this path or method. */
  operationOf(call: Pick<ApiCall, 'method' | 'path'>): string | undefined;
  answer(call: ApiCall, notes: CallNotes): Promise<HttpResponse>;
}

export async function createApiRouter(options: HandlerOptions): Promise<ApiRouter> {
  const backend = new OpenAPIBackend({
    definition: OPENAPI_DOCUMENT,
    apiRoot: API_ROOT,
    strict: true,
    // Skip validating and compiling the document at startup; a test verifies that it is valid.
    quick: true,
    // Pass numeric parameters to handlers as numbers.
    coerceTypes: true,
    // Disable code optimization: each validator runs only a few times, so optimization would take
    // more time than it saves.
    ajvOpts: { code: { optimize: false } },
    ignoreTrailingSlashes: false,
    ...createHandlers(options),
  });
  await backend.init();
  const find = ({ method, path }: Pick<ApiCall, 'method' | 'path'>): Operation | undefined =>
    backend.matchOperation({ method, path, headers: {} });
  return {
    operationOf: (call) => find(call)?.operationId,
    answer: async (call, notes) => {
      const { method, path, body } = call;
      const headers = call.headers as Record<string, string>;
      const query = knownParameters(find(call), call.query);
      try {
        const answer: unknown = await backend.handleRequest(
          { method, path, headers, query, body },
          notes,
        );
        return answer as HttpResponse;
      } catch (error) {
        return error instanceof URIError ? REFUSALS.pathMalformed : REFUSALS.internal;
      }
    },
  };
}

/** Returns the query parameters that the operation defines. Like SORACOM, ignores all others. */
function knownParameters(
  operation: Operation | undefined,
  query: URLSearchParams,
): Record<string, string | string[]> {
  const known: Record<string, string | string[]> = {};
  for (const parameter of operation?.parameters ?? []) {
    if (!('in' in parameter) || parameter.in !== 'query') continue;
    const values = query.getAll(parameter.name);
    const [only] = values;
    if (only !== undefined) known[parameter.name] = values.length === 1 ? only : values;
  }
  return known;
}
