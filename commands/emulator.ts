import { BaseCommand } from '../src/cli/base-command.js';
import { browserFlags, browserPolicy } from '../src/cli/flags/listeners/browser-flags.js';
import { chosenLevel, logFlags } from '../src/cli/flags/log-flags.js';
import * as Flags from '../src/cli/flags/flag.js';
import {
  DEFAULT_API_LISTEN,
  DEFAULT_ARC_LISTEN,
  RAW_ANSWERS,
  runEmulator,
} from '../src/cli/run/run-emulator.js';
import { renderJson } from '../src/cli/output/render.js';

export default class Emulator extends BaseCommand {
  static override description =
    'Run a local SORACOM emulator: the API, the Arc server, and the services inside the tunnel.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --api-listen 127.0.0.1:0 --arc-listen 127.0.0.1:0 --json',
    '<%= config.bin %> <%= command.id %> --state emulator.json',
  ];
  static override flags = {
    'api-listen': Flags.text({
      description: 'Address for the SORACOM API; port 0 picks a free port.',
      helpValue: 'ADDRESS:PORT',
      default: DEFAULT_API_LISTEN,
    }),
    'arc-listen': Flags.text({
      description: 'UDP address for the Arc server (WireGuard); port 0 picks a free port.',
      helpValue: 'ADDRESS:PORT',
      default: DEFAULT_ARC_LISTEN,
    }),
    state: Flags.text({
      description:
        'File that stores SIMs, sessions, groups and added users across restarts (mode 0600).',
      helpValue: 'FILE',
    }),
    users: Flags.text({
      description: 'Additional users: a JSON array, or the path of a file that contains one.',
      helpValue: 'FILE',
    }),
    'raw-answer': Flags.choice({
      options: RAW_ANSWERS,
      description:
        'How the Unified Endpoint replies over TCP and UDP: with the status as text (status), with an empty reply (empty), or not at all (none).',
      default: 'status' as const,
    })(),
    ...browserFlags,
    ...logFlags('warn'),
    json: Flags.boolean({ description: 'Print one line of JSON when the emulator is ready.' }),
  };

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
            this.write(`Web page: ${ready.api}/\n`);
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
