/** The Runtime API, 2018-06-01, which the function's runtime calls. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { accepted, headerOf, notFound, refuse } from './replies.js';
import type { FunctionError, Invocation } from './runtime-connection.js';
import type { RuntimeDomain } from './runtime-domain.js';

const PREFIX = '/2018-06-01/runtime';
const INVOCATION = /^\/invocation\/([^/]+)\/(response|error)$/;
/** The limit for a response that is not streamed. */
const MAX_RESPONSE = 6 * 1024 * 1024;

export function isRuntimeApi(path: string): boolean {
  return path.startsWith(`${PREFIX}/`);
}

export function serveRuntimeApi(
  domain: RuntimeDomain,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | undefined,
): void {
  const call = `${request.method} ${request.url!.slice(PREFIX.length)}`;
  if (call === 'GET /invocation/next') {
    domain.runtimeNext(response);
  } else if (call === 'POST /init/error') {
    const error = errorOf(request, body);
    accepted(response);
    domain.runtimeInitError(error);
  } else {
    const match = INVOCATION.exec(request.url!.slice(PREFIX.length));
    if (match === null || request.method !== 'POST') notFound(response);
    else answer(domain, request, response, { id: match[1]!, kind: match[2]!, body });
  }
}

function answer(
  domain: RuntimeDomain,
  request: IncomingMessage,
  response: ServerResponse,
  given: { id: string; kind: string; body: Buffer | undefined },
): void {
  const invocation = domain.runtime.running.get(given.id);
  if (invocation === undefined) {
    refuse(response, 'InvalidRequestID', 'Invalid request ID', 400);
  } else if (given.kind === 'error') {
    finish(domain, invocation, { error: errorOf(request, given.body) });
    accepted(response);
  } else if (given.body === undefined || given.body.length > MAX_RESPONSE) {
    const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`;
    finish(domain, invocation, {
      error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage },
    });
    refuse(response, 'RequestEntityTooLarge', errorMessage, 413);
  } else {
    finish(domain, invocation, { response: given.body.toString() });
    accepted(response);
  }
}

function finish(
  domain: RuntimeDomain,
  invocation: Invocation,
  outcome: Pick<Invocation, 'response' | 'error'>,
): void {
  Object.assign(invocation, outcome, { answeredAt: performance.now() });
  domain.runtimeAnswered(invocation);
}

function errorOf(request: IncomingMessage, body: Buffer | undefined): FunctionError {
  const type = headerOf(request, 'Lambda-Runtime-Function-Error-Type');
  let told: Partial<FunctionError> | null = null;
  try {
    told = JSON.parse(String(body)) as Partial<FunctionError> | null;
  } catch {
    // An error may have no body.
  }
  return {
    errorType: told?.errorType ?? (type === '' ? 'Runtime.Unknown' : type),
    errorMessage: told?.errorMessage ?? '',
  };
}
