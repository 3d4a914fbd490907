import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';

import {
  bootstrap,
  type ArcJson,
  type BootstrapOptions,
  type BootstrapRescueError,
} from '../../src/index.js';
import { EmulatedAccount, failureOf } from './emulated-account.js';

let account: EmulatedAccount;
afterAll(() => account.close());
beforeAll(async () => {
  account = await EmulatedAccount.start();
});
afterEach(() => account.emulator.clearFaults());

it('creates a SIM with labels and writes its arc.json', async () => {
  const path = account.path('labels.json');
  const labels = { name: 'sensor-1', tags: { site: 'osaka' } };
  const result = await bootstrap({ ...account.signIn, path, ...labels });
  expect(result).toMatchObject({ path, created: true, notes: [] });
  const [sim] = await account.emulator.sims();
  expect(sim).toMatchObject({ simId: result.simId, tags: { name: 'sensor-1', site: 'osaka' } });
  expect(account.readJson('labels.json')).toMatchObject({ simId: result.simId });
  expect(account.readJson('labels.json')).not.toHaveProperty('profile');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('renews the session of an existing arc.json instead of creating a second SIM', async () => {
  const path = account.path('twice.json');
  const { simId } = await bootstrap({ ...account.signIn, path });
  const before = await account.creations();
  expect(await bootstrap({ ...account.signIn, path })).toMatchObject({ simId, created: false });
  expect(await account.creations()).toBe(before);
});

it('finds the SIM of an interrupted call instead of creating a second one', async () => {
  const path = account.path('cut.json');
  const before = await account.creations();
  await account.emulator.fault({ operation: 'createSim', cut: 'after', carryOut: true });
  expect(await failureOf(bootstrap({ ...account.signIn, path }))).toMatchObject({ kind: 'api' });
  const found = await failureOf(bootstrap({ ...account.signIn, path }));
  expect(await account.creations()).toBe(before + 1);
  expect((found as Error).message).toContain('an earlier run requested a SIM');
});

it('passes the configuration to save instead of writing a file', async () => {
  const saved: ArcJson[] = [];
  const save = (arcJson: ArcJson) => void saved.push(arcJson);
  const { simId, path, created } = await bootstrap({ ...account.signIn, save });
  expect({ path, created }).toEqual({ path: undefined, created: true });
  expect(saved).toMatchObject([
    { simId, arcSessionStatus: { arcServerEndpoint: expect.any(String) as string } },
  ]);
  expect(saved[0]?.privateKey).toHaveLength(44);
  expect(account.kept).toEqual([]);
});

it('keeps the configuration in the state folder if save fails', async () => {
  const save = () => Promise.reject(new Error('the database is down'));
  const failure = await failureOf(bootstrap({ ...account.signIn, save }));
  expect(failure).toMatchObject({
    name: 'UserError',
    what: expect.stringMatching(
      /^SIM \d+ was created, but the option save failed \(the database is down\)$/,
    ) as string,
  });
  const [name = ''] = account.kept;
  expect((failure as Error).message).toContain(account.path(`arctun/${name}`));
  expect(account.readJson(`arctun/${name}`)).toMatchObject({
    privateKey: expect.stringMatching(/^.{43}=$/) as string,
  });
});

it('has the configuration in the error if it cannot be saved anywhere', async () => {
  const { XDG_STATE_HOME: before } = process.env;
  // No folder can be created there.
  process.env.XDG_STATE_HOME = '/proc/self/task';
  const save = () => Promise.reject(new Error('the database is down'));
  const failure = await failureOf(bootstrap({ ...account.signIn, save }));
  process.env.XDG_STATE_HOME = before;
  expect(failure).toMatchObject({
    name: 'BootstrapRescueError',
    next: [
      expect.stringMatching(/^Save the text that arcJson.expose\(\) of this error returns: /),
      expect.anything(),
    ],
  });
  const text = (failure as BootstrapRescueError).arcJson?.expose() ?? '';
  const { privateKey } = JSON.parse(text) as ArcJson;
  expect(privateKey).toMatch(/^.{43}=$/);
  expect(inspect(failure)).not.toContain(privateKey);
});

it('creates one more SIM for each call with save, even after a failure', async () => {
  const before = await account.creations();
  const ids: unknown[] = [];
  const save = ({ simId }: ArcJson): Promise<void> => {
    ids.push(simId);
    return ids.length === 1 ? Promise.reject(new Error('once')) : Promise.resolve();
  };
  await failureOf(bootstrap({ ...account.signIn, save }));
  await bootstrap({ ...account.signIn, save });
  expect(await account.creations()).toBe(before + 2);
  expect(new Set(ids).size).toBe(2);
});

it('gets the virtual SIM of a cellular line', async () => {
  const urls = { endpoint: account.emulator.api, metadataEndpoint: account.emulator.metadata };
  const path = account.path('cellular.json');
  const before = await account.creations();
  const result = await bootstrap({ method: 'cellular', path, ...urls });
  expect(result).toMatchObject({ path, created: true, notes: [] });
  const saved: ArcJson[] = [];
  const save = (arcJson: ArcJson) => void saved.push(arcJson);
  expect(await bootstrap({ method: 'cellular', save, ...urls })).toMatchObject({
    simId: result.simId,
    path: undefined,
  });
  expect(saved[0]?.privateKey).not.toBe(account.readJson('cellular.json').privateKey);
  expect(await account.creations()).toBe(before);
});

it('runs krypton-cli with the options of the command', async () => {
  const kryptonCli = account.path('krypton-cli');
  const session = JSON.stringify({
    arcClientPeerPrivateKey: Buffer.alloc(32, 7).toString('base64'),
    arcServerPeerPublicKey: Buffer.alloc(32, 9).toString('base64'),
    arcServerEndpoint: '192.0.2.1:11010',
    arcAllowedIPs: ['100.127.0.0/16'],
    arcClientPeerIpAddress: '10.0.0.2',
  });
  const script = `#!/bin/sh\necho "$*" > '${account.path('arguments')}'\necho '${session}'\n`;
  writeFileSync(kryptonCli, script, { mode: 0o755 });
  const path = account.path('sim.json');
  const options = { path: kryptonCli, interface: 'comm', portName: '/dev/ttyUSB1', baudRate: 9600 };
  const result = await bootstrap({ method: 'sim', path, kryptonCli: options });
  expect(result).toEqual({ simId: '', path, created: true, notes: [] });
  expect(readFileSync(account.path('arguments'), 'utf8')).toBe(
    '-operation bootstrapArc -signature-algorithm SHA-256 -interface comm -baud-rate 9600 -data-bits 8 -stop-bits 1 -parity-mode 0 -port-name /dev/ttyUSB1\n',
  );
  expect(account.readJson('sim.json')).toMatchObject({ mtu: 1420 });
});

const ignore = (): void => undefined;

it.each([
  ['no options', undefined, 'the value must be of type object'],
  ['an unknown option', { path: 'a', nmae: 'x' }, 'nmae does not exist'],
  [
    'wrong types',
    { path: 7, signal: 1, tags: { a: 1 } },
    /path must be of type string; signal must be an AbortSignal; .*tags\.a must be of type string/,
  ],
  [
    'an unknown credential',
    { path: 'a', credentials: { key: 1 } },
    'credentials.key does not exist',
  ],
  ['an unknown method', { path: 'a', method: 'x' }, 'method must be authkey, cellular or sim'],
  ['no target', {}, 'it is not clear where to save the private key'],
  ['two targets', { path: 'a', save: ignore }, 'path and save cannot be used together'],
  ['save with ownKey', { save: ignore, ownKey: true }, /^ownKey and adopt need path/],
])('refuses %s', async (_what, options, why) => {
  expect(await failureOf(bootstrap(options as unknown as BootstrapOptions))).toMatchObject({
    kind: 'usage',
    what: 'cannot use the options of bootstrap()',
    why: typeof why === 'string' ? why : (expect.stringMatching(why) as string),
  });
});

it('names options instead of flags in errors, also in the stack', async () => {
  const path = account.path('none.json');
  const failure = (await failureOf(bootstrap({ path, endpoint: account.emulator.api }))) as Error;
  expect(failure).toMatchObject({
    name: 'MissingCredentialsError',
    missing: ['auth-key-id', 'auth-key'],
    next: [
      'Pass the option credentials.authKeyId, or set ARCTUN_AUTH_KEY_ID.',
      'Pass the option credentials.authKey, or set ARCTUN_AUTH_KEY.',
    ],
  });
  const endpoint = await failureOf(bootstrap({ ...account.signIn, path, endpoint: 'ftp://x' }));
  expect((endpoint as Error).stack).not.toContain('--endpoint');
  expect(existsSync(path)).toBe(false);
});
