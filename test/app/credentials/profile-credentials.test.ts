import { inspect } from 'node:util';
import { profileCredentials } from '../../../src/app/credentials/profile-credentials.js';
import { PrivateFileError } from '../../../src/ports/private-files.js';
import { exposed, refusal } from './exposed.js';
import { MemoryPorts } from './memory-ports.js';

const KEY = { authKeyId: 'keyId-1', authKey: 'secret-1' };
const KEY_SIGN_IN = { kind: 'auth-key', ...KEY };
const HOME = '/home/me/.soracom';

let ports: MemoryPorts;
beforeEach(() => {
  ports = new MemoryPorts();
});

async function use(name = 'p', signal?: AbortSignal) {
  const { signIn, ...rest } = await profileCredentials(name, ports, signal);
  return { ...rest, signIn: exposed(signIn) };
}

describe('the file', () => {
  it.each([
    ['p', ['p']],
    ['My-1', ['My-1']],
    ['my_team.prod', ['my-team-prod', 'my_team.prod']],
    [' a b ', ['a-b', 'a b']],
    ['a+b=c:d&e', ['a-b-c-d-e', 'a+b=c:d&e']],
    ['../other/p', ['-other-p']],
    ['/etc/passwd', ['-etc-passwd']],
    ['..', ['-']],
    ['été', ['été']],
    ['a!', ['a!']],
  ])('of %j is searched only in the folder', async (name, files) => {
    const error = await refusal(use(name));
    const paths = files.map((file) => `${HOME}/${file}.json`);
    expect(ports.log).toEqual(paths.map((path) => `read ${path}`));
    expect(error).toMatchObject({
      kind: 'configuration',
      what: `cannot use profile ${JSON.stringify(name)}`,
      why: `not found: ${paths.join(', ')}`,
    });
    ports.files.set(paths.at(-1)!, JSON.stringify(KEY));
    expect((await use(name)).signIn).toEqual(KEY_SIGN_IN);
  });

  it('must be private', async () => {
    ports.files.set(`${HOME}/p.json`, new PrivateFileError('too-open', 'its mode is 0644'));
    expect(await refusal(use())).toMatchObject({
      kind: 'permission',
      what: 'cannot use a soracom-cli profile',
      why: `${HOME}/p.json: its mode is 0644`,
      next: [`Run: chmod 600 ${HOME}/p.json`],
    });
  });

  it('is not shown if it is not a profile', async () => {
    ports.files.set(`${HOME}/p.json`, '{"authKey": "secret-1');
    const error = await refusal(use());
    expect(error).toMatchObject({
      kind: 'configuration',
      what: `cannot use the profile ${HOME}/p.json`,
      why: 'the profile must be JSON',
    });
    expect(inspect(error, { depth: 9 })).not.toContain('secret-1');
  });
});

it('uses all settings of the account in a profile', async () => {
  ports.profile('p', { ...KEY, sandbox: true, coverageType: 'G', headers: { 'X-A': '1' } });
  expect(await use()).toEqual({
    signIn: KEY_SIGN_IN,
    headers: { 'X-A': '1' },
    connection: { endpoint: undefined, coverage: 'g', sandbox: true },
  });
});

describe('a profileCommand', () => {
  it('has the highest priority in the file', async () => {
    ports.profile('p', { ...KEY, profileCommand: 'op get', sourceProfile: 'other' });
    ports.printing('op', { operatorId: 'OP1', userName: 'u', password: 'w', mfaOTPCode: '012345' });
    expect((await use()).signIn).toEqual({
      kind: 'sam-user',
      operatorId: 'OP1',
      userName: 'u',
      password: 'w',
      mfaOtpCode: '012345',
    });
    expect(ports.log).toEqual([`read ${HOME}/p.json`, 'run op get']);
  });

  it('provides the account settings that the file lacks', async () => {
    ports.printing('op', {
      ...KEY,
      sandbox: true,
      coverageType: 'g',
      endpoint: 'https://printed.example',
      headers: { 'X-A': 'printed', 'X-B': 'printed' },
    });
    ports.profile('p', { profileCommand: 'op' });
    expect((await use()).connection).toEqual({
      endpoint: 'https://printed.example',
      coverage: 'g',
      sandbox: true,
    });
    ports.profile('p', {
      profileCommand: 'op',
      coverageType: 'jp',
      endpoint: 'https://file.example',
      headers: { 'X-A': 'file' },
    });
    expect(await use()).toMatchObject({
      headers: { 'X-A': 'file', 'X-B': 'printed' },
      connection: { endpoint: 'https://file.example', coverage: 'jp' },
    });
  });
});

describe('a sourceProfile', () => {
  const SWITCH = { sourceProfile: 'base', operatorId: 'OP2', username: 'other' };

  it('signs in and then switches to another user', async () => {
    ports.profile('base', { ...KEY, coverageType: 'g', headers: { 'X-A': '1' }, mfaOTPCode: '1' });
    ports.profile('p', { ...SWITCH, tokenTimeoutSeconds: 600, headers: { 'X-B': '2' } });
    expect(await use()).toEqual({
      signIn: {
        ...KEY_SIGN_IN,
        mfaOtpCode: '1',
        switchUser: { operatorId: 'OP2', userName: 'other', tokenTimeoutSeconds: 600 },
      },
      headers: { 'X-B': '2' },
      connection: { endpoint: undefined, coverage: 'jp', sandbox: false },
    });
  });

  it.each([
    ['directly', { ...SWITCH, sourceProfile: 'p' }, 'the profile'],
    ['from a command', { profileCommand: 'op' }, 'the output of profileCommand in the profile'],
  ])('cannot have one itself, %s', async (_how, base, place) => {
    ports.profile('p', SWITCH).profile('base', base).printing('op', SWITCH);
    expect(await refusal(use())).toMatchObject({
      what: `cannot use ${place} ${HOME}/base.json`,
      why: 'a sourceProfile cannot have its own sourceProfile',
    });
  });

  it('requires the target user before anything else is read', async () => {
    ports.profile('p', { sourceProfile: 'base', operatorId: 'OP2' });
    expect(await refusal(use())).toMatchObject({
      kind: 'configuration',
      why: 'a profile with a sourceProfile must have the operatorId and username to switch to',
    });
    expect(ports.log).toEqual([`read ${HOME}/p.json`]);
  });
});
