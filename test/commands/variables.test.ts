/**
 * Wrong values in environment variables: runs each command of the manifest in this process with a
 * wrong value in each of its variables. A new variable fails here until it has a row.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { jest } from '@jest/globals';
import { Config } from '@oclif/core';

import { sampleWithSession } from '../arc-config/sample.js';
import { REPOSITORY } from '../support/processes.js';

type Environment = Readonly<Record<string, string>>;

interface ManifestFlag {
  readonly type: string;
  readonly env?: string;
  readonly description: string;
}

const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { readonly flags: Readonly<Record<string, ManifestFlag>> }>;
};

/** The Lambda extension checks its variables itself; see test/lambda/settings.test.ts. */
const COMMANDS = Object.entries(manifest.commands).filter(([id]) => id !== 'lambda');

/** The arguments without which a command does not reach its flags' values. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  completion: ['bash'],
  dig: ['a.test'],
  ping: ['192.0.2.1'],
  'config:import': ['wg0.conf'],
  connect: ['10.0.0.3:22'],
  send: ['x'],
  'sim:renew-key': ['8942310022000012345', '--yes'],
  'sim:show': ['8942310022000012345'],
  'sim:terminate': ['8942310022000012345', '--yes'],
  'spool:remove': ['x'],
  'spool:retry': ['x'],
  'spool:show': ['x'],
};

/** The words that must follow the flags. */
const LAST_WORDS: Readonly<Record<string, readonly string[]>> = { exec: ['--', 'true'] };

/** Valid values that keep a command off the network, and from running forever. */
const SAFE: Readonly<Record<string, Environment>> = {
  up: {
    ARCTUN_CONFIG: 'valid.json',
    ARCTUN_MODE: 'userspace',
    ARCTUN_FORWARD_LISTEN: '127.0.0.1:0',
    ARCTUN_PROXY_LISTEN: 'off',
    ARCTUN_WAIT: '1',
  },
  send: { ARCTUN_CONFIG: 'valid.json', ARCTUN_WAIT: '1' },
  'spool:send': { ARCTUN_CONFIG: 'valid.json', ARCTUN_WAIT: '1' },
  ping: { ARCTUN_CONFIG: 'valid.json', ARCTUN_WAIT: '1' },
  dig: { ARCTUN_CONFIG: 'valid.json', ARCTUN_WAIT: '1' },
};

const KEY = { ARCTUN_AUTH_KEY_ID: 'keyId-x', ARCTUN_AUTH_KEY: 'secret-x' };
const JAPAN = { ARCTUN_COVERAGE_TYPE: 'jp' };

/** `doctor` shows these problems among its results. */
const AS_RESULT = ['doctor'];
/** `up` reads credentials only for a renewal. */
const NOT_AT_START = ['up', ...AS_RESULT];
/** Commands that do not read arc.json, read it only later, or continue without it. */
const WITHOUT_CONFIG = [
  ...['completion', 'config:init', 'emulator', 'forward:add', 'forward:list', 'forward:remove'],
  ...['spool:list', 'spool:remove', 'spool:retry', 'spool:show'],
  ...['health', 'lambda:layer', 'status', 'version'],
  ...['bootstrap:sim', 'config:import', 'sim:list', 'sim:show', 'sim:terminate'],
  ...AS_RESULT,
];
const LISTENS = ['x', '127.0.0.1:65536', '0.0.0.0:0', 'TAKEN'];

interface Row {
  readonly values: readonly string[];
  /** Other variables. */
  readonly env?: Environment;
  /** Commands that accept the variable but do not use it at once. */
  readonly except?: readonly string[];
}

const ROWS: Readonly<Record<string, Row>> = {
  ARCTUN_ADDITIONAL_ALLOWED_IPS: { values: ['10.0.0.0/99', '10.0.0.0/8,x'] },
  ARCTUN_ALLOW_HOST: { values: ['a b'] },
  ARCTUN_ALLOW_OPEN: { values: ['maybe'] },
  ARCTUN_ALLOW_ORIGIN: { values: ['x'] },
  ARCTUN_AUTH_KEY: {
    values: ['x'],
    env: { ...JAPAN, ARCTUN_AUTH_KEY_ID: 'keyId-x' },
    except: NOT_AT_START,
  },
  ARCTUN_AUTH_KEY_FILE: { values: ['absent', '.', 'empty'], env: JAPAN, except: NOT_AT_START },
  ARCTUN_AUTH_KEY_ID: {
    values: ['x'],
    env: { ...JAPAN, ARCTUN_AUTH_KEY: 'secret-x' },
    except: NOT_AT_START,
  },
  ARCTUN_BUDGET: { values: ['x', '5MB', '5MB/day,x'] },
  ARCTUN_CONFIG: { values: ["'arc.json'", '{'], except: WITHOUT_CONFIG },
  ARCTUN_CONGESTION: { values: ['x'] },
  ARCTUN_COVERAGE_TYPE: { values: ['x'], env: KEY },
  ARCTUN_DNS: { values: ['x', '1.1.1.1,x'] },
  ARCTUN_DNS_DOMAIN: {
    values: ['-', 'a,b c'],
    env: { ARCTUN_MODE: 'tun', ARCTUN_DNS_SETUP: 'auto' },
  },
  ARCTUN_DNS_LISTEN: { values: LISTENS },
  ARCTUN_DNS_SETUP: { values: ['x', 'auto'] },
  ARCTUN_ENDPOINT: { values: ['x', 'http://a.example', 'https://a.example?b'], env: KEY },
  ARCTUN_FORWARD_LISTEN: { values: LISTENS, except: AS_RESULT },
  ARCTUN_FORWARD_TO: { values: ['x:', '10.0.0.1:0'] },
  ARCTUN_HOSTS: { values: ['x', 'a=b', 'a=192.0.2.1,b'] },
  ARCTUN_INTERFACE: { values: [] },
  ARCTUN_KILL_SWITCH: { values: ['maybe', 'true'] },
  ARCTUN_KRYPTON_ENDPOINT: { values: ['x', 'http://a.example'] },
  ARCTUN_LOG_FORMAT: { values: ['x'] },
  ARCTUN_LOG_LEVEL: { values: ['x'] },
  ARCTUN_MODE: { values: ['x'] },
  ARCTUN_MTU: { values: ['abc', '-1', '575'] },
  ARCTUN_NO_RENEW: { values: ['maybe'] },
  ARCTUN_NO_RESEND: { values: ['maybe'] },
  ARCTUN_PERSISTENT_KEEPALIVE: { values: ['abc', '70000'] },
  ARCTUN_PROFILE: { values: ['absent'], except: NOT_AT_START },
  ARCTUN_PROXY_LISTEN: { values: LISTENS, except: AS_RESULT },
  ARCTUN_PROXY_PASSWORD_FILE: {
    values: ['absent', '.', 'empty'],
    env: { ARCTUN_PROXY_LISTEN: '127.0.0.1:0' },
  },
  ARCTUN_QUIET: { values: ['maybe'] },
  ARCTUN_SOCKET: { values: ['x'] },
  ARCTUN_SPOOL: { values: ['empty'] },
  ARCTUN_SPOOL_MESSAGES: { values: ['abc', '0'] },
  ARCTUN_SPOOL_SIZE: { values: ['abc', '0'] },
  ARCTUN_STATUS_LISTEN: { values: LISTENS },
  ARCTUN_WAIT: { values: ['abc', '-1'] },
  SORACOM_AUTH_KEY: {
    values: ['x'],
    env: { ...JAPAN, SORACOM_AUTH_KEY_ID: 'keyId-x' },
    except: NOT_AT_START,
  },
  SORACOM_AUTH_KEY_ID: {
    values: ['x'],
    env: { ...JAPAN, SORACOM_AUTH_KEY: 'secret-x' },
    except: NOT_AT_START,
  },
  SORACOM_COVERAGE_TYPE: { values: ['x'], env: KEY },
  SORACOM_ENDPOINT: { values: ['x', 'http://a.example'], env: KEY },
  SORACOM_PROFILE: { values: ['absent'], except: NOT_AT_START },
};

/** The variables of a flag: oclif's, or those in the description, which arctun reads itself. */
function variablesOf({ env, description }: ManifestFlag): readonly string[] {
  const [, names] = /^\[env: ([^\]]+)\]/.exec(description) ?? [];
  return env === undefined ? (names?.split(', ') ?? []) : [env];
}

interface Case {
  readonly id: string;
  readonly flag: string;
  readonly variable: string;
  readonly value: string;
  readonly isSwitch: boolean;
}

const CASES: readonly Case[] = COMMANDS.flatMap(([id, { flags }]) =>
  Object.entries(flags).flatMap(([flag, declared]) =>
    variablesOf(declared).flatMap((variable) => {
      const { values = [], except = [] } = ROWS[variable] ?? {};
      const isSwitch = declared.type === 'boolean';
      return values
        .filter(() => !except.includes(id))
        .map((value) => ({ id, flag, variable, value, isSwitch }));
    }),
  ),
);

let folder: string;
let config: Config;
let taken: Server;
const saved = { env: { ...process.env }, folder: process.cwd() };

beforeAll(async () => {
  config = await Config.load(REPOSITORY);
  folder = mkdtempSync(join(tmpdir(), 'arctun-variables-'));
  process.chdir(folder);
  writeFileSync('valid.json', sampleWithSession({ arcServerEndpoint: '127.0.0.1:9' }));
  writeFileSync('wg0.conf', '[Interface]\n');
  writeFileSync('empty', '', { mode: 0o600 });
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  // Each command adds listeners for signals, and would end with its process.
  process.setMaxListeners(0);
}, 60_000);
afterAll(() => {
  process.chdir(saved.folder);
  process.env = saved.env;
  taken.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => jest.restoreAllMocks());

/** Runs a command with only the given variables. @returns what it prints on standard error */
async function refusal(id: string, words: readonly string[], env: Environment): Promise<string> {
  let printed = '';
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const others = Object.entries(saved.env).filter(([name]) => !/^(?:ARCTUN|SORACOM)_/.test(name));
  process.env = { ...Object.fromEntries(others), HOME: folder, STATE_DIRECTORY: folder, ...env };
  const isTopic = ['config', 'lambda'].includes(id);
  const path = `commands/${id.replaceAll(':', '/')}${isTopic ? '/index' : ''}.ts`;
  const { default: Class } = (await import(pathToFileURL(join(REPOSITORY, path)).href)) as {
    default: { run(argv: readonly string[], config: Config): Promise<unknown> };
  };
  try {
    await Class.run([...(WORDS[id] ?? []), ...words, ...(LAST_WORDS[id] ?? [])], config);
  } catch (error) {
    if ((error as { oclif?: object }).oclif === undefined) throw error;
  }
  return printed;
}

const firstLine = (text: string) => text.slice(0, text.indexOf('\n'));

function given({ id, variable, value }: Case): { text: string; env: Environment } {
  const text = value.replace('TAKEN', `127.0.0.1:${(taken.address() as AddressInfo).port}`);
  return { text, env: { ...SAFE[id], ...ROWS[variable]?.env, [variable]: text } };
}

it('has a row for each variable of the manifest', () => {
  const variables = COMMANDS.flatMap(([, { flags }]) => Object.values(flags).flatMap(variablesOf));
  expect([...new Set(variables)].sort()).toEqual(Object.keys(ROWS));
});

it.each(CASES)(
  '$id names $variable, which is $value',
  async (wrong) => {
    const line = firstLine(await refusal(wrong.id, [], given(wrong).env));
    expect(line).toMatch(new RegExp(`^Error: .*\\b${wrong.variable}\\b`));
    expect(line).not.toContain('--');
  },
  30_000,
);

it.each(CASES.filter(({ isSwitch, variable }) => !isSwitch && ROWS[variable]?.env === undefined))(
  '$id names --$flag, which is $value and overrides $variable',
  async (wrong) => {
    const { text, env } = given(wrong);
    const words = [`--${wrong.flag}`, text];
    const line = firstLine(await refusal(wrong.id, words, env));
    expect(line).toMatch(new RegExp(`^Error: .*--${wrong.flag}\\b`));
    expect(line).not.toContain(wrong.variable);
  },
  30_000,
);

it.each([
  [
    'up',
    { ARCTUN_STATUS_LISTEN: 'x' },
    [
      'Error: cannot listen on "x" (ARCTUN_STATUS_LISTEN): the address must have the form ADDRESS:PORT, with a port from 0 to 65535',
      '  Use the form 127.0.0.1:9100, or [::1]:9100 for IPv6.',
    ],
  ],
  [
    'up',
    { ARCTUN_PROXY_LISTEN: '0.0.0.0:1080', ARCTUN_ALLOW_OPEN: 'false' },
    [
      'Error: cannot listen on 0.0.0.0 (ARCTUN_PROXY_LISTEN): this is not a loopback address, so anyone who can reach the address could send data as this SIM',
      '  Listen on 127.0.0.1.',
      '  Or set a password with --proxy-password-file or ARCTUN_PROXY_PASSWORD.',
      '  Or allow this address with --allow-open or ARCTUN_ALLOW_OPEN=true.',
    ],
  ],
  [
    'up',
    { ARCTUN_KILL_SWITCH: 'true' },
    [
      'Error: cannot use ARCTUN_KILL_SWITCH with ARCTUN_MODE=userspace: the kill switch needs routes on this machine, and a userspace tunnel does not add routes',
      '  Use ARCTUN_MODE=tun.',
    ],
  ],
  [
    'bootstrap:cellular',
    { ARCTUN_KRYPTON_ENDPOINT: 'x' },
    [
      'Error: cannot use the Krypton provisioning endpoint (ARCTUN_KRYPTON_ENDPOINT): the endpoint must be an http or https URL without user, query or fragment',
      '  Use a base URL such as https://krypton.soracom.io:8036.',
    ],
  ],
  [
    'sim:list',
    { ...JAPAN, ARCTUN_AUTH_KEY_FILE: 'absent' },
    [
      'Error: cannot read the auth key (ARCTUN_AUTH_KEY_FILE): absent: no such file',
      '  Check the path.',
    ],
  ],
])('%s explains %j', async (id, env, lines) => {
  expect(await refusal(id, [], { ...SAFE[id], ...env })).toBe(`${lines.join('\n')}\n`);
});

it('names the flags that set the address and the port of the forwarder', async () => {
  const { port } = taken.address() as AddressInfo;
  const env = { ...SAFE.up, ARCTUN_FORWARD_LISTEN: '127.0.0.1:0' };
  expect(firstLine(await refusal('up', ['-p', String(port)], env))).toContain('(--port)');
  expect(firstLine(await refusal('up', ['-a', '0.0.0.0'], env))).toContain('(--address)');
  const proxy = { ...env, ARCTUN_PROXY_LISTEN: '127.0.0.1:1081' };
  expect(firstLine(await refusal('up', ['-p', '1081'], proxy))).toBe(
    'Error: cannot listen twice on port 1081: --port and ARCTUN_PROXY_LISTEN use the same port',
  );
  const usual = {
    ARCTUN_CONFIG: 'valid.json',
    ARCTUN_FORWARD_LISTEN: '127.0.0.1:0',
    ARCTUN_WAIT: '1',
  };
  expect(
    firstLine(await refusal('up', ['--mode', 'userspace', '-L', '1080:10.0.0.3:80'], usual)),
  ).toBe(
    'Error: cannot listen twice on port 1080: --proxy-listen and --local-forward use the same port',
  );
});

// The emulator needs no settings, so it would run.
it.each(COMMANDS.filter(([id]) => id !== 'emulator'))(
  '%s treats empty variables as unset',
  async (id, { flags }) => {
    const empty = Object.values(flags).flatMap(variablesOf);
    const without = await refusal(id, [], {});
    expect(await refusal(id, [], Object.fromEntries(empty.map((name) => [name, ''])))).toBe(
      without,
    );
  },
  30_000,
);
