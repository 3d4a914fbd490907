import { BaseCommand } from '../src/cli/base-command.js';
import { doctorFlags, runDoctor } from '../src/cli/run/run-doctor.js';

export default class Doctor extends BaseCommand {
  static override description =
    'Find out why the tunnel does not work: check arc.json, this machine, the SIM and the tunnel.\nExits with code 0 if no problems are found, otherwise with the code for the first problem.';
  static override examples = [
    'arctun doctor',
    'arctun doctor --fix',
    'arctun doctor --nat',
    'arctun doctor --json',
  ];
  static override flags = doctorFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    this.exit(await runDoctor(flags, this.context));
  }
}
