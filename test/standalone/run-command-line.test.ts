import { UserError } from '../../src/lib/user-error.js';
import { COMMANDS } from '../../src/standalone/commands.js';
import { FLAGS_NOT_HERE } from '../../src/standalone/not-here.js';
import { runCommandLine } from '../../src/standalone/run-command-line.js';
import { createStandaloneContext } from '../../src/standalone/standalone-context.js';
import { failureOf } from '../app/failure-of.js';

const VERSION = '1.2.3';

/** Nothing listens in this folder, and no file is there. */
async function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let written = '';
  const notes: string[] = [];
  const context = { ...createStandaloneContext(VERSION), env, runFolders: () => ['/nowhere'] };
  const output = {
    write: (text: string | Uint8Array) => void (written += text.toString()),
    note: (line: string) => void notes.push(line),
  };
  const code = await runCommandLine(words, { context, output, version: VERSION });
  return { code, written, notes };
}

async function refusal(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const error = await failureOf(run(words, env));
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ kind: 'usage' });
  const { message, next } = error;
  return `${message}\n${next.join('\n')}`;
}

it.each([[['version']], [['v']], [['version', '--json']]])('%j', async (words) => {
  const line = `{"revision":"","version":"${VERSION}"}\n`;
  expect(await run(words)).toEqual({ code: 0, written: line, notes: [] });
});

it('tells its version as oclif does', async () => {
  const system = `${process.platform}-${process.arch} node-${process.version}`;
  expect((await run(['--version'])).written).toBe(`arctun/1.2.3 ${system}\n`);
});

it('ends health with 1 where no tunnel runs', async () => {
  expect(await run(['health'])).toMatchObject({ code: 1 });
  expect(JSON.parse((await run(['health', '--json'])).written)).toMatchObject({ health: 'none' });
});

describe('help', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']]])('%j names the commands', async (words) => {
    const { code, written } = await run(words);
    expect(code).toBe(0);
    for (const name of [...COMMANDS.keys(), 'lambda']) {
      expect(written).toMatch(new RegExp(`^  ${name}$`, 'm'));
    }
    expect(written).toContain('NOT IN THIS EXECUTABLE');
  });

  it.each([...COMMANDS].map(([name, { declaration }]) => [name, declaration] as const))(
    'of %s names each flag that is there, and each that is not',
    async (name, { flags, description }) => {
      const { written } = await run([name, '--help']);
      expect(written.replaceAll('\n', ' ')).toContain(description);
      const [here = '', notHere = ''] = written.split('NOT IN THIS EXECUTABLE');
      for (const [flag, { env }] of Object.entries(flags)) {
        const heading = new RegExp(`^  (-\\w, )?--${flag}(=.*)?$`, 'm');
        if (FLAGS_NOT_HERE.has(flag)) {
          expect(here).not.toMatch(heading);
          expect(notHere).toContain(`--${flag}`);
        } else expect(here).toMatch(heading);
        if (env !== undefined) expect(here).toContain(`env: ${env}]`);
      }
      for (const line of written.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
      expect(await run(['help', name])).toEqual({ code: 0, written, notes: [] });
      expect(await run([name, '--bogus', '-h'])).toEqual({ code: 0, written, notes: [] });
    },
  );

  it('of a short name is that of the long one', async () => {
    expect(await run(['u', '--help'])).toEqual(await run(['up', '--help']));
  });

  it('offers no value and no example that is not there', async () => {
    const { written } = await run(['up', '--help']);
    expect(written).toContain('--mode=auto|userspace\n');
    expect(written).toContain('--socket=auto|dgram\n');
    expect(written).not.toContain('arctun bootstrap');
  });

  it('of lambda', async () => {
    expect((await run(['lambda', '--help'])).written).toContain('AWS Lambda extension');
  });
});

describe('refuses what the package of npm has', () => {
  it.each([...FLAGS_NOT_HERE.keys()])('--%s', async (name) => {
    const text = await refusal(['up', `--${name}`, 'secret-x']);
    expect(text).toContain(`cannot use --${name}: `);
    expect(text).toContain('npx arctun up');
    expect(text).not.toContain('secret-x');
  });

  it.each([
    [['up', '--mode', 'tun'], {}, 'cannot use --mode tun: '],
    [['send', 'x', '--mode=tun'], {}, 'cannot use --mode tun: '],
    [['up'], { ARCTUN_MODE: 'tun' }, 'cannot use --mode tun: '],
    [['up', '--socket', 'batch'], {}, 'cannot use --socket batch: '],
    [['bootstrap', 'authkey', '--profile', 'x'], {}, 'npx arctun bootstrap authkey.'],
    [['config', '--config', 'x'], {}, 'npx arctun config.'],
    [['sim', 'list', '--help'], {}, 'npx arctun sim list.'],
    [['help', 'wg-config'], {}, 'npx arctun wg-config.'],
    [['lambda', 'layer'], {}, 'npx arctun lambda layer.'],
  ])('%j with %j', async (words, env, message) => {
    const text = await refusal(words, env);
    expect(text).toContain(message);
    expect(text).toContain('npm');
  });
});

it.each([
  [['frobnicate'], 'command frobnicate not found'],
  [['help', 'frobnicate'], 'command frobnicate not found'],
  [['--json'], 'command --json not found'],
  [['toString'], 'command toString not found'],
  [['lambda', 'x'], 'Unexpected argument: x'],
  [['status', '0', '--watch'], 'cannot use "0" as SECONDS'],
  [['status', '5'], 'cannot use 5'],
  [['up', '--port', 'x'], 'Parsing --port: Expected an integer but received: x'],
  [['up', '--read-stdin', '--config', 'x'], 'cannot use --read-stdin with --config'],
  [['up', '--', '--help'], 'Unexpected argument: --help'],
])('refuses %j', async (words, message) => {
  expect(await refusal(words)).toContain(message);
});
