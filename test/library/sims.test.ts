import { readFileSync } from 'node:fs';

import { bootstrap, createArcSession, getSim, listSims, terminateSim } from '../../src/index.js';
import { REPOSITORY } from '../support/processes.js';
import { EmulatedAccount, failureOf } from './emulated-account.js';

let account: EmulatedAccount;
let simId: string;
let path: string;
afterAll(() => account.close());
beforeAll(async () => {
  account = await EmulatedAccount.start();
  path = account.path('arc.json');
  ({ simId } = await bootstrap({ ...account.signIn, path, name: 'first' }));
});

it('lists the virtual SIMs, newest first', async () => {
  const second = await bootstrap({ ...account.signIn, path: account.path('second.json') });
  const { sims, notes } = await listSims(account.signIn);
  expect(sims).toMatchObject([{ simId: second.simId }, { simId, name: 'first' }]);
  expect(notes).toEqual([]);
  const since = new Date(Date.now() + 60_000);
  expect(await listSims({ ...account.signIn, since })).toEqual({ sims: [], notes: [] });
});

it('returns what SORACOM reports about a SIM, with its public key only', async () => {
  const sim = await getSim(simId, account.signIn);
  const { publicKey, privateKey } = account.readJson('arc.json');
  expect(sim).toMatchObject({ simId, name: 'first', arcClientPeerPublicKey: publicKey });
  expect(sim.online).toBe(true);
  expect(JSON.stringify(sim)).not.toContain(privateKey);
});

it('creates a session, in the format of arc.json', async () => {
  const session = await createArcSession(simId, account.signIn);
  const { body } = await account.emulator.call('GET', `/sims/${simId}`);
  expect(body).toMatchObject({ arcSessionStatus: session });
  expect(Object.keys(session)).toEqual(
    Object.keys(account.readJson('arc.json').arcSessionStatus as object),
  );
});

it('terminates only the given SIM, and says if it was terminated before', async () => {
  expect(await terminateSim(simId, account.signIn)).toEqual({
    ...{ simId, name: 'first', alreadyTerminated: false, notes: [] },
  });
  expect(await terminateSim(simId, account.signIn)).toMatchObject({ alreadyTerminated: true });
  const ended = (await account.emulator.sims()).filter(({ status }) => status === 'terminated');
  expect(ended).toMatchObject([{ simId }]);
});

it.each([
  ['terminateSim', terminateSim],
  ['getSim', getSim],
  ['createArcSession', createArcSession],
] as const)('%s needs a SIM ID', async (name, call) => {
  const before = (await account.emulator.calls()).length;
  expect(await failureOf(call(undefined as never, account.signIn))).toMatchObject({
    kind: 'usage',
    message: `cannot use the parameters of ${name}(): the SIM ID must be a string`,
  });
  expect(await failureOf(call('../groups', account.signIn))).toMatchObject({
    message: 'cannot select a SIM: "../groups" is not a SIM ID',
  });
  expect(await failureOf(call(simId, { simID: 1 } as never))).toMatchObject({
    message: `cannot use the options of ${name}(): simID does not exist`,
  });
  expect((await account.emulator.calls()).length).toBe(before);
});

it('names the version of the package and the library in its requests', async () => {
  await listSims(account.signIn);
  const { version } = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as {
    readonly version: string;
  };
  const [last] = (await account.emulator.requests()).slice(-1);
  expect(last?.headers['user-agent']).toBe(
    `arctun/${version} (library; ${process.platform} ${process.arch} ${process.version})`,
  );
});

it('stops when its signal aborts', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  expect(await failureOf(listSims({ ...account.signIn, signal }))).toMatchObject({
    message: 'enough',
  });
});
