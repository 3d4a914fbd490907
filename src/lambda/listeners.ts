/**
 * Opens the forwarder's ports for the function. Opens both addresses, because `localhost` may be
 * 127.0.0.1, ::1, or both.
 */
import { codeOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { pause } from '../lib/waits.js';
import type { Dialer } from '../proxy/dialer.js';
import { startForwarder } from '../proxy/forward/forwarder.js';
import type { KeptConnections } from '../proxy/http/target/kept-connections.js';
import type { HttpListener } from '../proxy/http/listener.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { LambdaSettings } from './settings.js';

export interface ListenersOptions extends Pick<LambdaSettings, 'port' | 'target' | 'browsers'> {
  readonly dialer: Dialer;
  /** The idle connections that all listeners share, because they have the same client. */
  readonly kept: KeptConnections;
  readonly log: Log;
  readonly clock: Clock;
}

/** `close` closes all listeners. */
export type Listeners = Pick<HttpListener, 'close'>;

/** Lambda allows each environment 1,024 file descriptors, and the function needs some of them. */
const MAX_CONNECTIONS = 512;

/**
 * The number of attempts to open a port, which a process that is exiting may still use. PAUSE is in
 * milliseconds.
 */
const ATTEMPTS = 10;
const PAUSE = 50;

/**
 * @throws UserError if another program uses one of the ports and would receive the function's
 * requests
 */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const ipv4 = await openPatiently('127.0.0.1', options);
  const forwarders = [ipv4];
  try {
    const ipv6 = await openPatiently('::1', options).catch((error: unknown) => {
      if (isTaken(error)) throw error;
      return undefined;
    });
    if (ipv6 !== undefined) forwarders.push(ipv6);
  } catch (error) {
    await ipv4.close({ graceMs: 0 });
    throw error;
  }
  return {
    close: async (closing) => {
      await Promise.all(forwarders.map((forwarder) => forwarder.close(closing)));
    },
  };
}

async function openPatiently(host: string, options: ListenersOptions): Promise<HttpListener> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(host, options);
    } catch (error) {
      if (!isTaken(error)) throw error;
      if (attempt === ATTEMPTS) throw taken(options.port, error);
      await pause(PAUSE, options.clock);
    }
  }
}

function open(
  host: string,
  { port, target, browsers, dialer, kept, log }: ListenersOptions,
): Promise<HttpListener> {
  return startForwarder({
    listen: { host, port },
    target,
    headers: [],
    browsers,
    dialer,
    kept,
    log,
    flag: 'ARCTUN_LAMBDA_PORT',
    maxConnections: MAX_CONNECTIONS,
    // Never close idle connections: after a freeze, the function may be in the middle of sending a
    // request.
    keepAliveTimeout: 0,
  });
}

/** True if the error or its cause means that another program uses the port. */
function isTaken(error: unknown): boolean {
  if (!(error instanceof UserError)) return false;
  return codeOf(error.cause) === 'EADDRINUSE' || isTaken(error.cause);
}

function taken(port: number, cause: unknown): UserError {
  return new UserError('failed', {
    what: `cannot listen on port ${port}`,
    why: 'another program in this environment is listening on the port, and would receive messages that are meant for SORACOM',
    next: [
      'Choose another port with ARCTUN_LAMBDA_PORT, and change the URL in the function.',
      'Check for other extensions. For example, the AWS Lambda Web Adapter also uses port 8080.',
    ],
    cause,
  });
}
