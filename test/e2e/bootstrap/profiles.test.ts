/** `bootstrap authkey` with each kind of soracom-cli profile, in a separate home folder. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PRIVATE_KEY, PUBLIC_KEY } from '../../arc-config/sample.js';
import { json, RecordingServer, status } from '../../soracom/recording-server.js';
import { ARCTUN, type Finished, Processes } from '../../support/processes.js';
import { itInRelease } from '../../support/runner/tier.js';

const KEY = { authKeyId: 'keyId-profile', authKey: 'secret-profile' };
const SAM = { operatorId: 'OP0012345678', password: 'pass-1' };
const TOKEN = { apiKey: 'api-1', token: 'token-1' };

const processes = new Processes();
let home: string;
let server: RecordingServer;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'arctun-profiles-'));
  mkdirSync(join(home, '.soracom'), { mode: 0o700 });
  // Only the sign-in matters here: no SIM is created.
  server = await RecordingServer.start({
    'POST /v1/auth': json(TOKEN),
    'POST /v1/auth/switch_user': json({ ...TOKEN, apiKey: 'api-2', token: 'token-2' }),
    'POST /v1/sims': status(403, '{"code":"AUM0000","message":"not allowed"}'),
    'POST /v1/auth/logout': status(204),
  });
});
afterEach(async () => {
  await server.close();
  rmSync(home, { recursive: true });
});
afterAll(() => processes.close());

function writeProfile(name: string, value: unknown, mode = 0o600): string {
  const path = join(home, '.soracom', `${name}.json`);
  writeFileSync(path, JSON.stringify(value));
  chmodSync(path, mode);
  return path;
}

/** A program that prints a profile, and the command that runs it. */
function printing(value: unknown): string {
  const path = join(home, 'print profile.js');
  writeFileSync(path, `process.stdout.write(${JSON.stringify(JSON.stringify(value))})`);
  return `'${process.execPath}' "${path}"`;
}

function bootstrap(
  flags: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Finished> {
  const { env, ...rest } = options;
  return processes.run([process.execPath, ARCTUN, 'bootstrap', 'authkey', ...flags], {
    cwd: home,
    env: { HOME: home, USERPROFILE: home, ...env },
    ...rest,
  });
}

/** The body of each sign-in, without the token timeout. */
function signIns(): unknown[] {
  return server.requests
    .filter(({ url }) => url === '/v1/auth' || url === '/v1/auth/switch_user')
    .map(({ body }) => {
      const sent = JSON.parse(body) as Record<string, unknown>;
      delete sent.tokenTimeoutSeconds;
      return sent;
    });
}

describe('the right credentials are chosen', () => {
  it.each<[string, () => object, unknown[]]>([
    [
      'a command',
      () => ({ profileCommand: printing({ ...SAM, userName: 'u' }), ...KEY }),
      [{ ...SAM, userName: 'u' }],
    ],
    [
      'another user by a source profile',
      () => {
        writeProfile('base', KEY);
        return { sourceProfile: 'base', operatorId: 'OP0087654321', username: 'other' };
      },
      [KEY, { operatorId: 'OP0087654321', userName: 'other' }],
    ],
  ])(
    'of %s',
    async (_kind, profile, expected) => {
      writeProfile('p', { ...profile(), endpoint: server.url, headers: { 'X-Trace': 'arctun' } });
      const { code, stderr } = await bootstrap(['--profile', 'p']);
      expect({ code, stderr }).toMatchObject({ code: 4 });
      expect(signIns()).toEqual(expected);
      expect(server.calls).toContain('POST /v1/sims');
      for (const { headers } of server.requests) expect(headers['x-trace']).toBe('arctun');
      expect(stderr).not.toMatch(/secret-profile|pass-1/);
    },
    60_000,
  );

  it('of a profile that the environment selects, in its folder', async () => {
    const folder = join(home, 'profiles');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'team-1.json'), JSON.stringify(KEY), { mode: 0o600 });
    const env = { SORACOM_PROFILE: 'team_1', SORACOM_PROFILE_DIR: folder };
    await bootstrap([], { env: { ...env, SORACOM_ENDPOINT: server.url } });
    expect(signIns()).toEqual([KEY]);
  }, 60_000);

  itInRelease(
    'of a file and of standard input',
    async () => {
      writeFileSync(join(home, 'key'), 'secret-file\nkeyId-file\n', { mode: 0o600 });
      const flags = ['--endpoint', server.url, '--auth-key-file'];
      await bootstrap([...flags, 'key']);
      await bootstrap([...flags, '-', '--auth-key-id', 'keyId-flag'], { input: 'secret-stdin\n' });
      expect(signIns()).toEqual([
        { authKeyId: 'keyId-file', authKey: 'secret-file' },
        { authKeyId: 'keyId-flag', authKey: 'secret-stdin' },
      ]);
    },
    60_000,
  );
});

it('--save-profile writes the auth key into a new arc.json, an old one, and what is printed', async () => {
  const keys = { arcClientPeerPrivateKey: PRIVATE_KEY, arcClientPeerPublicKey: PUBLIC_KEY };
  const arcSessionStatus = {
    arcServerPeerPublicKey: PUBLIC_KEY,
    arcServerEndpoint: '192.0.2.1:11010',
    arcAllowedIPs: ['100.127.0.0/16'],
    arcClientPeerIpAddress: '10.0.0.1',
  };
  const sim = { simId: '1', type: 'virtual', profiles: { 1: keys }, arcSessionStatus };
  server.answers.set('POST /v1/sims', json(sim, 201));
  server.answers.set('POST /v1/sims/1/sessions/arc', json(arcSessionStatus));
  writeProfile('p', KEY);
  const flags = ['--profile', 'p', '--endpoint', server.url];
  const saved = { profile: { ...KEY, endpoint: server.url } };
  const arcJson = () => JSON.parse(readFileSync(join(home, 'arc.json'), 'utf8')) as object;

  await bootstrap(flags);
  expect(arcJson()).not.toHaveProperty('profile');
  const dumped = await bootstrap([...flags, '--save-profile', '--dump-config']);
  expect(JSON.parse(dumped.stdout)).toMatchObject(saved);
  await bootstrap([...flags, '--save-profile']);
  expect(arcJson()).toMatchObject(saved);
  rmSync(join(home, 'arc.json'));
  await bootstrap([...flags, '--save-profile']);
  expect(arcJson()).toMatchObject(saved);
}, 60_000);

describe('a refusal explains the fix, and nothing is sent:', () => {
  async function refused(flags: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const finished = await bootstrap(flags, { env: { SORACOM_ENDPOINT: server.url, ...env } });
    expect(server.calls).toEqual([]);
    expect(finished.stdout).toBe('');
    expect(finished.stderr).not.toContain('secret-profile');
    return finished;
  }

  itInRelease(
    'a profile that others may read',
    async () => {
      const path = writeProfile('p', KEY, 0o640);
      const { code, stderr } = await refused(['--profile', 'p']);
      expect(code).toBe(6);
      expect(stderr).toContain('the file mode is 0640');
      expect(stderr).toContain(`chmod 600 ${path}`);
    },
    60_000,
  );

  itInRelease(
    'a profile whose command fails',
    async () => {
      writeProfile('p', { profileCommand: `'${process.execPath}' /no/file` });
      const { code, stderr } = await refused(['--profile', 'p']);
      expect({ code, stderr }).toMatchObject({ code: 1 });
      expect(stderr).toContain('exited with status');
    },
    60_000,
  );

  itInRelease(
    'the default profile, which was not selected and is suggested',
    async () => {
      writeProfile('default', KEY);
      const { code, stderr } = await refused([]);
      expect(code).toBe(2);
      expect(stderr).toContain('--profile default');
    },
    60_000,
  );
});
