import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

import { type FailureKind, UserError } from '../lib/errors/user-error.js';
import { isDenied } from '../lib/errors/error-message.js';
import { listenFault } from '../lib/errors/listen-fault.js';
import { formatAuthority } from '../lib/text/http-syntax.js';
import { isLoopback, type ListenAddress } from './listen-address.js';
import type { ProxyLog } from './proxy-log.js';

export interface PortOptions {
  readonly listen: ListenAddress;
  /** The flag that sets the port. */
  readonly flag: string;
  /** The flag that sets the address, if it is another flag. */
  readonly hostFlag?: string | undefined;
  /** What a client of the port can do, for the warning if other machines can reach the port. */
  readonly risk: string;
  readonly log: ProxyLog;
}

/**
 * Opens a server's port. Later server errors are logged.
 *
 * @returns the listening address with the actual port
 * @throws UserError if the port cannot be opened
 */
export async function openPort(
  server: Server,
  { risk, log, ...options }: PortOptions,
): Promise<ListenAddress> {
  try {
    await once(
      server.listen({ host: options.listen.host, port: options.listen.port }),
      'listening',
    );
  } catch (error) {
    throw listenError(options, error as NodeJS.ErrnoException);
  }
  server.on('error', (error) => log.error({ error: error.message }, 'the listener failed'));
  const { address: host, port } = server.address() as AddressInfo;
  if (!isLoopback(host)) warnOfStrangers({ host, port }, risk, log);
  return { host, port };
}

/** Logs a warning if other machines can reach the port. */
export function warnOfStrangers(
  listen: ListenAddress,
  risk: string,
  log: Pick<ProxyLog, 'warn'>,
): void {
  const address = formatAuthority(listen);
  log.warn({ address }, `anyone who can reach ${address} can ${risk}`);
}

/**
 * Builds the error for a port that cannot be opened, with advice: kind `permission` for a missing
 * privilege, otherwise `failed`.
 */
export function listenError(
  { listen, flag, hostFlag = flag }: Pick<PortOptions, 'listen' | 'flag' | 'hostFlag'>,
  error: NodeJS.ErrnoException,
): UserError {
  const fail = (kind: FailureKind, why: string | undefined, next: string, wrong = flag) =>
    new UserError(kind, {
      what: `cannot listen on ${formatAuthority(listen)} (${wrong})`,
      why: why ?? error.message,
      next: [next],
      cause: error,
    });
  const reason = listenFault(error.code);
  if (error.code === 'EADDRINUSE') {
    const other = `Stop the program that is using the port, or choose another port with ${flag} (0 picks a free port).`;
    return fail('failed', reason, other);
  }
  if (isDenied(error)) return fail('permission', reason, 'Choose port 1024 or above.');
  return fail('failed', reason, 'Choose an address that belongs to this machine.', hostFlag);
}
