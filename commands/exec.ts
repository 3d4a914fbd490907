import { BaseCommand } from '../src/cli/base-command.js';
import { execFlags, requireSeparator, runExec } from '../src/cli/run/access/run-exec.js';

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
  static override flags = execFlags;

  async run(): Promise<void> {
    requireSeparator(this.argv);
    const { flags, raw } = await this.parse(Exec);
    // The argv of oclif's result is sorted, which would move repeated arguments.
    const command = raw.filter(({ type }) => type === 'arg').map(({ input }) => input);
    const code = await runExec(flags, this.argv, command, this.context);
    if (code !== 0) this.exit(code);
  }
}
