import { checkHealth, type HealthAnswer } from '../src/app/status/check-health.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { EXIT_CODES } from '../src/cli/errors/exit-codes.js';
import * as Flags from '../src/cli/flags/flag.js';
import { interfaceFlag } from '../src/cli/flags/tunnel-flags.js';
import { renderJson, renderText } from '../src/cli/output/render.js';
import { codeOf } from '../src/lib/errors/error-message.js';
import { redactText } from '../src/lib/secrets/secret-shapes.js';

export default class Health extends BaseCommand {
  static override description =
    'Check whether a running "arctun up" has a healthy tunnel.\nExits with code 0 if the tunnel is healthy, 5 if not, and 1 if no "arctun up" is running.';
  static override examples = ['arctun health', 'arctun health --interface soratun0'];
  static override flags = {
    ...interfaceFlag,
    json: Flags.boolean({ description: 'Print the result as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Health);
    const { context } = this;
    const options = { folders: context.runFolders(), name: flags.interface };
    const answer = await checkHealth(options, await context.localConnections());
    const print = await context.printer();
    // The exit code must not report a healthy tunnel if the disk is full. A reader may close the pipe.
    await print(flags.json ? renderJson(answer) : healthLine(answer)).catch((error: unknown) => {
      if (codeOf(error) !== 'EPIPE') throw error;
    });
    this.exit(healthCode(answer));
  }
}

/** Formats the health of a tunnel on one line: `soratun0: stale: …`. */
export function healthLine({ health, name, why }: HealthAnswer): string {
  const text = [name, health, why].filter((part) => part !== undefined).join(': ');
  return renderText(redactText(`${text.replaceAll('\n', ' ')}\n`));
}

export function healthCode({ health }: HealthAnswer): number {
  if (health === 'up') return 0;
  return health === 'none' ? EXIT_CODES.failed : EXIT_CODES.tunnel;
}
