/** Gets the settings of the virtual SIM attached to a physical SIM in a reader or modem. */
import type { ArcSession } from '../../arc-config/arc-config.js';
import type { CommandRunner } from '../../ports/command-runner.js';
import { UserError } from '../../lib/errors/user-error.js';
import {
  kryptonCliArguments,
  requireKryptonCli,
  runKryptonCli,
  type KryptonCliOptions,
} from '../../soracom/krypton/krypton-cli.js';
import { sessionText } from '../session/session-state.js';
import { readKryptonSession } from './krypton-session.js';
import {
  bootstrapWithKrypton,
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
 * Calls Krypton through krypton-cli. The SIM's ID is unknown, because this machine may be online
 * through another SIM. Therefore, copies an existing arc.json first, and keeps its SIM ID.
 *
 * @param signal cancels the run until krypton-cli starts; the promise rejects with the abort reason
 * @throws UserError if the operating system is not supported or the target cannot be used; nothing
 * was changed
 * @throws UserError if krypton-cli fails, of kind `api` if it returns an incomplete session
 * @throws BootstrapRescueError if `path` could not be written
 */
export async function bootstrapSim(
  options: BootstrapSimOptions,
  ports: BootstrapSimPorts,
  signal?: AbortSignal,
): Promise<KryptonResult> {
  if (options.platform !== 'linux') {
    throw new UserError('failed', {
      what: 'failed to bootstrap',
      why: 'bootstrap with SIM authentication is not supported on this operating system',
      next: ['Run this command on Linux, or use `bootstrap authkey` or `bootstrap cellular`.'],
    });
  }
  const { kryptonCli } = options;
  // Check for krypton-cli first, so that nothing changes if the program is missing.
  await requireKryptonCli(kryptonCli.path, ports.commands);
  let session: ArcSession | undefined;
  const call = async () => {
    if (kryptonCli.debug) {
      ports.note(`Running ${kryptonCli.path} [${kryptonCliArguments(kryptonCli).join(' ')}]`);
    }
    const output = await runKryptonCli(kryptonCli, ports.commands);
    const answer = readKryptonSession(output, kryptonCli.path);
    ({ session } = answer);
    return answer;
  };
  const result = await bootstrapWithKrypton({ call }, options, ports, signal);
  if (kryptonCli.debug && session !== undefined) {
    // The session does not contain the private key. soratun prints the same text.
    const text = JSON.stringify(sessionText(session));
    ports.note(`Got response from ${kryptonCli.path}: ${text}`);
  }
  return result;
}
