/** Runs a program whose proxy settings lead into the tunnel. */
import { ProgramError } from '../../lib/errors/program-error.js';
import { Secret } from '../../lib/secrets/secret.js';
import { CommandError, type ForegroundPrograms } from '../../ports/command-runner.js';
import type { HttpListener } from '../../proxy/http/listener.js';
import { startMixedPort } from '../../proxy/mixed/mixed-port.js';
import type { AccessOptions, TunnelAccess } from './access.js';
import { type AccessPorts, openAccess } from './tunnel-access.js';
import type { TunnelListeners } from '../status/status-report.js';

/** How long, in milliseconds, the program's last data may take to arrive. */
const GRACE = 5_000;

/** The length of the private proxy's password in random bytes: 128 bits. */
const PASSWORD_BYTES = 16;

/** The user name in the variables; the proxy accepts any. */
const USER = 'arctun';

/** Exit codes of POSIX 2.8.2: the program was not found, or could not be executed. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

export type ExecPorts = AccessPorts & { readonly programs: ForegroundPrograms };

/**
 * Runs the program until it exits. Uses the proxy of the running `up` if it needs no password.
 * Otherwise, opens one on a free port of 127.0.0.1 for the program's lifetime, with a random
 * password, because other users of this machine can connect to the port.
 *
 * @param command the program and its arguments
 * @returns the program's exit status as a shell reports it
 * @throws ProgramError if the program cannot be started
 * @throws UserError of kind `tunnel` if the tunnel cannot be used; the abort reason
 */
export async function execProgram(
  command: readonly string[],
  options: Omit<AccessOptions, 'command'>,
  ports: ExecPorts,
): Promise<number> {
  const access = await openAccess({ ...options, command: 'exec' }, ports);
  let proxy: HttpListener | undefined;
  try {
    let address = passwordlessProxy(access.listeners);
    if (address === undefined) {
      const password = randomPassword(ports);
      proxy = await openPort(access, password, ports);
      address = `${USER}:${password.expose()}@${proxy.authority}`;
    }
    options.signal?.throwIfAborted();
    return await ports.programs.run(command, environmentFor(address, access.listeners.forward));
  } catch (error) {
    throw error instanceof CommandError ? notStarted(command, error) : error;
  } finally {
    const deadline = ports.clock.now() + GRACE;
    await proxy?.close({ graceMs: GRACE });
    await access.close(Math.max(0, deadline - ports.clock.now()));
  }
}

/** The hexadecimal digits need no encoding in a URL. */
function randomPassword({ entropy }: Pick<ExecPorts, 'entropy'>): Secret<string> {
  const bytes = new Uint8Array(PASSWORD_BYTES);
  entropy.fill(bytes);
  return new Secret(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''));
}

function openPort(
  { dialer }: TunnelAccess,
  secret: Secret<string>,
  { log }: ExecPorts,
): Promise<HttpListener> {
  const password = new Secret(new TextEncoder().encode(secret.expose()));
  return startMixedPort({ listen: { host: '127.0.0.1', port: 0 }, dialer, log, password });
}

/**
 * Returns the variables for the program. Programs differ in which spelling they read: curl, for
 * example, ignores HTTP_PROXY.
 *
 * @param proxy the address and port of the SOCKS5 and HTTP proxy, after `USER:PASSWORD@` if needed
 * @param forward the URL of the forwarder, if one is open
 */
export function environmentFor(
  proxy: string,
  forward: string | undefined,
): Readonly<Record<string, string>> {
  const address = proxy.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
  const http = `http://${address}`;
  // With socks5h, the proxy resolves names, inside the tunnel.
  const socks = `socks5h://${address}`;
  const local = 'localhost,127.0.0.1,::1';
  return {
    ...{ http_proxy: http, HTTP_PROXY: http, https_proxy: http, HTTPS_PROXY: http },
    ...{ all_proxy: socks, ALL_PROXY: socks, no_proxy: local, NO_PROXY: local },
    // Without this variable, Node.js ignores the others.
    NODE_USE_ENV_PROXY: '1',
    ARCTUN_PROXY_URL: http,
    ...(forward !== undefined && { ARCTUN_FORWARD_URL: forward }),
  };
}

/** The error if the system cannot start the program. */
export function notStarted([program = '']: readonly string[], error: CommandError): ProgramError {
  const isMissing = error.failure === 'not-found';
  const prefix = `${program}: `;
  const why = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  return new ProgramError(isMissing ? NOT_FOUND : NOT_EXECUTABLE, {
    what: `cannot run ${program === '' ? 'the program' : program}`,
    why,
    next: [isMissing ? 'Check the name and your PATH.' : 'Check the path and the permissions.'],
    cause: error,
  });
}

/**
 * Returns the address and port of the proxy of a running `up`; undefined if the proxy is not open,
 * requires a password, or is on a Unix socket, which most programs cannot use.
 */
export function passwordlessProxy({
  proxy,
  proxyHasPassword,
}: Pick<TunnelListeners, 'proxy' | 'proxyHasPassword'>): string | undefined {
  const isUsable = proxyHasPassword !== true && proxy?.startsWith('unix:') === false;
  return isUsable ? proxy : undefined;
}
