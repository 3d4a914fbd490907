/**
 * A wrong value in an environment variable: the error names the variable, not the flag. A new
 * variable of the manifest fails here until it has a row.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sampleWithSession } from '../arc-config/sample.js';
import { runInProcess } from '../support/command-in-process.js';
import { REPOSITORY } from '../support/processes.js';

type Environment = Readonly<Record<string, string>>;

interface ManifestFlag {
  readonly env?: string;
  readonly description: string;
}

const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { readonly flags: Readonly<Record<string, ManifestFlag>> }>;
};

/** The Lambda extension checks its variables itself; see test/lambda/settings.test.ts. */
const COMMANDS = Object.entries(manifest.commands).filter(([id]) => id !== 'lambda');

/** Valid values that keep `up` off the network, and from running forever. */
const UP: Environment = {
  ARCTUN_CONFIG: 'valid.json',
  ARCTUN_MODE: 'userspace',
  ARCTUN_FORWARD_LISTEN: '127.0.0.1:0',
  ARCTUN_PROXY_LISTEN: 'off',
  ARCTUN_WAIT: '1',
};
const JAPAN = { ARCTUN_COVERAGE_TYPE: 'jp' };
const KEY = { ARCTUN_AUTH_KEY_ID: 'keyId-x', ARCTUN_AUTH_KEY: 'secret-x' };
const PROXY = { ARCTUN_PROXY_LISTEN: '127.0.0.1:0' };

/** A wrong value, the command if it is not `up`, and other variables. */
const ROWS: Readonly<
  Record<string, readonly [value: string, command?: string, env?: Environment]>
> = {
  ARCTUN_ADDITIONAL_ALLOWED_IPS: ['10.0.0.0/8,x'],
  ARCTUN_ALLOW_HOST: ['a b'],
  ARCTUN_ALLOW_OPEN: ['maybe'],
  ARCTUN_ALLOW_ORIGIN: ['x'],
  ARCTUN_AUTH_KEY: ['x', 'sim list', { ...JAPAN, ARCTUN_AUTH_KEY_ID: 'keyId-x' }],
  ARCTUN_AUTH_KEY_FILE: ['absent', 'sim list', JAPAN],
  ARCTUN_AUTH_KEY_ID: ['x', 'sim list', { ...JAPAN, ARCTUN_AUTH_KEY: 'secret-x' }],
  ARCTUN_BUDGET: ['5MB/day,x'],
  ARCTUN_CONFIG: ['{'],
  ARCTUN_CONGESTION: ['x'],
  ARCTUN_COVERAGE_TYPE: ['x', 'sim list', KEY],
  ARCTUN_DNS: ['1.1.1.1,x'],
  ARCTUN_DNS_DOMAIN: ['-', 'up', { ARCTUN_MODE: 'tun', ARCTUN_DNS_SETUP: 'auto' }],
  ARCTUN_DNS_LISTEN: ['127.0.0.1:65536'],
  ARCTUN_DNS_SETUP: ['auto'],
  ARCTUN_ENDPOINT: ['http://a.example', 'sim list', KEY],
  ARCTUN_FORWARD_LISTEN: ['TAKEN'],
  ARCTUN_FORWARD_TO: ['10.0.0.1:0'],
  ARCTUN_HOSTS: ['a=192.0.2.1,b'],
  ARCTUN_INTERFACE: [''],
  ARCTUN_KILL_SWITCH: ['true'],
  ARCTUN_KRYPTON_ENDPOINT: ['http://a.example', 'bootstrap cellular'],
  ARCTUN_LOG_FORMAT: ['x'],
  ARCTUN_LOG_LEVEL: ['x'],
  ARCTUN_MODE: ['x'],
  ARCTUN_MTU: ['575'],
  ARCTUN_NO_RENEW: ['maybe'],
  ARCTUN_NO_RESEND: ['maybe'],
  ARCTUN_PERSISTENT_KEEPALIVE: ['70000'],
  ARCTUN_PROFILE: ['absent', 'sim list'],
  ARCTUN_PROXY_LISTEN: ['0.0.0.0:0'],
  ARCTUN_PROXY_PASSWORD_FILE: ['empty', 'up', PROXY],
  ARCTUN_QUIET: ['maybe'],
  ARCTUN_SOCKET: ['x'],
  ARCTUN_SPOOL: ['empty'],
  ARCTUN_SPOOL_MESSAGES: ['0'],
  ARCTUN_SPOOL_SIZE: ['abc'],
  ARCTUN_STATUS_LISTEN: ['TAKEN'],
  ARCTUN_WAIT: ['-1'],
  SORACOM_AUTH_KEY: ['x', 'sim list', { ...JAPAN, SORACOM_AUTH_KEY_ID: 'keyId-x' }],
  SORACOM_AUTH_KEY_ID: ['x', 'sim list', { ...JAPAN, SORACOM_AUTH_KEY: 'secret-x' }],
  SORACOM_COVERAGE_TYPE: ['x', 'sim list', KEY],
  SORACOM_ENDPOINT: ['http://a.example', 'sim list', KEY],
  SORACOM_PROFILE: ['absent', 'sim list'],
};

/** The variables of a flag: oclif's, or those in the description, which arctun reads itself. */
function variablesOf({ env, description }: ManifestFlag): readonly string[] {
  const [, names] = /^\[env: ([^\]]+)\]/.exec(description) ?? [];
  return env === undefined ? (names?.split(', ') ?? []) : [env];
}

let folder: string;
let taken: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-variables-'));
  writeFileSync(
    join(folder, 'valid.json'),
    sampleWithSession({ arcServerEndpoint: '127.0.0.1:9' }),
  );
  writeFileSync(join(folder, 'empty'), '', { mode: 0o600 });
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
});
afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true });
});

const port = () => (taken.address() as AddressInfo).port;

/** @returns what a command prints on standard error with only the given variables */
async function refusal(line: string, env: Environment): Promise<string> {
  return (await runInProcess(line.split(' '), { cwd: folder, env })).stderr;
}

const firstLine = async (line: string, env: Environment) =>
  (await refusal(line, env)).split('\n', 1)[0]!;

it('has a row for each variable of the manifest', () => {
  const variables = COMMANDS.flatMap(([, { flags }]) => Object.values(flags).flatMap(variablesOf));
  expect([...new Set(variables)].sort()).toEqual(Object.keys(ROWS));
});

// Any value of ARCTUN_INTERFACE is valid.
it.each(Object.entries(ROWS).filter(([, [value]]) => value !== ''))(
  'names %s, which is wrong: %j',
  async (variable, [value, command = 'up', others = {}]) => {
    const text = value.replace('TAKEN', `127.0.0.1:${port()}`);
    const defaults = command === 'up' ? UP : {};
    const line = await firstLine(command, { ...defaults, ...others, [variable]: text });
    expect(line).toMatch(new RegExp(`^Error: .*\\b${variable}\\b`));
    expect(line).not.toContain('--');
  },
  30_000,
);

it.each([
  ['--mtu', '575', 'ARCTUN_MTU'],
  ['--dns', 'x', 'ARCTUN_DNS'],
  ['--status-listen', '127.0.0.1:TAKEN', 'ARCTUN_STATUS_LISTEN'],
])('names %s, which is %s and overrides %s', async (flag, value, variable) => {
  const text = value.replace('TAKEN', String(port()));
  const line = await firstLine(`up ${flag} ${text}`, { ...UP, [variable]: value });
  expect(line).toMatch(new RegExp(`^Error: .*${flag}\\b`));
  expect(line).not.toContain(variable);
});

it.each([
  [
    { ARCTUN_PROXY_LISTEN: '0.0.0.0:1080', ARCTUN_ALLOW_OPEN: 'false' },
    [
      'Error: cannot listen on 0.0.0.0 (ARCTUN_PROXY_LISTEN): this is not a loopback address, so anyone who can reach the address could send data as this SIM',
      '  Listen on 127.0.0.1.',
      '  Or set a password with --proxy-password-file or ARCTUN_PROXY_PASSWORD.',
      '  Or allow this address with --allow-open or ARCTUN_ALLOW_OPEN=true.',
    ],
  ],
  [
    { ARCTUN_KILL_SWITCH: 'true' },
    [
      'Error: cannot use ARCTUN_KILL_SWITCH with ARCTUN_MODE=userspace: the kill switch needs routes on this machine, and a userspace tunnel does not add routes',
      '  Use ARCTUN_MODE=tun.',
    ],
  ],
])('explains %j', async (env, lines) => {
  expect(await refusal('up', { ...UP, ...env })).toBe(`${lines.join('\n')}\n`);
});

it('names the flags that set the address and the port of the forwarder', async () => {
  expect(await firstLine(`up -p ${port()}`, UP)).toContain('(--port)');
  expect(await firstLine('up -a 0.0.0.0', UP)).toContain('(--address)');
  const proxy = { ...UP, ARCTUN_PROXY_LISTEN: '127.0.0.1:1081' };
  expect(await firstLine('up -p 1081', proxy)).toBe(
    'Error: cannot listen twice on port 1081: --port and ARCTUN_PROXY_LISTEN use the same port',
  );
  const usual = { ...UP, ARCTUN_PROXY_LISTEN: '' };
  expect(await firstLine('up -L 1080:10.0.0.3:80', usual)).toBe(
    'Error: cannot listen twice on port 1080: --proxy-listen and --local-forward use the same port',
  );
});

it.each(['up', 'bootstrap authkey', 'sim list', 'status'])(
  '%s treats empty variables as unset',
  async (command) => {
    const { flags } = manifest.commands[command.replaceAll(' ', ':')]!;
    const names = Object.values(flags).flatMap(variablesOf);
    const empty = Object.fromEntries(names.map((name) => [name, '']));
    expect(await refusal(command, empty)).toBe(await refusal(command, {}));
  },
);
