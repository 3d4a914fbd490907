/** Finds the name of the process that is using an unavailable port. */
import { codeOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';

/** The type of `portHolder` in src/system/network/port-holder.ts. */
export type PortHolder = (protocol: 'tcp' | 'udp', port: number) => Promise<string | undefined>;

/** Returns the error with the name of the process that is using the port, if known. */
export async function withPortHolder(error: unknown, portHolder: PortHolder): Promise<unknown> {
  if (!(error instanceof UserError)) return error;
  const taken = takenPort(error.cause);
  if (taken === undefined) return error;
  const holder = await portHolder(taken.protocol, taken.port);
  if (holder === undefined) return error;
  const { kind, what, next } = error;
  return new UserError(kind, {
    what,
    why: `${holder} is already listening on this port`,
    next,
    cause: error.cause,
  });
}

/** @param error a system error, possibly from another realm, or an error caused by one */
function takenPort(error: unknown): { protocol: 'tcp' | 'udp'; port: number } | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { port, syscall, cause } = error as { port?: unknown; syscall?: unknown; cause?: unknown };
  if (codeOf(error) !== 'EADDRINUSE' || typeof port !== 'number') return takenPort(cause);
  return { protocol: syscall === 'bind' ? 'udp' : 'tcp', port };
}

interface NamedListen {
  /** The flag that sets the address. */
  readonly flag: string;
  readonly listen: { readonly host: string; readonly port: number } | undefined;
}

/** @throws UserError of kind `usage` if two listeners of one command use the same port */
export function requireOtherPorts(listeners: readonly NamedListen[]): void {
  for (const [index, { flag, listen }] of listeners.entries()) {
    if (listen === undefined || listen.port === 0) continue;
    const same = listeners.slice(0, index).find((other) => isSame(other.listen, listen));
    if (same === undefined) continue;
    throw new UserError('usage', {
      what: `cannot listen twice on port ${listen.port}`,
      why:
        same.flag === flag
          ? `${flag} contains this port twice`
          : `${same.flag} and ${flag} use the same port`,
      next: ['Choose another port for one of them.'],
    });
  }
}

const ALL = new Set(['0.0.0.0', '::']);

function isSame(one: NamedListen['listen'], other: { host: string; port: number }): boolean {
  if (one?.port !== other.port) return false;
  return one.host === other.host || ALL.has(one.host) || ALL.has(other.host);
}
