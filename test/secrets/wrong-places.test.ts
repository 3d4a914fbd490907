/**
 * Keys in every wrong place: runs each command of the manifest in this process, with a key or a
 * configuration as each flag, argument, variable and standard input. No 12 consecutive characters
 * of it may be printed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { jest } from '@jest/globals';
import { type Command, Config } from '@oclif/core';

import type { Context } from '../../src/cli/context.js';
import { shownError } from '../../src/cli/errors/oclif-error.js';
import { sampleWith, sampleWithSession } from '../arc-config/sample.js';
import { RecordingLog } from '../support/fakes/recording-log.js';

interface ManifestCommand {
  readonly id: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, { readonly type: string; readonly env?: string }>>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, ManifestCommand>;
};
const commands = Object.values(manifest.commands);

const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const AUTH_KEY = 'secret-Zq3vY8kLmN5tRw2XbP7cQe4H';
const ARC_JSON = sampleWithSession({ privateKey: KEY, profile: { authKey: AUTH_KEY } }).replace(
  /"privateKey": "[^"]+"/,
  `"privateKey": "${KEY}"`,
);
const WG_QUICK = `[Interface]\nPrivateKey = ${KEY}\nAddress = 10.0.0.1/32\n`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
/** Cut in the middle of the key. */
const CUT = ARC_JSON.slice(0, ARC_JSON.indexOf(KEY) + 20);

/** A key alone, or a configuration in a place where none belongs. */
const PASTED = [KEY, AUTH_KEY, CUT, base64(ARC_JSON).slice(0, 200)];
/** Invalid values given as the configuration. */
const BROKEN_CONFIGS = [
  ...PASTED,
  `'${ARC_JSON}'`,
  `"${base64(ARC_JSON)}"`,
  ARC_JSON.slice(0, -20),
  ARC_JSON.slice(1),
  ARC_JSON.replace(`"${KEY}"`, KEY),
  `[${ARC_JSON}]`,
  WG_QUICK,
  WG_QUICK.replaceAll('\n', ' '),
  base64(WG_QUICK),
  base64(ARC_JSON).slice(1),
  base64(ARC_JSON).slice(0, -33),
  Buffer.from(CUT).toString('base64url'),
  `\\${ARC_JSON}`,
];

let folder: string;
let config: Config;
let printed: string;
const saved = { env: { ...process.env }, folder: process.cwd() };

beforeAll(async () => {
  config = await Config.load({ root });
  folder = mkdtempSync(join(tmpdir(), 'arctun-wrong-places-'));
  process.chdir(folder);
  for (const name of Object.keys(process.env)) {
    if (/^(?:ARCTUN|SORACOM)_/.test(name)) Reflect.deleteProperty(process.env, name);
  }
  const take = (text: unknown) => {
    printed += typeof text === 'string' ? text : Buffer.from(text as Uint8Array).toString('utf8');
    return true;
  };
  jest.spyOn(process.stdout, 'write').mockImplementation(take);
  jest.spyOn(console, 'log').mockImplementation(take as never);
  jest.spyOn(console, 'error').mockImplementation(take as never);
  jest.spyOn(process.stderr, 'write').mockImplementation(take);
});
afterAll(() => {
  jest.restoreAllMocks();
  process.chdir(saved.folder);
  process.env = saved.env;
  rmSync(folder, { recursive: true });
});

/** Options that keep a command off the network, and from running forever. */
const SAFE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'bootstrap:cellular': {
    endpoint: 'http://127.0.0.1:9',
    'metadata-endpoint': 'http://127.0.0.1:9',
  },
  'bootstrap:sim': { 'krypton-cli-path': '/nowhere/krypton-cli' },
  emulator: { 'api-listen': '127.0.0.1:0', 'arc-listen': '127.0.0.1:0' },
};

interface Run {
  readonly flags?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** @returns everything that it prints */
async function run(id: string, { flags = {}, words = [], env = {}, stdin = '' }: Run) {
  printed = '';
  Object.assign(process.env, env);
  const given = Object.entries({ ...SAFE[id], ...flags }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  const log = new RecordingLog();
  const stop = new AbortController();
  try {
    const command = await makeCommand(id, [...given, ...words]);
    const files = await command.context.privateFiles();
    Object.assign(command.context, {
      isInteractive: () => false,
      homeFolder: () => folder,
      runFolders: () => [folder],
      stateFolder: () => folder,
      log: () => Promise.resolve(log),
      stopSignal: () => Promise.resolve(stop.signal),
      readStdin: () => Promise.resolve(Buffer.from(stdin)),
      stdinIsTerminal: () => false,
      privateFiles: () =>
        Promise.resolve({ ...files, readStandardInput: () => Promise.resolve(stdin) }),
    } satisfies Partial<Context>);
    // Only the emulator runs until it is stopped.
    if (id === 'emulator') setTimeout(() => stop.abort(new Error('stop')), 50);
    await command._run();
  } catch (error) {
    const { message, stack } = shownError(error) as Error;
    printed += `${message} ${stack}`;
  } finally {
    for (const name of Object.keys(env)) Reflect.deleteProperty(process.env, name);
  }
  return printed + JSON.stringify(log.lines);
}

type OpenCommand = Command & { readonly context: Context; _run(): Promise<unknown> };

async function makeCommand(id: string, words: string[]): Promise<OpenCommand> {
  const isTopic = ['config', 'lambda'].includes(id);
  const path = `commands/${id.replaceAll(':', '/')}${isTopic ? '/index' : ''}.ts`;
  const { default: Class } = (await import(pathToFileURL(join(root, path)).href)) as {
    default: new (words: string[], config: Config) => OpenCommand;
  };
  return new Class(words, config);
}

/**
 * Matches of 12 characters of the pasted text: of the keys in it, or of all of it if it is encoded.
 */
function leaks(text: string, pasted: string): string[] {
  const isEncoded = /^["']?[\w+/=-]+["']?$/.test(pasted);
  const parts = isEncoded ? [pasted] : [KEY, AUTH_KEY];
  return parts.flatMap((part) =>
    Array.from({ length: Math.max(0, part.length - 11) }, (_, at) =>
      part.slice(at, at + 12),
    ).filter((twelve) => text.includes(twelve)),
  );
}

async function expectNothing(id: string, pasted: string, how: Run): Promise<void> {
  const text = await run(id, how);
  const found = leaks(text, pasted);
  if (found.length > 0)
    throw new Error(`${id} ${JSON.stringify(how)} prints ${found[0]}:\n${text}`);
}

// The extension reads its input only from the environment, and ends the process.
const walked = commands.filter(({ id }) => id !== 'lambda');

it('finds a planted key', () => {
  expect(leaks(`x ${KEY.slice(5, 17)} y`, KEY)).toEqual([KEY.slice(5, 17)]);
  expect(leaks(`x ${KEY.slice(5, 17)} y`, `'${ARC_JSON}'`)).toEqual([KEY.slice(5, 17)]);
  expect(leaks(CUT, CUT)).not.toEqual([]);
  expect(walked.length).toBeGreaterThan(19);
});

describe.each(walked.map((command) => [command.id, command] as const))('%s', (id, command) => {
  const options = Object.entries(command.flags).filter(([, { type }]) => type === 'option');

  it('does not print a key that was given as a flag or an argument', async () => {
    for (const pasted of PASTED) {
      for (const [name] of options) await expectNothing(id, pasted, { flags: { [name]: pasted } });
      await expectNothing(id, pasted, { words: [pasted] });
      await expectNothing(id, pasted, { words: [pasted, pasted] });
    }
    await expectNothing(id, KEY, { words: [`--${KEY}`] });
    await expectNothing(id, AUTH_KEY, { words: [`--${AUTH_KEY}`] });
  }, 120_000);

  it('does not print a key that is in a variable', async () => {
    const variables = options.flatMap(([, { env }]) => env ?? []);
    const ours = [
      'ARCTUN_AUTH_KEY_ID',
      'ARCTUN_AUTH_KEY_FILE',
      'ARCTUN_PROFILE',
      'ARCTUN_ENDPOINT',
    ];
    for (const name of [...variables, ...ours, 'SORACOM_COVERAGE_TYPE', 'SORACOM_PROFILE_DIR']) {
      for (const pasted of [KEY, CUT]) await expectNothing(id, pasted, { env: { [name]: pasted } });
    }
  }, 120_000);

  it('does not print the key of an invalid configuration', async () => {
    for (const pasted of BROKEN_CONFIGS) {
      await expectNothing(id, pasted, { env: { ARCTUN_CONFIG: pasted } });
    }
  }, 120_000);
});

describe('standard input', () => {
  it.each([
    ['up', { words: ['--read-stdin'] }],
    ['config:import', { words: ['-'], flags: { config: 'new.json' } }],
    ['sim:list', { flags: { 'auth-key-file': '-', 'coverage-type': 'g' } }],
    ['send', { words: ['-'] }],
  ])(
    'of %s',
    async (id, how) => {
      for (const pasted of BROKEN_CONFIGS)
        await expectNothing(id, pasted, { ...how, stdin: pasted });
    },
    120_000,
  );
});

it('config hides the secrets in commands', async () => {
  const preUp = [
    ['curl', '-H', `X-Soracom-Token: ${AUTH_KEY.slice(7)}`],
    ['wg', KEY],
  ];
  const postUp = [
    ['sh', '-c', `curl -H 'X-Soracom-API-Key: ${AUTH_KEY.slice(7)}' https://a.example`],
  ];
  const postDown = [
    ['notify', '--token', AUTH_KEY.slice(7)],
    ['echo', base64(ARC_JSON)],
  ];
  writeFileSync('hooks.json', sampleWith({ preUp, postUp, postDown }));
  const text = await run('config', { flags: { config: 'hooks.json' } });
  expect(text).toContain('"X-Soracom-Token: <redacted>"');
  expect([...leaks(text, CUT), ...leaks(text, base64(ARC_JSON))]).toEqual([]);
});

it('reports what is wrong with a configuration', async () => {
  const text = await run('up', { env: { ARCTUN_CONFIG: `'${ARC_JSON}'` } });
  expect(text).toContain(
    'Error: cannot use the value of ARCTUN_CONFIG: the value begins with a quotation mark\n' +
      '  Remove the quotes around the value: docker --env-file and systemd do not remove them.\n',
  );
});
