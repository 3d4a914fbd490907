/** Adds, lists and removes the port forwards of a running `up` through its control socket. */
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import { parseForward, parsePlace } from '../../proxy/port-forward/forward-spec.js';
import type { ForwardStatus } from '../../proxy/port-forward/forward-counters.js';
import {
  type PortForwards,
  requireLoopbackForwards,
} from '../../proxy/port-forward/port-forwards.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { LINE_END, type RequestHandler } from './control-session.js';
import { isForward } from './status-report.js';

/** The forwards of a request, in the notation of the flags. */
export interface ForwardTexts {
  readonly local: readonly string[];
  readonly remote: readonly string[];
}

export interface ForwardAddition extends ForwardTexts {
  readonly allowOpen: boolean;
}

/** The handlers of the requests `forward-list`, `forward-add` and `forward-remove`. */
export function forwardHandlers(
  forwards: () => PortForwards | undefined,
): Readonly<Record<string, RequestHandler>> {
  const answering = (handle: (open: PortForwards, request: object) => unknown): RequestHandler => {
    return async (request) => {
      try {
        return { forwards: await handle(forwards() ?? unsupported(), request) };
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        const { kind, what, why, next } = error;
        return { fault: { kind, what, why, next } };
      }
    };
  };
  return {
    'forward-list': answering((open) => open.list()),
    'forward-add': answering((open, request) => add(open, request)),
    'forward-remove': answering((open, request) => remove(open, request)),
  };
}

function add(open: PortForwards, request: object): Promise<readonly ForwardStatus[]> {
  const { local, remote } = textsOf(request);
  const forwards = [
    ...local.map((text) => parseForward('local', text)),
    ...remote.map((text) => parseForward('remote', text)),
  ];
  requireLoopbackForwards(forwards, (request as { allowOpen?: unknown }).allowOpen === true);
  return open.open(forwards);
}

function remove(open: PortForwards, request: object): Promise<readonly ForwardStatus[]> {
  const { local, remote } = textsOf(request);
  return open.remove([
    ...local.map((text) => parsePlace('local', text)),
    ...remote.map((text) => parsePlace('remote', text)),
  ]);
}

function textsOf(request: object): ForwardTexts {
  const { local, remote } = request as Readonly<Record<string, unknown>>;
  return { local: strings(local), remote: strings(remote) };
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function unsupported(): never {
  throw new UserError('failed', {
    what: 'cannot use port forwards',
    why: 'the tunnel has a network interface, so programs can connect and listen without forwards',
    next: ['To use forwards, restart the tunnel with --mode userspace.'],
  });
}

/**
 * Sends a request about forwards.
 *
 * @param path the control socket
 * @param request the request's name and parameters
 * @returns the forwards that were listed, added or removed
 * @throws UserError as reported by the running `up`; Error if it does not answer
 */
export async function requestForwards(
  path: string,
  request: { readonly request: string } & Partial<ForwardAddition>,
  connections: LocalConnections,
): Promise<readonly ForwardStatus[]> {
  const line = await connections.ask(path, `${JSON.stringify(request)}${LINE_END}`, LINE_END);
  const { forwards, fault, error } = (parseJson(line) ?? {}) as Readonly<Record<string, unknown>>;
  if (Array.isArray(forwards) && forwards.every(isForward)) return forwards;
  if (isFault(fault)) throw new UserError(fault.kind, fault);
  throw new UserError('failed', {
    what: 'cannot change port forwards',
    why:
      typeof error === 'string' && error !== 'unknown request'
        ? error
        : 'the process is running another version of arctun',
    next: ['Restart "arctun up".'],
  });
}

interface Fault {
  readonly kind: FailureKind;
  readonly what: string;
  readonly why: string;
  readonly next: readonly string[];
}

function isFault(value: unknown): value is Fault {
  const { kind, what, why, next } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [kind, what, why].every((text) => typeof text === 'string') && Array.isArray(next);
}
