/** What differs from oclif's help: the order of flags and groups. */
import { type Command, Config } from '@oclif/core';
import { CommandLineHelp } from '../../src/entry/help.js';
import { REPOSITORY } from '../support/processes.js';

class TestHelp extends CommandLineHelp {
  format(flags: object): string[] {
    const command = { id: 'send', args: {}, aliases: [], hiddenAliases: [], flags };
    return this.formatCommand(command as unknown as Command.Loadable).split('\n');
  }
}

it('shows flags with a short form first, groups as declared, and the global flags last', async () => {
  const config = await Config.load(REPOSITORY);
  const help = new TestHelp(config, { ...config.pjson.oclif.helpOptions, maxWidth: 100 });
  const option = (name: string, rest: object = {}) => ({
    [name]: { name, type: 'option', description: `Set ${name}.`, ...rest },
  });
  const lines = help.format({
    ...option('config', { helpGroup: 'GLOBAL' }),
    ...option('zoo', { default: '80', env: 'ARCTUN_ZOO' }),
    ...option('apple'),
    ...option('port', { char: 'p' }),
    ...option('wait', { helpGroup: 'Tunnel' }),
    ...option('quiet', { char: 'q', helpGroup: 'Logging' }),
    ...option('hidden', { hidden: true, helpGroup: 'Hidden' }),
  });
  expect(lines).toEqual([
    ...['USAGE', '  $ arctun send', ''],
    ...['FLAGS', '  -p, --port=<value>   Set port.'],
    '      --zoo=<value>    [default: 80, env: ARCTUN_ZOO] Set zoo.',
    ...['      --apple=<value>  Set apple.', ''],
    ...['TUNNEL FLAGS', '  --wait=<value>  Set wait.', ''],
    ...['LOGGING FLAGS', '  -q, --quiet=<value>  Set quiet.', ''],
    ...['GLOBAL FLAGS', '  --config=<value>  Set config.'],
  ]);
});
