/** Defines the flags of `health`, and runs the command. */
import { checkHealth } from '../../app/status/check-health.js';
import { codeOf } from '../../lib/errors/error-message.js';
import * as Flags from '../flags/flag.js';
import type { FlagValues } from '../flags/flag.js';
import { healthCode, healthLine } from '../output/health-line.js';
import { renderJson } from '../output/render.js';
import type { SystemContext } from '../system-context.js';

export const healthFlags = {
  interface: Flags.text({
    description:
      'Name of the tunnel, as shown by "status". Required if several tunnels are running.',
    helpValue: 'NAME',
    env: 'ARCTUN_INTERFACE',
  }),
  json: Flags.boolean({ description: 'Print the result as JSON.' }),
};

/**
 * @returns the exit code
 * @throws Error of the system if the result cannot be printed
 */
export async function runHealth(
  flags: FlagValues<typeof healthFlags>,
  context: Pick<SystemContext, 'runFolders' | 'localConnections' | 'printer'>,
): Promise<number> {
  const options = { folders: context.runFolders(), name: flags.interface };
  const answer = await checkHealth(options, await context.localConnections());
  const print = await context.printer();
  // The exit code must not report a healthy tunnel if the disk is full. A reader may close the pipe.
  await print(flags.json ? renderJson(answer) : healthLine(answer)).catch((error: unknown) => {
    if (codeOf(error) !== 'EPIPE') throw error;
  });
  return healthCode(answer);
}
