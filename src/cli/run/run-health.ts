/** Declares and runs `health`. */
import { checkHealth } from '../../app/status/check-health.js';
import type { CommandDeclaration } from '../command.js';
import type { FlagValues, Flags } from '../flags/flag.js';
import { healthCode, healthLine } from '../output/health-line.js';
import type { Output } from '../output/output.js';
import { renderJson } from '../output/render.js';
import type { SystemContext } from '../system-context.js';

const flags = {
  interface: {
    type: 'string',
    description:
      'Name of the tunnel, as shown by "status". Required if several tunnels are running.',
    helpValue: 'NAME',
    env: 'ARCTUN_INTERFACE',
  },
  json: { type: 'boolean', description: 'Print the result as JSON.' },
} as const satisfies Flags;

export const healthCommand = {
  description:
    'Check a running "arctun up".\nExits with code 0 if its tunnel is healthy, 5 if not, and 1 if no "arctun up" is running.',
  examples: ['arctun health', 'arctun health --interface soratun0'],
  flags,
} satisfies CommandDeclaration;

/** @returns the exit code */
export async function runHealth(
  flags: FlagValues<typeof healthCommand.flags>,
  context: Pick<SystemContext, 'runFolders' | 'localConnections'>,
  output: Output,
): Promise<number> {
  const options = { folders: context.runFolders(), name: flags.interface };
  const answer = await checkHealth(options, await context.localConnections());
  output.write(flags.json ? renderJson(answer) : healthLine(answer));
  return healthCode(answer);
}
