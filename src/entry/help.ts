/** The help of a command: first its usage and examples, then its flags in groups. */
import { CommandHelp, Help } from '@oclif/core/help';

/** The flag groups in display order, after the flags without a group. */
const GROUPS = ['Tunnel', 'Listener', 'SORACOM API', 'Logging', 'GLOBAL'];

/** The first steps with arctun, for its general help. */
const FIRST_STEPS: [string, string][] = [
  ['$ arctun bootstrap authkey', 'Create a virtual SIM and write arc.json.'],
  ['$ arctun up', 'Open the tunnel.'],
  ['$ arctun COMMAND --help', 'Show the flags of a command.'],
];

class ShortCommandHelp extends CommandHelp {
  /** Omits the flags from the usage line, because the groups below list all of them. */
  protected override defaultUsage(): string {
    const { id, args } = this.command;
    return [id, ...Object.values(args).map((arg) => this.arg(arg)), '[FLAGS]'].join(' ');
  }

  /** Omits the first line of the description, which is already printed above the usage. */
  protected override description(): string | undefined {
    const rest = (this.command.description ?? '').split('\n').slice(1);
    return rest.length === 0 ? undefined : this.wrap(rest.join('\n'));
  }

  protected override groupFlags(
    flags: Parameters<CommandHelp['groupFlags']>[0],
  ): ReturnType<CommandHelp['groupFlags']> {
    // Put a flag with a short form first, because otherwise oclif would not align the first line.
    const ordered = flags.toSorted((one, other) => Number(!one.char) - Number(!other.char));
    const { mainFlags, flagGroups } = super.groupFlags(ordered);
    const known = GROUPS.filter((name) => name in flagGroups);
    const others = Object.keys(flagGroups).filter((name) => !known.includes(name));
    const names = [...known, ...others];
    return {
      mainFlags,
      flagGroups: Object.fromEntries(names.map((name) => [name, flagGroups[name] ?? []])),
    };
  }

  /** Shows first what a flag does, then its default and its environment variable. */
  protected override flags(
    flags: Parameters<CommandHelp['flags']>[0],
  ): ReturnType<CommandHelp['flags']> {
    return super
      .flags(flags)
      ?.map(([label, text]) => [
        label,
        text
          ?.replace('[default: ] ', '')
          .replace(/^(\[(?:default|env): [^\]]*\]) ([^\n]*)/, '$2 $1'),
      ]);
  }

  protected override sections() {
    const sections = super.sections();
    const order = ['USAGE', 'DESCRIPTION', 'EXAMPLES'];
    const first = order.flatMap((name) => sections.filter(({ header }) => header === name));
    return [...first, ...sections.filter((section) => !first.includes(section))];
  }
}

export class CommandLineHelp extends Help {
  protected override CommandHelpClass = ShortCommandHelp;

  override formatRoot(): string {
    return `${super.formatRoot()}\n\n${this.section('EXAMPLES', FIRST_STEPS)}`;
  }

  /** Also lists `bootstrap authkey` in the general help, because new users run it first. */
  protected override formatCommands(commands: Parameters<Help['formatCommands']>[0]): string {
    const isRoot = commands.some(({ id }) => id === 'up');
    const first = this.sortedCommands.filter(({ id }) => isRoot && id === 'bootstrap:authkey');
    return super.formatCommands([...first, ...commands]);
  }
}
