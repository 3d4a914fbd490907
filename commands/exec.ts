import { execIsolated } from '../src/app/access/exec-isolated.js';
import { execProgram } from '../src/app/access/exec-program.js';
import { BaseCommand } from '../src/cli/base-command.js';
import * as Flags from '../src/cli/flags/flag.js';
import { chosenLevel, logFlags } from '../src/cli/flags/log-flags.js';
import { accessFlags } from '../src/cli/flags/tunnel-flags.js';
import { prepareAccess } from '../src/cli/run/access/prepare-access.js';
import { UserError } from '../src/lib/errors/user-error.js';

/** Warnings would mix with the program's own messages. */
const LEVEL = 'error';

export default class Exec extends BaseCommand {
  static override description =
    'Run a program with proxy variables that lead into the tunnel.\nThe program uses the tunnel of a running "arctun up". Without one, arctun opens a tunnel until the program exits. The exit code is that of the program.';
  static override usage = 'exec [FLAGS] -- PROGRAM [ARGUMENT...]';
  static override examples = [
    'arctun exec -- curl http://uni.soracom.io/',
    'arctun exec -- git clone http://10.0.0.3/project.git',
    'arctun exec --wait 60 -- python3 client.py',
    'arctun exec --netns -- ping -c 3 100.127.69.42',
  ];
  static override strict = false;
  static override flags = {
    netns: Flags.boolean({
      description:
        'Run the program in its own network, whose only way out is the tunnel. Linux only.',
    }),
    ...accessFlags,
    ...logFlags(LEVEL),
  };

  async run(): Promise<void> {
    requireSeparator(this.argv);
    const { flags, raw } = await this.parse(Exec);
    // The argv of oclif's result is sorted, which would move repeated arguments.
    const command = raw.filter(({ type }) => type === 'arg').map(({ input }) => input);
    requireProgram(this.argv, command);
    const { context } = this;
    const { options, ports } = await prepareAccess(flags, context, LEVEL);
    const withPrograms = { ...ports, programs: await context.foregroundPrograms() };
    const log = { level: chosenLevel(flags, LEVEL), format: flags['log-format'] };
    const code = flags.netns
      ? await execIsolated(
          command,
          { ...options, log },
          {
            ...withPrograms,
            isolation: await context.isolation(),
            listeners: await context.localListeners(),
          },
        )
      : await execProgram(command, options, withPrograms);
    if (code !== 0) this.exit(code);
  }
}

/**
 * Requires `--`, so that the flags of the program are never mistaken for flags of `exec`.
 *
 * @throws UserError of kind `usage`
 */
function requireSeparator(words: readonly string[]): void {
  if (words.includes('--')) return;
  throw noProgram('the command line does not contain "--" before the program');
}

function requireProgram(words: readonly string[], command: readonly string[]): void {
  const before = words.slice(0, words.indexOf('--'));
  // The values of flags are not part of the command, so any other word is in front of it.
  if (command.length > words.length - before.length - 1) {
    throw noProgram(`the program must come after "--", not before`);
  }
  if (command[0] === undefined || command[0] === '') {
    throw noProgram('the command line does not contain a program after "--"');
  }
}

function noProgram(why: string): UserError {
  return new UserError('usage', {
    what: 'no program to run',
    why,
    next: [
      'Put the program and its arguments after "--": arctun exec -- curl http://uni.soracom.io/',
    ],
  });
}
