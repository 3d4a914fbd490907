/** oclif's help, with the first steps, and with flags in the order of their declaration. */
import { CommandHelp, Help } from '@oclif/core/help';

const FIRST_STEPS: [string, string][] = [
  ['$ arctun bootstrap authkey', 'Create a virtual SIM and write arc.json.'],
  ['$ arctun up', 'Open the tunnel.'],
  ['$ arctun COMMAND --help', 'Show the flags of a command.'],
];

type GroupFlags = CommandHelp['groupFlags'];

/** The groups of the flags that oclif lists first, because most commands inherit them. */
const LAST = ['Logging', 'GLOBAL'];

class OrderedHelp extends CommandHelp {
  protected override groupFlags(flags: Parameters<GroupFlags>[0]): ReturnType<GroupFlags> {
    // Put a flag with a short form first, because otherwise oclif would not align the first line.
    const ordered = flags.toSorted((one, other) => Number(!one.char) - Number(!other.char));
    const { mainFlags, flagGroups } = super.groupFlags(ordered);
    const groups = Object.keys(super.groupFlags(flags).flagGroups)
      .sort((one, other) => LAST.indexOf(one) - LAST.indexOf(other))
      .map((name) => [name, flagGroups[name] ?? []] as const);
    return { mainFlags, flagGroups: Object.fromEntries(groups) };
  }
}

export class CommandLineHelp extends Help {
  protected override CommandHelpClass = OrderedHelp;

  override formatRoot(): string {
    return `${super.formatRoot()}\n\n${this.section('EXAMPLES', FIRST_STEPS)}`;
  }
}
