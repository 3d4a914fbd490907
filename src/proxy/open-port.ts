import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { formatAuthority, isLoopback, type ListenAddress } from './listen-address.js';
import { listenError } from './listen-error.js';
import type { ProxyLog } from './proxy-log.js';

export interface PortOptions {
  readonly listen: ListenAddress;
  /** The flag that chooses the port. */
  readonly flag: string;
  /** What anyone who reaches the port can do, for the warning where others can. */
  readonly risk: string;
  readonly log: ProxyLog;
}

/**
 * Opens a server's port. What fails later is an error in the log.
 *
 * @returns where it listens, with the port that it got
 * @throws UserError when the port cannot be had
 */
export function openPort(
  server: Server,
  { listen, flag, risk, log }: PortOptions,
): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(listenError(listen, flag, error));
    server.once('error', onError);
    server.listen({ host: listen.host, port: listen.port }, () => {
      server.off('error', onError);
      server.on('error', (error) => log.error({ error: error.message }, 'listener failed'));
      const { address: host, port } = server.address() as AddressInfo;
      if (!isLoopback(host)) warnOfStrangers({ host, port }, risk, log);
      resolve({ host, port });
    });
  });
}

/** Warns of a port that is open to other machines. */
export function warnOfStrangers(
  listen: ListenAddress,
  risk: string,
  log: Pick<ProxyLog, 'warn'>,
): void {
  const address = formatAuthority(listen);
  log.warn({ address }, `anyone who can reach ${address} can ${risk}`);
}
