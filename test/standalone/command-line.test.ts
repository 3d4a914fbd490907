/** The same command lines by both parsers: oclif's is the one that people know. */
import { readFileSync } from 'node:fs';

import { Parser } from '@oclif/core';

import type { CommandDeclaration } from '../../src/cli/command.js';
import { configFlag } from '../../src/cli/config-flag.js';
import { oclifArguments, oclifFlags } from '../../src/cli/oclif-flags.js';
import { UserError } from '../../src/lib/user-error.js';
import { parseCommandLine } from '../../src/standalone/command-line.js';
import { COMMANDS } from '../../src/standalone/commands.js';

interface Outcome {
  readonly flags?: object;
  readonly args?: readonly unknown[];
  /** The words of a refusal. */
  readonly refused?: string;
}

type Env = Readonly<Record<string, string>>;

function declarationOf(command: string): CommandDeclaration {
  return COMMANDS.get(command)!.declaration;
}

function ours(command: string, words: readonly string[], env: Env): Outcome {
  try {
    const { flags, args, tokens } = parseCommandLine(words, declarationOf(command), env);
    return { flags: { ...flags, tokens }, args };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.kind).toBe('usage');
    return { refused: oneLine(`${error.message} ${error.next.join(' ')}`) };
  }
}

async function oclifs(command: string, words: readonly string[], env: Env): Promise<Outcome> {
  const { flags, args = {} } = declarationOf(command);
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const parsed = await Parser.parse([...words], {
      flags: { ...oclifFlags(configFlag), ...oclifFlags(flags) },
      args: oclifArguments(args),
      strict: true,
    });
    // It leaves out what is not there, and says that it is a boolean.
    const absent = Object.entries(flags).filter(([, { type }]) => type === 'boolean');
    const booleans = Object.fromEntries(absent.map(([name]) => [name, false]));
    const tokens = parsed.raw.map((token) =>
      token.type === 'flag' ? { type: 'flag', flag: token.flag } : { type: 'arg' },
    );
    return { flags: { ...booleans, ...(parsed.flags as object), tokens }, args: parsed.argv };
  } catch (error) {
    return { refused: oneLine((error as Error).message) };
  } finally {
    process.env = before;
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** What ours adds where oclif's sentence has no colon, and where it names no help. */
function oclifWords({ refused, ...rest }: Outcome): Outcome {
  if (refused === undefined) return rest;
  const words = refused
    .replace(/^cannot use --[\w-]+(?: twice)?: /, '')
    .replace(/^(Parsing --[\w-]+):/, '$1')
    .replace(/^(Flag --.*) See more help with --help$/, '$1');
  return { refused: words };
}

const BOTH: readonly (readonly [command: string, words: readonly string[], env?: Env])[] = [
  ['up', []],
  ['up', ['--port', '8080']],
  ['up', ['--port=8080', '--json']],
  ['up', ['-p8080', '-a', '::1']],
  ['up', ['-p=8080', '-a==x', '-a']],
  ['up', ['-p=8080', '-a==x']],
  ['up', ['-p', '0']],
  ['up', ['-H', 'A: 1', '-HB: 2', '--header', 'C: 3', '--header=D: 4']],
  ['up', ['-H', 'A: 1', 'B: 2']],
  ['up', ['--address=', '--dns', '']],
  ['up', ['--port=']],
  ['up', ['--port']],
  ['up', ['-p']],
  ['up', ['--mode']],
  ['up', ['--mode', '--json']],
  ['up', ['--port', '--json']],
  ['up', ['--port', '-H']],
  ['up', ['--port', '-Hx']],
  ['up', ['--address=--json']],
  ['up', ['--address', '--jsonx']],
  ['up', ['--address', '-x']],
  ['up', ['--address', '--']],
  ['up', ['--address', '-']],
  ['up', ['--port', 'x']],
  ['up', ['--port', '1.5']],
  ['up', ['--port', '0x10']],
  ['up', ['--port', '-1']],
  ['up', ['--port', '65535']],
  ['up', ['--port', '65536']],
  ['up', ['--wait', '-1']],
  ['up', ['--wait', '007']],
  ['up', ['--mode', 'tun']],
  ['up', ['--mode', 'TUN']],
  ['up', ['--mode=']],
  ['up', ['--mode', 'userspace', '--mode', 'tun']],
  ['up', ['--port', '1', '-p', '2']],
  ['up', ['--json', '--json']],
  ['up', ['--json=true']],
  ['up', ['--no-json']],
  ['up', ['--no-renew', '--allow-open']],
  ['up', ['--renew']],
  ['up', ['--bogus']],
  ['up', ['--bogus=1', '-z', '--also', '5']],
  ['up', ['-xp', '80']],
  ['up', ['-zH']],
  ['up', ['extra']],
  ['up', ['one', '--json', 'two']],
  ['up', ['--', '--json']],
  ['up', ['-']],
  ['up', ['']],
  ['up', ['--bogus', '--port', 'x']],
  ['up', ['--config', 'other.json', '--read-stdin']],
  ['up', ['--additional-allowed-ips', '10.0.0.0/8', '--additional-allowed-ips=fd00::/8,::/0']],
  ['up', [], { ARCTUN_MTU: '1280', ARCTUN_MODE: 'userspace', ARCTUN_ALLOW_OPEN: 'yes' }],
  ['up', [], { ARCTUN_ALLOW_OPEN: 'TRUE', ARCTUN_NO_RENEW: 'on' }],
  ['up', [], { ARCTUN_ALLOW_OPEN: '', ARCTUN_MTU: '', ARCTUN_DNS: '' }],
  ['up', ['--mtu', '1300'], { ARCTUN_MTU: 'wrong' }],
  ['up', [], { ARCTUN_MTU: 'wrong' }],
  ['up', [], { ARCTUN_MODE: 'wrong' }],
  ['up', [], { ARCTUN_PERSISTENT_KEEPALIVE: '70000' }],
  ['up', [], { ARCTUN_CONFIG: '{}', ARCTUN_LOG_LEVEL: 'trace' }],
  ['send', ['{"a": 1}']],
  ['send', ['-5']],
  ['send', ['-21.5']],
  ['send', ['-5f', 'x']],
  ['send', ['--', '-x']],
  ['send', ['-H', 'A: 1', 'message', '-X', 'PUT', '--path=/a?b=c']],
  ['send', ['message', 'more']],
  ['send', ['--timeout', '0']],
  ['send', ['--timeout', '3600', '--via=udp', '-f-']],
  ['send', ['--timeout', '3601']],
  ['send', ['--port', '1']],
  ['status', ['--all', '--watch', '5']],
  ['status', ['5', '6']],
  ['status', ['--seconds', '5']],
  ['health', ['--interface', 'soratun0', '--json']],
  ['health', ['--interface='], { ARCTUN_INTERFACE: 'soratun1' }],
  ['health', [], { ARCTUN_INTERFACE: 'soratun1' }],
  ['version', []],
  ['version', ['--json']],
  ['version', ['1']],
];

it.each(BOTH.map(([command, words, env = {}]) => [command, words, env] as const))(
  '%s %j with %j',
  async (command, words, env) => {
    expect(oclifWords(ours(command, words, env))).toEqual(await oclifs(command, words, env));
  },
);

it.each([
  [['--toString'], 'Nonexistent flag: --toString'],
  [['--__proto__', '--constructor=1'], 'Nonexistent flags: --__proto__, --constructor=1'],
  [['--json=--no-renew'], 'Unexpected argument: --no-renew'],
])('refuses %j, which oclif takes for what it is not', (words, message) => {
  expect(ours('up', words, {}).refused).toContain(message);
});

describe('each flag of each command', () => {
  const manifest = JSON.parse(
    readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8'),
  ) as { commands: Record<string, { flags: Record<string, ManifestFlag> }> };

  interface ManifestFlag {
    readonly type: string;
    readonly char?: string;
    readonly env?: string;
    readonly options?: readonly string[];
  }

  const all = [...COMMANDS.keys()].flatMap((command) =>
    Object.entries(manifest.commands[command]!.flags).map(
      ([name, flag]) => [command, name, flag] as const,
    ),
  );

  it.each(all)('%s --%s', async (command, name, { type, char, env, options }) => {
    const lines: [string[], Env][] =
      type === 'boolean'
        ? [[[`--${name}`], {}]]
        : ['1', ...(options ?? []), 'x y'].flatMap((value): [string[], Env][] => [
            [[`--${name}`, value], {}],
            [[`--${name}=${value}`], {}],
            [[`--${name}`, value, `--${name}`, value], {}],
            ...(char === undefined ? [] : ([[[`-${char}${value}`], {}]] as [string[], Env][])),
          ]);
    if (env !== undefined) for (const value of ['1', 'x']) lines.push([[], { [env]: value }]);
    for (const [words, variables] of lines) {
      const expected = await oclifs(command, words, variables);
      expect(oclifWords(ours(command, words, variables))).toEqual(listed(expected));
    }
  });

  /** oclif gives the text alone of a list in the environment, and says that it is a list. */
  function listed({ flags, ...rest }: Outcome): Outcome {
    if (flags === undefined) return rest;
    const given = { ...flags } as Record<string, unknown>;
    for (const name of ['additional-allowed-ips', 'allow-host', 'allow-origin']) {
      if (typeof given[name] === 'string') given[name] = [given[name]];
    }
    return { ...rest, flags: given };
  }
});
