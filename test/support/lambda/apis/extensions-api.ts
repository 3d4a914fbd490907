/**
 * The Extensions API, 2020-01-01. Texts and their order match the recorded responses
 * (test/vectors/lambda-extensions-api.json).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Extension, ExtensionEvent, ExtensionState } from '../extension.js';
import { FUNCTION_NAME } from '../environment.js';
import { accepted, headerOf, notFound, refuse, sendJson } from './replies.js';
import type { RuntimeDomain } from './runtime-domain.js';

const PREFIX = '/2020-01-01/extension';
const IDENTIFIER = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isExtensionsApi(path: string): boolean {
  return path.startsWith(`${PREFIX}/`);
}

export function serveExtensionsApi(
  domain: RuntimeDomain,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | undefined,
): void {
  switch (`${request.method} ${request.url!.slice(PREFIX.length)}`) {
    case 'POST /register':
      register(domain, request, response, String(body));
      break;
    case 'GET /event/next':
      next(domain, request, response);
      break;
    case 'POST /init/error':
      giveUp(domain, request, response, 'InitError');
      break;
    case 'POST /exit/error':
      giveUp(domain, request, response, 'ExitError');
      break;
    default:
      notFound(response);
      break;
  }
}

/** Returns the extension whose identifier a request gives; if none matches, answers the request. */
function identify(
  domain: RuntimeDomain,
  request: IncomingMessage,
  response: ServerResponse,
): Extension | undefined {
  const id = headerOf(request, 'Lambda-Extension-Identifier');
  if (id === '') {
    refuse(
      response,
      'Extension.MissingExtensionIdentifier',
      'Missing Lambda-Extension-Identifier header',
    );
  } else if (!IDENTIFIER.test(id)) {
    refuse(response, 'Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier');
  } else {
    const found = domain.extensions.find((extension) => extension.id === id);
    if (found !== undefined) return found;
    refuse(response, 'Extension.UnknownExtensionIdentifier', `Unknown extension ${id}`);
  }
  return undefined;
}

function register(
  domain: RuntimeDomain,
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
): void {
  const name = headerOf(request, 'Lambda-Extension-Name');
  if (name === '') {
    refuse(response, 'Extension.InvalidExtensionName', 'Empty extension name');
    return;
  }
  const events = readEvents(body);
  if (events === undefined) {
    refuse(response, 'InvalidRequestFormat', 'unexpected end of JSON input');
    return;
  }
  const extension = domain.extensions.find((one) => one.name === name);
  const wrong = wrongEvent(domain, events, extension !== undefined);
  if (wrong !== undefined) {
    refuse(response, 'Extension.InvalidEventType', wrong);
    return;
  }
  if (extension === undefined) {
    refuse(response, 'Extension.InvalidExtensionName', 'no internal extensions here');
    return;
  }
  if (!extension.canBecome('Registered')) {
    refuseState(response, extension, 'Registered', name);
    return;
  }
  for (const event of events) extension.events.add(event as ExtensionEvent);
  extension.become('Registered');
  sendJson(
    response,
    200,
    {
      functionName: FUNCTION_NAME,
      functionVersion: '$LATEST',
      handler: domain.plan.facts.handler,
    },
    { 'Lambda-Extension-Identifier': extension.id },
  );
  domain.journal.record('extension registered', name, events.join(','));
}

/** The names in the member `events`; undefined if the body is malformed. */
function readEvents(body: string): readonly string[] | undefined {
  try {
    const { events = [] } = JSON.parse(body) as { events?: unknown };
    return Array.isArray(events) ? events.map(String) : undefined;
  } catch {
    return undefined;
  }
}

function wrongEvent(
  domain: RuntimeDomain,
  events: readonly string[],
  isExternal: boolean,
): string | undefined {
  for (const event of events) {
    if (event !== 'INVOKE' && event !== 'SHUTDOWN') return `${event}: ErrorInvalidEventType`;
    if (event === 'SHUTDOWN' && !isExternal) {
      return `${event}: ShutdownEventNotSupportedForInternalExtension`;
    }
    // Not recorded: managed instances run invocations concurrently and do not notify extensions of
    // them.
    if (event === 'INVOKE' && domain.plan.isManaged) return `${event}: ErrorInvalidEventType`;
  }
  return undefined;
}

function next(domain: RuntimeDomain, request: IncomingMessage, response: ServerResponse): void {
  const extension = identify(domain, request, response);
  if (extension === undefined) return;
  if (!extension.canBecome('Ready')) {
    refuseState(response, extension, 'Ready', extension.id);
    return;
  }
  domain.journal.record('extension next', extension.name);
  extension.next(response);
  domain.journal.changes.changed();
}

function giveUp(
  domain: RuntimeDomain,
  request: IncomingMessage,
  response: ServerResponse,
  state: 'InitError' | 'ExitError',
): void {
  const extension = identify(domain, request, response);
  if (extension === undefined) return;
  const type = headerOf(request, 'Lambda-Extension-Function-Error-Type');
  if (type === '') {
    refuse(response, 'Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type not found');
    return;
  }
  if (!extension.become(state)) {
    refuseState(response, extension, state, extension.id);
    return;
  }
  accepted(response);
  domain.extensionGaveUp(extension, state, type);
}

function refuseState(
  response: ServerResponse,
  extension: Extension,
  wanted: ExtensionState,
  called: string,
): void {
  refuse(
    response,
    'Extension.InvalidExtensionState',
    `State transition from ${extension.state} to ${wanted} failed for extension ${called}. ` +
      'Error: State transition is not allowed',
  );
}
