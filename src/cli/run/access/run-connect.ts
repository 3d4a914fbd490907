/** Defines the flags of `connect`, and runs the command. */
import { connectTarget } from '../../../app/access/connect-target.js';
import { StoppedError } from '../../../lib/errors/stopped-error.js';
import { UserError } from '../../../lib/errors/user-error.js';
import type { DialTarget } from '../../../proxy/dialer.js';
import { readAuthority } from '../../../proxy/mixed/request-authority.js';
import { accessFlags } from '../../flags/tunnel-flags.js';
import type { configFlag } from '../../flags/config-flags.js';
import type { FlagValues } from '../../flags/flag.js';
import { logFlags } from '../../flags/log-flags.js';
import { type AccessContext, prepareAccess } from './prepare-access.js';

const LEVEL = 'warn';

export const connectFlags = { ...accessFlags, ...logFlags(LEVEL) };

export interface ConnectArguments {
  /** `HOST:PORT`, or only the host. */
  readonly host: string;
  readonly port?: string | undefined;
}

/**
 * @returns the exit code
 * @throws UserError
 */
export async function runConnect(
  flags: FlagValues<typeof configFlag & typeof connectFlags>,
  target: ConnectArguments,
  context: AccessContext,
): Promise<number> {
  const parsed = parseConnectTarget(target);
  const { options, ports } = await prepareAccess(flags, context, LEVEL);
  const streams = await context.standardStreams();
  try {
    await connectTarget(parsed, streams, options, ports);
    return 0;
  } catch (error) {
    // ssh ends its ProxyCommand with SIGHUP, which is not a failure that the user should see.
    if (error instanceof StoppedError) return error.exitCode;
    throw error;
  }
}

/**
 * Parses `HOST:PORT` or `HOST PORT`.
 *
 * @throws UserError of kind `usage`
 */
export function parseConnectTarget({ host, port }: ConnectArguments): DialTarget {
  // In "HOST PORT", as ssh's "%h %p", an IPv6 address does not have brackets.
  const authority = port === undefined ? host : `${bracketed(host)}:${port}`;
  const target = readAuthority(authority, 0);
  if (target !== undefined) return target;
  throw new UserError('usage', {
    what: `cannot connect to ${JSON.stringify(port === undefined ? host : `${host} ${port}`)}`,
    why: 'the target must be a host and a port from 1 to 65535',
    next: ['Use the form HOST:PORT, [IPV6]:PORT or HOST PORT.'],
  });
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
