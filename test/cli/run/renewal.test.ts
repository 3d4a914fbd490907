import { renewalPorts, type RenewalFlags } from '../../../src/cli/run/renewal.js';
import { createContext, type Context } from '../../../src/cli/context.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { failureOf } from '../../app/failure-of.js';

const FLAGS: RenewalFlags = { 'no-renew': false, 'read-stdin': false };

/** The user is at a terminal, and must not be asked. */
function context(env: Record<string, string> = {}, input = ''): Context & { reads: number } {
  const read = {
    reads: 0,
    readText: () => Promise.reject(new Error('no file is read')),
    readStandardInput: () => Promise.resolve(`${input}${read.reads++ === 0 ? '' : ' again'}`),
  };
  return {
    ...createContext('0'),
    env,
    isInteractive: () => true,
    privateFiles: () => Promise.resolve(read),
    stopSignal: () => Promise.resolve(new AbortController().signal),
    get reads() {
      return read.reads;
    },
  };
}

it('is off with --no-renew', async () => {
  expect(await renewalPorts(context(), { ...FLAGS, 'no-renew': true })).toBeUndefined();
});

it('reports what is missing, without asking', async () => {
  const ports = await renewalPorts(context(), FLAGS);
  const error = await failureOf(ports!.credentials(undefined));
  expect(error).toMatchObject({ name: 'MissingCredentialsError', kind: 'usage' });
});

it('uses the credentials of the environment and of arc.json', async () => {
  const env = { ARCTUN_AUTH_KEY_ID: 'keyId-1', ARCTUN_AUTH_KEY: 'secret-1' };
  const ports = await renewalPorts(context({ ...env, ARCTUN_COVERAGE_TYPE: 'jp' }), FLAGS);
  expect(await ports!.credentials(undefined)).toMatchObject({
    endpoint: 'https://api.soracom.io',
    signIn: { authKeyId: 'keyId-1' },
  });
  const own = await renewalPorts(context(), FLAGS);
  const profile = {
    authKeyId: 'keyId-2',
    authKey: new Secret('secret-2'),
    endpoint: '',
    unknownKeys: [],
  };
  expect(await own!.credentials(profile)).toMatchObject({ signIn: { authKeyId: 'keyId-2' } });
});

it('reads standard input once, however often it signs in', async () => {
  const from = context({}, 'keyId-1 secret-1');
  const flags = { ...FLAGS, 'auth-key-file': '-', 'coverage-type': 'jp' };
  const ports = await renewalPorts(from, flags);
  await ports!.credentials(undefined);
  expect(await ports!.credentials(undefined)).toMatchObject({ signIn: { authKeyId: 'keyId-1' } });
  expect(from.reads).toBe(1);
});

it('refuses to read two things from standard input', async () => {
  const flags = { ...FLAGS, 'read-stdin': true, 'auth-key-file': '-' };
  const error = await failureOf(renewalPorts(context(), flags));
  expect(error).toMatchObject({
    kind: 'usage',
    what: 'cannot use --read-stdin with --auth-key-file -',
  });
});

it.each([
  [{ profile: 'a', 'auth-key': 'secret-1' }],
  [{ 'coverage-type': 'x' }],
  [{ endpoint: 'nowhere' }],
])('refuses %j before anything is opened', async (flags) => {
  const error = await failureOf(renewalPorts(context(), { ...FLAGS, ...flags }));
  expect(error.kind).toBe('usage');
});
