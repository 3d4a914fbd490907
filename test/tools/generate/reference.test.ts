/** The generated parts of docs/reference. */
import { environmentPage, exitCodesPage, withUsage } from '../../../tools/generate/reference.js';

const command = {
  id: 'sim:show',
  description: 'Show a SIM.',
  examples: ['<%= config.bin %> <%= command.id %> --json > <%= config.bin %>.json'],
  args: { sim_id: { name: 'sim_id', description: 'The SIM.', required: true } },
  flags: {
    json: { name: 'json', type: 'boolean', description: 'Print JSON.' },
    host: {
      name: 'host',
      char: 'o',
      type: 'option',
      helpValue: 'NAME',
      default: '*.example',
      env: 'ARCTUN_HOST',
      helpGroup: 'Listener',
      description: 'Allow *.example|*.test.',
    },
    key: { name: 'key', type: 'option', description: '[env: ARCTUN_KEY, SORACOM_KEY] The key.' },
    secret: { name: 'secret', type: 'option', description: 'Hidden.', hidden: true },
  },
};

describe('the usage of a command', () => {
  const page = withUsage('# sim show\n\nWords.\n', command);

  it('shows its usage line, arguments, flags by group and examples', () => {
    expect(page).toContain('`arctun sim show SIM_ID [FLAGS]`');
    expect(page).toContain('| `SIM_ID` | The SIM. |');
    expect(page).toContain('| `--json` |  | Print JSON. |');
    expect(page).toContain('| `--key VALUE` | `ARCTUN_KEY`, `SORACOM_KEY` | The key. |');
    expect(page).toContain(
      String.raw`| ${'`-o, --host NAME`'} | ${'`ARCTUN_HOST`'} | ${'`*.example`'} | Allow \*.example\|\*.test. |`,
    );
    expect(page.indexOf('### Flags')).toBeLessThan(page.indexOf('### Listener flags'));
    expect(page).toContain('- `arctun sim show --json > arctun.json`');
    expect(page).not.toContain('--secret');
  });

  it('replaces only the text between the markers', () => {
    const other = { ...command, args: {} };
    const changed = withUsage(`${page}\n## More\n`, other);
    expect(changed).toMatch(/^# sim show\n\nWords\.\n/);
    expect(changed).toMatch(/\n## More\n$/);
    expect(changed).not.toContain('SIM_ID');
  });

  it('creates a page that does not exist', () => {
    expect(withUsage(undefined, command)).toMatch(/^# sim show\n\nShow a SIM\.\n\n## Usage\n/);
  });

  it('needs both markers', () => {
    expect(() => withUsage('<!-- usage -->\n', command)).toThrow('sim-show.md');
  });
});

it('the page of variables lists each with its flags and commands', () => {
  const page = environmentPage({ commands: { 'sim:show': command } });
  expect(page).toContain('| `SORACOM_KEY` | `--key` | [sim show](commands/sim-show.md) |');
  const [, others] = page.split('These variables do not have a flag:');
  const names = [...others!.matchAll(/`([A-Z_]+)`[,\s]/g)].map((match) => match[1]);
  expect(names).toContain('LISTEN_PID');
  expect(names).toEqual([...new Set(names)]);
});

it('the page of exit codes describes each kind of failure', () => {
  expect(exitCodesPage({ usage: 2 })).toContain('| 2 | Wrong usage');
  expect(() => exitCodesPage({ unheard: 9 })).toThrow('unheard');
});
