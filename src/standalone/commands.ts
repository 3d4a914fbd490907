/** The commands of the single executable. */
import type { CommandDeclaration } from '../cli/command.js';
import { configFlag } from '../cli/config-flag.js';
import type { Flags } from '../cli/flag.js';
import type { Output } from '../cli/output.js';
import { healthCommand, runHealth } from '../cli/run-health.js';
import { runSend, sendCommand } from '../cli/run-send.js';
import { runStatus, statusCommand } from '../cli/run-status.js';
import { runUp, upCommand, type UpContext } from '../cli/run-up.js';
import { versionCommand, versionLine } from '../cli/run-version.js';
import { watchSeconds } from '../cli/watch-seconds.js';
import { type CommandLine, parseCommandLine } from './command-line.js';
import { refuseNotHere } from './not-here.js';

export interface Surroundings {
  readonly context: UpContext;
  readonly output: Output;
  readonly version: string;
}

export interface StandaloneCommand {
  readonly declaration: CommandDeclaration;
  /**
   * @returns the exit code
   * @throws UserError
   */
  readonly run: (words: readonly string[], surroundings: Surroundings) => Promise<number>;
}

/** By their names. */
export const COMMANDS: ReadonlyMap<string, StandaloneCommand> = new Map([
  [
    'health',
    command('health', healthCommand, ({ flags }, { context, output }) =>
      runHealth(flags, context, output),
    ),
  ],
  [
    'send',
    command('send', sendCommand, ({ flags, args: [message] }, { context, output }) =>
      runSend(flags, message, context, output),
    ),
  ],
  [
    'status',
    command('status', statusCommand, ({ flags, args: [seconds] }, { context, output }) =>
      runStatus({ ...flags, seconds: watchSeconds(seconds) }, context, (line) => output.note(line)),
    ),
  ],
  [
    'up',
    command('up', upCommand, async (line, surroundings) => {
      await runUp(line, { ...surroundings, renewal: () => Promise.resolve(undefined) });
      return 0;
    }),
  ],
  [
    'version',
    command('version', versionCommand, (_, { output, version }) => {
      output.write(versionLine(version));
      return Promise.resolve(0);
    }),
  ],
]);

function command<T extends Flags>(
  name: string,
  declared: CommandDeclaration & { readonly flags: T },
  run: (line: CommandLine<typeof configFlag & T>, surroundings: Surroundings) => Promise<number>,
): StandaloneCommand {
  const declaration = { ...declared, flags: { ...configFlag, ...declared.flags } };
  return {
    declaration,
    run: async (words, surroundings) => {
      const line = parseCommandLine(words, declaration, surroundings.context.env);
      refuseNotHere(line, name);
      return run(line, surroundings);
    },
  };
}

/** @param name or a short one of soratun's */
export function findCommand(
  name: string,
): { readonly name: string; readonly command: StandaloneCommand } | undefined {
  for (const [full, found] of COMMANDS) {
    const names = [full, ...(found.declaration.hiddenAliases ?? [])];
    if (names.includes(name)) return { name: full, command: found };
  }
  return undefined;
}
