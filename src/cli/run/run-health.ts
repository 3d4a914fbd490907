/** Defines the flags of `health`, and runs the command. */
import { checkHealth } from '../../app/status/check-health.js';
import type { FlagValues, Flags } from '../flags/flag.js';
import { healthCode, healthLine } from '../output/health-line.js';
import type { Output } from '../output/output.js';
import { renderJson } from '../output/render.js';
import type { SystemContext } from '../system-context.js';

export const healthFlags = {
  interface: {
    type: 'string',
    description:
      'Name of the tunnel, as shown by "status". Required if several tunnels are running.',
    helpValue: 'NAME',
    env: 'ARCTUN_INTERFACE',
  },
  json: { type: 'boolean', description: 'Print the result as JSON.' },
} as const satisfies Flags;

/** @returns the exit code */
export async function runHealth(
  flags: FlagValues<typeof healthFlags>,
  context: Pick<SystemContext, 'runFolders' | 'localConnections'>,
  output: Output,
): Promise<number> {
  const options = { folders: context.runFolders(), name: flags.interface };
  const answer = await checkHealth(options, await context.localConnections());
  output.write(flags.json ? renderJson(answer) : healthLine(answer));
  return healthCode(answer);
}
