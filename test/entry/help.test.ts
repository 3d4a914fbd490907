/** The help of a command: the order of its sections and flag groups, and the text of its flags. */
import { type Command, Config } from '@oclif/core';
import { CommandLineHelp } from '../../src/entry/help.js';
import { REPOSITORY } from '../support/processes.js';

class TestHelp extends CommandLineHelp {
  format(command: Command.Loadable): string {
    return this.formatCommand(command);
  }
}

let config: Config;

beforeAll(async () => {
  config = await Config.load(REPOSITORY);
});

const option = (name: string, rest: object = {}) => ({
  [name]: { name, type: 'option', description: `Set ${name}.`, ...rest },
});

/** The help of a command with these properties, as lines without the spaces at their ends. */
function helpOf(properties: object, options: object = {}): string[] {
  const command = {
    id: 'send',
    args: {},
    flags: {},
    aliases: [],
    hiddenAliases: [],
    ...properties,
  };
  const help = new TestHelp(config, { maxWidth: 100, ...options });
  return help.format(command as unknown as Command.Loadable).split('\n');
}

/** The lines without indentation: the headers of sections. */
const headersOf = (lines: string[]) => lines.filter((line) => /^\S/.test(line));

/** The lines of a section. */
function section(lines: string[], header: string): string[] {
  const rest = lines.slice(lines.indexOf(header) + 1);
  const end = rest.indexOf('');
  return (end < 0 ? rest : rest.slice(0, end)).map((line) => line.trim());
}

describe('the usage', () => {
  it('shows the arguments and [FLAGS] instead of each flag', () => {
    const args = {
      source: { name: 'source', required: true },
      target: { name: 'target', required: false },
    };
    const help = helpOf({ args, flags: option('port', { required: true }) });
    expect(section(help, 'USAGE')).toEqual(['$ arctun send SOURCE [TARGET] [FLAGS]']);
  });

  it('separates the words of the ID with spaces', () => {
    expect(section(helpOf({ id: 'sim:list' }), 'USAGE')).toEqual(['$ arctun sim list [FLAGS]']);
  });
});

describe('the description', () => {
  it('omits its first line, which is printed above the usage', () => {
    const help = helpOf({ description: 'Send a message.\nOver HTTP.\nOr UDP.' });
    expect(section(help, 'DESCRIPTION')).toEqual(['Over HTTP.', 'Or UDP.']);
  });

  it.each([{ description: 'Send a message.' }, {}])('is omitted without more lines: %j', (text) => {
    expect(headersOf(helpOf(text))).toEqual(['USAGE']);
  });
});

it('shows the description and the examples after the usage and before the flags', () => {
  const help = helpOf({
    description: 'Send a message.\nOver HTTP.',
    args: { text: { name: 'text', description: 'The message.' } },
    aliases: ['s'],
    examples: ['<%= config.bin %> send hello'],
    flags: { ...option('port'), ...option('key', { helpGroup: 'GLOBAL' }) },
  });
  const order = [
    'USAGE',
    'DESCRIPTION',
    'EXAMPLES',
    'ARGUMENTS',
    'FLAGS',
    'GLOBAL FLAGS',
    'ALIASES',
  ];
  expect(headersOf(help)).toEqual(order);
});

it('shows flags without a group first, then the known groups in their fixed order, then others', () => {
  const groups = ['Zebra', 'GLOBAL', 'Logging', 'Apple', 'SORACOM API', 'Listener', 'Tunnel'];
  const grouped = groups.map((helpGroup, index) => option(`a${index}`, { helpGroup }));
  const flags = Object.assign({}, ...grouped, option('z')) as object;
  const help = helpOf({ flags });
  expect(headersOf(help).slice(1)).toEqual([
    'FLAGS',
    'TUNNEL FLAGS',
    'LISTENER FLAGS',
    'SORACOM API FLAGS',
    'LOGGING FLAGS',
    'GLOBAL FLAGS',
    'ZEBRA FLAGS',
    'APPLE FLAGS',
  ]);
  expect(section(help, 'FLAGS')).toEqual(['--z=<value>  Set z.']);
  expect(section(help, 'LISTENER FLAGS')).toEqual(['--a5=<value>  Set a5.']);
});

it('shows flags with a short form first, and keeps the order of the others', () => {
  const flags = { ...option('zoo'), ...option('apple'), ...option('port', { char: 'p' }) };
  const lines = section(helpOf({ flags }, { flagSortOrder: 'none' }), 'FLAGS');
  expect(lines.map((line) => line.split(/[= ]/, 1)[0])).toEqual(['-p,', '--zoo', '--apple']);
});

describe('a flag', () => {
  it.each([
    ['a default', { default: '80' }, 'Set port. [default: 80]'],
    ['a variable', { env: 'ARCTUN_PORT' }, 'Set port. [env: ARCTUN_PORT]'],
    ['both', { default: '80', env: 'ARCTUN_PORT' }, 'Set port. [default: 80, env: ARCTUN_PORT]'],
    ['neither', {}, 'Set port.'],
  ])('shows its text before %s', (_case, rest, text) => {
    expect(section(helpOf({ flags: option('port', rest) }), 'FLAGS')).toEqual([
      `--port=<value>  ${text}`,
    ]);
  });

  it('shows the options after its default, on a separate line', () => {
    const flags = option('mode', { default: 'auto', options: ['auto', 'tun'] });
    expect(section(helpOf({ flags }), 'FLAGS')).toEqual([
      '--mode=<option>  Set mode. [default: auto]',
      '<options: auto|tun>',
    ]);
  });

  it('does not show an empty default', () => {
    const flags = option('name', { default: [] });
    expect(section(helpOf({ flags }), 'FLAGS')).toEqual(['--name=<value>  Set name.']);
  });

  it('does not change brackets inside its text', () => {
    const flags = option('port', { description: 'Set [default: x] here.' });
    expect(section(helpOf({ flags }), 'FLAGS')).toEqual(['--port=<value>  Set [default: x] here.']);
  });

  it('is not listed if it is hidden', () => {
    expect(headersOf(helpOf({ flags: option('port', { hidden: true }) }))).toEqual(['USAGE']);
  });
});
