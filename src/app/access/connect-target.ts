/** Connects standard input and output to a target inside the tunnel. */
import { UserError } from '../../lib/errors/user-error.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import { DialError, type DialTarget } from '../../proxy/dialer.js';
import { joinStreams, type StandardStreams } from '../../proxy/shared/join-streams.js';
import type { AccessOptions } from './access.js';
import { dialFailure } from './dial-failure.js';
import { type AccessPorts, openAccess } from './tunnel-access.js';

/** How long, in milliseconds, sent data may take to arrive before an own tunnel closes. */
const GRACE = 5_000;

/**
 * Resolves when both directions have ended.
 *
 * @param openStreams called after the target is connected
 * @throws UserError of kind `tunnel` if the tunnel cannot be used, or the dial fails
 * @throws UserError of kind `failed` if the connection is lost; the abort reason
 */
export async function connectTarget(
  target: DialTarget,
  openStreams: () => StandardStreams,
  options: Omit<AccessOptions, 'command'>,
  ports: AccessPorts,
): Promise<void> {
  const { signal } = options;
  const access = await openAccess({ ...options, command: 'connect' }, ports);
  let grace = 0;
  try {
    const connection = await access.dialer.dial(target, signal);
    await joinStreams(openStreams(), connection, signal);
    grace = GRACE;
  } catch (error) {
    throw explain(error, target);
  } finally {
    await access.close(grace);
  }
}

function explain(error: unknown, target: DialTarget): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const name = formatAuthority(target);
  if (error instanceof DialError) {
    const advice = "Check the target's host and port.";
    return dialFailure(error, `cannot connect to ${name}`, advice, target.host);
  }
  const what = `the connection to ${name} was lost`;
  return new UserError('failed', { what, why: error.message, cause: error });
}
