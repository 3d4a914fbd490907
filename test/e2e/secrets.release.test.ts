/**
 * Every command, with its most verbose options: its output contains no secret of the run. Not
 * searched is output whose purpose is to print a key: `wg-config`, its QR code, and
 * `--dump-config`.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, Processes, type Finished } from '../support/processes.js';
import { type Recorder, startRecorder } from '../support/fakes/recording-proxy.js';
import { findSecrets, type Secrets } from '../support/secret-search.js';
import { atLength } from '../support/runner/tier.js';

const AUTH_KEY = 'secret-Zq3vY8kLmN5tRw2XbP7c';
const PASSWORD = 'c0rrect-h0rse-Battery';
const CODE = '493817';

const processes = new Processes();
let emulator: EmulatorProcess;
/** A proxy between the commands and the emulator's API. */
let recorder: Recorder;
let folder: string;
/** The output of the commands, by command. */
const printed = new Map<string, string>();
/** Each private key that an arc.json of the run contained. */
const privateKeys = new Set<string>();

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
  recorder = await startRecorder(emulator.api);
  folder = mkdtempSync(join(tmpdir(), 'arctun-secrets-'));
  await emulator.addUser({
    authKeyId: 'keyId-searched',
    authKey: AUTH_KEY,
    email: 'user@example.com',
    password: PASSWORD,
    permissions: ['*'],
  });
  await emulator.addUser({
    operatorId: 'OP0000000000',
    userName: 'second-factor',
    password: PASSWORD,
    mfaOTPCode: CODE,
    permissions: ['*'],
  });
});
afterAll(async () => {
  await recorder.close();
  await processes.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * For commands that read a broken arc.json: test/secrets/wrong-places.test.ts has all, in one
 * process.
 */
const READERS = atLength({
  short: [['up']],
  long: [['config'], ['config', 'validate'], ['up'], ['send', 'x']],
});
const VIAS = atLength({ short: ['http'], long: ['http', 'tcp', 'udp'] });

const TALKATIVE = { SORACOM_VERBOSE: '1', DEBUG: '*', ARCTUN_LOG_LEVEL: 'trace' };

function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    ...TALKATIVE,
    ARCTUN_ENDPOINT: recorder.url,
    ARCTUN_AUTH_KEY_ID: 'keyId-searched',
    ARCTUN_AUTH_KEY: AUTH_KEY,
    STATE_DIRECTORY: join(folder, 'state'),
    SORACOM_PROFILE_DIR: join(folder, 'profiles'),
    ...extra,
  };
}

function note(parameters: readonly string[], { stdout, stderr }: Finished): void {
  const name = parameters.join(' ');
  printed.set(name, `${printed.get(name) ?? ''}${stdout}${stderr}`);
  try {
    const text = readFileSync(join(folder, 'arc.json'), 'utf8');
    privateKeys.add((JSON.parse(text) as { privateKey: string }).privateKey);
  } catch {
    // It does not exist yet, or it is one of the broken ones.
  }
}

async function run(
  parameters: readonly string[],
  code: number | undefined,
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const finished = await processes.run([process.execPath, ARCTUN, ...parameters], {
    cwd: folder,
    env: environment(env),
  });
  note(parameters, finished);
  if (code !== undefined) expect(finished).toMatchObject({ code });
  return finished;
}

function profile(name: string, content: object): void {
  mkdirSync(join(folder, 'profiles'), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'profiles', `${name}.json`), JSON.stringify(content), { mode: 0o600 });
}

const WITHOUT_KEYS = { ARCTUN_AUTH_KEY_ID: '', ARCTUN_AUTH_KEY: '' };

/** In sequence: each needs the result of the previous one. */
async function runEverything(): Promise<void> {
  await run(['version'], 0);
  await run(['bootstrap', 'authkey', '--name', 'searched', '--tag', 'a=b'], 0);
  await run(['bootstrap', 'authkey', '--json', '--save-profile'], 0);
  await run(['bootstrap', 'authkey', '--config', 'own.json', '--own-key'], 0);
  await run(['config'], 0);
  await run(['config', 'validate'], 0);
  await run(['config', 'init'], 0);
  await run(['wg-config', '--png', 'wg.png'], 0);
  for (const via of VIAS) {
    await run(['send', 'hello', '--via', via], 0);
    await run(['send', 'hello', '--via', via, '--json'], 0);
  }
  await upAndDown();
  await run(['sim', 'list'], 0);
  await run(['sim', 'list', '--json'], 0);
  await run(['sim', 'show', '--events'], 0);
  await run(['sim', 'show', '--json'], 0);
  await run(['sim', 'renew-key'], 0);
  await run(['sim', 'renew-key', '--json'], 0);
  await secretsAsParameters();
  await importConfig();
  await krypton();
  await profiles();
  await failures();
  await run(['sim', 'terminate', '--yes', '--json'], 0);
}

async function upAndDown(): Promise<void> {
  const parameters = ['up', '--forward-listen', '127.0.0.1:0', '--json'];
  const up = processes.start([process.execPath, ARCTUN, ...parameters], {
    cwd: folder,
    env: environment(),
  });
  const [, url = ''] = await up.output(/"forward":"([^"]+)"/);
  await fetch(url, { method: 'POST', body: 'hello' });
  up.kill();
  note(parameters, await up.finished);
}

/** Parameters that oclif would print for DEBUG=*. */
async function secretsAsParameters(): Promise<void> {
  const authKey = ['--auth-key-id', 'keyId-searched', '--auth-key', AUTH_KEY];
  await run(['bootstrap', 'authkey', ...authKey], 0, WITHOUT_KEYS);
  await run(['config', '--config', readFileSync(join(folder, 'arc.json'), 'utf8')], 0);
}

async function importConfig(): Promise<void> {
  const { stdout } = await processes.run([process.execPath, ARCTUN, 'wg-config'], {
    cwd: folder,
    env: environment(),
  });
  writeFileSync(join(folder, 'wg.conf'), stdout);
  await run(['config', 'import', 'wg.conf', '--config', 'imported.json'], 0);
  writeFileSync(join(folder, 'broken.conf'), stdout.replace('PublicKey', 'PublicQey'));
  await run(['config', 'import', 'broken.conf', '--config', 'broken-import.json', '--json'], 3);
}

async function krypton(): Promise<void> {
  const metadata = ['--metadata-endpoint', emulator.metadata];
  const cellular = ['bootstrap', 'cellular', '--config', 'cellular.json', ...metadata];
  await run([...cellular, '--endpoint', recorder.url], 0);
  await run([...cellular, '--endpoint', `${recorder.url}/nowhere`], 4);
  const fake = join(folder, 'krypton-cli');
  const answer = readFileSync(join(folder, 'cellular.json'), 'utf8');
  const { privateKey } = JSON.parse(answer) as { privateKey: string };
  privateKeys.add(privateKey);
  // It prints an incomplete session, which contains a key.
  const partial = JSON.stringify({ arcClientPeerPrivateKey: privateKey, arcServerEndpoint: 'x' });
  writeFileSync(fake, `#!/bin/sh\necho '${partial}'\n`, { mode: 0o755 });
  await run(['bootstrap', 'sim', '--krypton-cli-path', fake, '--config', 'sim.json'], undefined);
  writeFileSync(fake, `#!/bin/sh\necho 'key ${privateKey}'; exit 3\n`, { mode: 0o755 });
  await run(['bootstrap', 'sim', '--krypton-cli-path', fake, '--config', 'sim.json'], undefined);
}

async function profiles(): Promise<void> {
  profile('email', { email: 'user@example.com', password: PASSWORD });
  profile('factor', {
    operatorId: 'OP0000000000',
    username: 'second-factor',
    password: PASSWORD,
    mfaOTPCode: CODE,
    headers: { 'X-Company': 'planted-header-value' },
  });
  profile('wrong', { email: 'user@example.com', password: `${PASSWORD}?` });
  const printing = JSON.stringify({ email: 'user@example.com', password: PASSWORD });
  profile('command', { profileCommand: `echo '${printing}'` });
  profile('broken-command', { profileCommand: `echo 'not JSON: ${PASSWORD}'` });
  await run(['sim', 'list', '--profile', 'email'], 0, WITHOUT_KEYS);
  await run(['sim', 'list', '--profile', 'factor'], 0, WITHOUT_KEYS);
  await run(['sim', 'list', '--profile', 'wrong'], 4, WITHOUT_KEYS);
  await run(['sim', 'list', '--profile', 'command'], 0, WITHOUT_KEYS);
  await run(['sim', 'list', '--profile', 'broken-command'], undefined, WITHOUT_KEYS);
}

async function failures(): Promise<void> {
  const fresh = ['bootstrap', 'authkey', '--config', 'fresh.json'];
  await run(fresh, 2, { ARCTUN_AUTH_KEY_ID: AUTH_KEY });
  await run(fresh, 4, { ARCTUN_AUTH_KEY: `${AUTH_KEY}x` });
  for (const fault of [
    { garbage: true, carryOut: true },
    { cut: 'within' as const },
    { status: 500, carryOut: true },
  ]) {
    await emulator.fault({ operation: 'createSim', ...fault });
    await run(fresh, undefined);
    rmSync(join(folder, '.fresh.json.bootstrap'), { force: true });
  }
  const text = readFileSync(join(folder, 'arc.json'), 'utf8');
  const broken = {
    'unquoted.json': text.replace('"privateKey": "', '"privateKey": '),
    'number.json': text.replace('"mtu": 1420', '"mtu": "1420"'),
    'wrong-key.json': text.replace('"privateKey": "', '"privateKey": " '),
    'misplaced.json': text.replace('"privateKey"', '"postUp"'),
  };
  for (const [name, content] of Object.entries(broken)) {
    writeFileSync(join(folder, name), content);
    for (const command of READERS) {
      await run([...command, '--config', name], 3);
    }
  }
  await run(['config'], undefined, { ARCTUN_CONFIG: text });
  await run(['config'], undefined, { ARCTUN_CONFIG: Buffer.from(text).toString('base64') });
  await run(['config'], undefined, { ARCTUN_CONFIG: text.slice(0, -20) });
}

/** All secrets that SORACOM has issued, and those that the run started with. */
function secretsOf(traffic: string): Secrets {
  const handedOut = [
    ...traffic.matchAll(/"(apiKey|token|arcClientPeerPrivateKey)" *: *"([^"]+)"/g),
  ].map(([, name, value], index) => [`${name!} ${index}`, value!]);
  return {
    'auth key': AUTH_KEY,
    password: PASSWORD,
    'one-time password': `"${CODE}"`,
    'profile header': 'planted-header-value',
    ...(Object.fromEntries(handedOut) as Secrets),
    ...Object.fromEntries([...privateKeys].map((key, index) => [`private key ${index}`, key])),
  };
}

it('prints no secret', async () => {
  await runEverything();
  const secrets = secretsOf(recorder.traffic());
  // Tokens and keys of many runs, so that the search is not empty.
  expect(Object.keys(secrets).length).toBeGreaterThan(30);
  expect(privateKeys.size).toBeGreaterThan(3);
  const found = [...printed].flatMap(([command, text]) =>
    findSecrets(text, secrets).map(({ secret, form }) => `${command}: ${secret}, ${form}`),
  );
  expect(found).toEqual([]);
  expect(printed.size).toBeGreaterThan(atLength({ short: 30, long: 40 }));
  // The dumped data is suitable for the search, and planted secrets are found.
  expect(printed.get('sim list')).toContain('--- Request dump ---');
  const planted = `${printed.get('sim list')!} ${[...privateKeys][0]!}`;
  expect(findSecrets(planted, secrets)).not.toEqual([]);
}, 300_000);

it('sends no locally generated private key', () => {
  const kept = JSON.parse(readFileSync(join(folder, 'own.json'), 'utf8')) as { privateKey: string };
  const { privateKey } = kept;
  expect(findSecrets(recorder.traffic(), { privateKey })).toEqual([]);
});
