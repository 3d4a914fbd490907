/** Gets the settings of the virtual SIM that belongs to a SIM in a reader or a modem. */
import { formatKey } from '../../arc-config/value-syntax.js';
import type { CommandRunner } from '../../ports/command-runner.js';
import { UserError } from '../../lib/errors/user-error.js';
import {
  kryptonCliArguments,
  requireKryptonCli,
  runKryptonCli,
  type KryptonCliOptions,
} from '../../soracom/krypton/krypton-cli.js';
import { readKryptonSession, type KryptonSession } from './krypton-session.js';
import {
  callKrypton,
  keepKryptonSession,
  openKryptonTarget,
  type KryptonPorts,
  type KryptonResult,
  type KryptonTargetOptions,
} from './krypton-target.js';

export interface BootstrapSimOptions extends KryptonTargetOptions {
  readonly kryptonCli: KryptonCliOptions;
}

export interface BootstrapSimPorts extends KryptonPorts {
  readonly commands: CommandRunner;
}

/**
 * The SIM's id is told by nobody: the line that this machine speaks over need not be the SIM's. So
 * the one in the file stays, and the file is kept: it may be another SIM's.
 *
 * @param signal stops the work until krypton-cli runs; it rejects with the signal's reason
 * @throws UserError when the platform or the target is refused; nothing was changed then
 * @throws UserError when krypton-cli fails, of kind `api` when it gives no whole session
 * @throws BootstrapRescueError when `path` could not be written after all
 */
export async function bootstrapSim(
  options: BootstrapSimOptions,
  ports: BootstrapSimPorts,
  signal?: AbortSignal,
): Promise<KryptonResult> {
  if (options.platform !== 'linux') {
    throw new UserError('failed', {
      what: 'failed to bootstrap',
      why: 'bootstrap with SIM authentication is not supported on this platform',
      next: ['Run it on Linux, or use `bootstrap authkey` or `bootstrap cellular`.'],
    });
  }
  const { kryptonCli } = options;
  // Before a copy of arc.json is made: without the program nothing would have changed.
  await requireKryptonCli(kryptonCli.path, ports.commands);
  const existing = await openKryptonTarget(options, ports);
  const call = async () => {
    if (kryptonCli.debug) {
      ports.note(`Running ${kryptonCli.path} [${kryptonCliArguments(kryptonCli).join(' ')}]`);
    }
    return readKryptonSession(await runKryptonCli(kryptonCli, ports.commands), kryptonCli.path);
  };
  const answer = await callKrypton(call, existing, undefined, { options, ports, signal });
  const result = await keepKryptonSession(answer, existing, undefined, options, ports);
  if (kryptonCli.debug) ports.note(`Got response from ${kryptonCli.path}: ${sessionText(answer)}`);
  return result;
}

/** As soratun shows it: the session without the private key. */
function sessionText({ session }: KryptonSession): string {
  return JSON.stringify({
    arcServerPeerPublicKey: formatKey(session.arcServerPeerPublicKey),
    arcServerEndpoint: session.arcServerEndpoint?.text,
    arcAllowedIPs: session.arcAllowedIps,
    arcClientPeerIpAddress: session.arcClientPeerIpAddress,
  });
}
