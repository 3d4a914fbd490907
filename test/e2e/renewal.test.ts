/** `up` whose session the platform changes while it runs, as a service has it: without a terminal. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, Processes, type TestProcess } from '../support/processes.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let simId: string;
let up: TestProcess;
/** The forwarder's URL. */
let url: string;

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
afterAll(() => processes.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-renewal-'));
  const bootstrap = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
  const { code } = await processes.run(bootstrap, { cwd: folder, env: emulator.env });
  expect(code).toBe(0);
  simId = String(arcJson().simId);
}, 60_000);
afterEach(async () => {
  up.kill('SIGTERM');
  expect((await up.finished).code).toBe(0);
  rmSync(folder, { recursive: true });
}, 60_000);

function arcJson(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as Record<string, unknown>;
}

async function start(env: NodeJS.ProcessEnv, ...parameters: string[]): Promise<void> {
  const listen = ['--json', '--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
  const command = [process.execPath, ARCTUN, 'up', '--log-level', 'info', ...listen, ...parameters];
  up = processes.start(command, { cwd: folder, env });
  url = (await up.output(/"forward":"([^"]+)"/))[1]!;
  expect(await post()).toBe(201);
}

async function post(): Promise<number> {
  return (await fetch(url, { method: 'POST', body: 'x' })).status;
}

/** Posts to the forwarder that was there from the start until it answers. */
async function postUntilAnswered(): Promise<void> {
  while ((await post()) !== 201) await setTimeout(200);
}

describe('a tunnel goes on by itself', () => {
  it.each([
    ['a session that was deleted', () => emulator.call('POST', `/sims/${simId}/delete_session`)],
    ['another address', () => emulator.changeArc({ simId, address: '10.9.8.7' })],
    ['another key of the server', () => emulator.changeArc({ serverKey: 'new' })],
  ])(
    'with %s',
    async (_, change) => {
      await start(emulator.env);
      await change();
      await postUntilAnswered();
      const { body } = await emulator.call('GET', `/sims/${simId}`);
      const { arcSessionStatus } = body as { arcSessionStatus: object };
      expect(arcSessionStatus).toMatchObject(arcJson().arcSessionStatus as object);
      expect((await emulator.messages()).at(-1)).toMatchObject({ simId });
    },
    120_000,
  );
});

it('says what it would need where nobody can sign in', async () => {
  await start({});
  await emulator.call('POST', `/sims/${simId}/delete_session`);
  await post();
  await up.output(/Give --auth-key-id, or set ARCTUN_AUTH_KEY_ID\..*bootstrap again/, 'stderr');
  expect(arcJson().simId).toBe(simId);
}, 120_000);

it('reads arc.json again on SIGHUP', async () => {
  await start({}, '--no-renew');
  await emulator.changeArc({ simId, address: '10.9.8.6' });
  const { arcSessionStatus, ...rest } = arcJson();
  const session = { ...(arcSessionStatus as object), arcClientPeerIpAddress: '10.9.8.6' };
  writeFileSync(join(folder, 'arc.json'), '{');
  up.kill('SIGHUP');
  await up.output(/the tunnel stays as it is: cannot use arc\.json/, 'stderr');
  writeFileSync(join(folder, 'arc.json'), JSON.stringify({ ...rest, arcSessionStatus: session }));
  up.kill('SIGHUP');
  await up.output(/arc\.json was read again, and taken over: address/, 'stderr');
  await postUntilAnswered();
}, 120_000);
