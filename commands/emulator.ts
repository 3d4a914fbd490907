import { BaseCommand } from '../src/cli/base-command.js';
import { browserFlags, browserPolicy } from '../src/cli/flags/browser-flags.js';
import { chosenLevel, logFlags } from '../src/cli/flags/log-flags.js';
import { oclifFlags } from '../src/cli/flags/oclif-flags.js';
import {
  DEFAULT_API_LISTEN,
  DEFAULT_ARC_LISTEN,
  RAW_ANSWERS,
  runEmulator,
} from '../src/cli/run/run-emulator.js';
import { renderJson } from '../src/cli/output/render.js';

export default class Emulator extends BaseCommand {
  static override description =
    'Run the SORACOM platform on this machine: the API, the Arc side and the services behind it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --api-listen 127.0.0.1:0 --arc-listen 127.0.0.1:0 --json',
    '<%= config.bin %> <%= command.id %> --state emulator.json',
  ];
  static override flags = oclifFlags({
    'api-listen': {
      type: 'string',
      description: 'Where the SORACOM API listens; port 0 takes any free one.',
      default: DEFAULT_API_LISTEN,
    },
    'arc-listen': {
      type: 'string',
      description: 'Where the Arc side listens for WireGuard, over UDP; port 0 takes any free one.',
      default: DEFAULT_ARC_LISTEN,
    },
    state: {
      type: 'string',
      description:
        'Path of a file that keeps SIMs, sessions, groups and added users over restarts; private.',
      helpValue: 'FILE',
    },
    users: {
      type: 'string',
      description: 'Users beside the built-in ones: a JSON array, or the path of a file with one.',
      helpValue: 'FILE',
    },
    'raw-answer': {
      type: 'choice',
      options: RAW_ANSWERS,
      description:
        'What a message to the Unified Endpoint over TCP or UDP is answered with: the status as text, nothing (over UDP an empty datagram), or no answer at all.',
      default: 'status' as const,
    },
    ...browserFlags,
    ...logFlags('warn'),
    json: { type: 'boolean', description: 'Print one line of JSON when ready.' },
  });

  async run(): Promise<void> {
    const { flags } = await this.parse(Emulator);
    const level = chosenLevel(flags, 'warn');
    const log = await this.context.log({ level, format: flags['log-format'] });
    await runEmulator(
      {
        apiListen: flags['api-listen'],
        arcListen: flags['arc-listen'],
        state: flags.state,
        users: flags.users,
        rawAnswer: flags['raw-answer'],
        browsers: browserPolicy(flags),
        signal: await this.context.stopSignal(),
        onReady: (ready) => {
          if (flags.json) this.write(renderJson(ready));
          else {
            this.write(`SORACOM API: ${ready.api}\nArc server: ${ready.arc} (UDP)\n`);
            this.write(`Krypton: ${ready.api}\nMetadata service: ${ready.metadata}\n`);
            this.write(`Auth key: ${ready.authKeyId} / ${ready.authKey}\n`);
          }
        },
      },
      {
        ...(await this.context.tunnelPorts(log)),
        files: await this.context.files(),
        portHolder: await this.context.portHolder(),
      },
    );
  }
}
