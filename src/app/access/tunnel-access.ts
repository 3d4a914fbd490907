/**
 * Access to the inside of the tunnel for one command: through the running `up` of the same SIM and
 * user, otherwise through a tunnel of the command's own.
 */
import { isDenied, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { pause } from '../../lib/waits.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import {
  claimOrShare,
  type ClaimSimPorts,
  closedSocket,
  inUse,
  LONGEST_WAIT,
  type SharingUp,
  type SimClaim,
} from '../up/claim-sim.js';
import { openTunnel } from '../up/open-tunnel.js';
import { type SimCommand, simUseText } from '../up/sim-use.js';
import type { AccessOptions, TunnelAccess } from './access.js';
import { hasStopped, shareTunnel, type ShareTunnelPorts } from './share-tunnel.js';

export type AccessPorts = TunnelPorts & Pick<ClaimSimPorts, 'claims'> & ShareTunnelPorts;

/** The interval in milliseconds between attempts to use the tunnel, or to claim the SIM. */
const ATTEMPT_INTERVAL = 200;

/**
 * Resolves when the tunnel has had its handshake. If the running `up` stops meanwhile, opens a
 * tunnel of the command's own as soon as the SIM is free.
 *
 * @throws UserError of kind `tunnel` if another process that does not share its tunnel is using the
 * SIM
 * @throws TunnelError if no handshake succeeds within `wait`; the abort reason
 */
export async function openAccess(
  options: AccessOptions,
  ports: AccessPorts,
): Promise<TunnelAccess> {
  const { config, command, pid, force, signal, wait } = options;
  const publicKey = ports.crypto.publicKey(config.privateKey.expose());
  const use = () => ({ command, pid });
  let deadline = Infinity;
  for (;;) {
    const claim = await claimOrShare({ publicKey, use, force, signal, wait }, ports);
    if (!('use' in claim)) return openOwn(claim, options, ports);
    try {
      return await shareTunnel(claim, options, ports);
    } catch (error) {
      if (isDenied(error)) throw deniedBy(command, claim, error);
      if (!hasStopped(error)) throw error;
      if (ports.clock.now() >= deadline) throw closedSocket(command, claim.use, error);
      // An `up` that stops closes its control socket first. It frees the SIM after open connections
      // have ended, and after the last command of arc.json.
      if (deadline === Infinity) {
        deadline = ports.clock.now() + LONGEST_WAIT;
        const reason = `${simUseText(claim.use)} is stopping`;
        ports.log.info({ reason }, 'waiting until the SIM is free');
      }
    }
    await pause(ATTEMPT_INTERVAL, ports.clock, signal);
  }
}

/** The error if this user may not use the socket, or if another user could replace the socket. */
function deniedBy(command: SimCommand, { use }: SharingUp, error: unknown): UserError {
  const { kind, what, why, next } = inUse(command, { use, reason: '' });
  const denial = `Only the user who started that process can use its tunnel (${messageOf(error)}): run this command as that user.`;
  return new UserError(kind, { what, why, next: [...next, denial], cause: error });
}

async function openOwn(
  claim: SimClaim,
  options: AccessOptions,
  ports: AccessPorts,
): Promise<TunnelAccess> {
  try {
    const { tunnel, handshake } = await openTunnel(options.config, options, ports);
    const close = async (gracePeriod = 0) => {
      await tunnel.close({ gracePeriod });
      await claim.close();
    };
    try {
      await handshake;
    } catch (error) {
      await tunnel.close({ gracePeriod: 0 });
      throw error;
    }
    ports.log.debug({}, 'opened a tunnel for this command');
    const { dialer, datagramDialer, echoDialer } = tunnel;
    const { nameServers } = options.config;
    const dialers = { dialer, datagramDialer, echoDialer };
    return { via: 'own', ...dialers, nameServers, listeners: {}, close };
  } catch (error) {
    await claim.close();
    throw error;
  }
}
