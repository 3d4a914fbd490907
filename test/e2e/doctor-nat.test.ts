/**
 * `doctor --nat` in a home network whose router forgets mappings, and without a router. The emulator
 * pings the SIM, as SORACOM does.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Doctor, type DoctorCheck } from '../support/doctor.js';
import {
  type EmulatedUser,
  type EmulatorProcess,
  startEmulatorProcess,
} from '../support/emulator-process.js';
import {
  API_ADDRESS,
  API_PORT,
  ARC_PORT,
  HOME_NETWORK,
  HomeNetwork,
  SERVER_ADDRESS,
} from '../support/foreign/home-network.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';

const FREE_PORTS = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];

const processes = new Processes();
let folder: string;

afterAll(() => processes.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-nat-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const local = (api: NodeJS.ProcessEnv) => ({
  ...api,
  ARCTUN_MODE: 'userspace',
  STATE_DIRECTORY: folder,
  RUNTIME_DIRECTORY: join(folder, 'run'),
});

function setKeepalive(persistentKeepalive: number): void {
  const path = join(folder, 'arc.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, persistentKeepalive }));
}

async function nat(doctor: Doctor, change = {}): Promise<[number | null, DoctorCheck]> {
  const { code, checks } = await doctor.examine([...FREE_PORTS, '--nat'], change);
  return [code, checks.find(({ name }) => name === 'nat')!];
}

describeWith(HOME_NETWORK, 'doctor --nat behind a router', () => {
  /** Seconds. */
  const LIFETIME = 9;
  const SERVER_ARC = `${SERVER_ADDRESS}:${ARC_PORT}`;
  let network: HomeNetwork;
  let emulator: TestProcess;

  beforeAll(async () => {
    network = new HomeNetwork(LIFETIME);
    const listen = ['--api-listen', `${SERVER_ADDRESS}:${API_PORT}`, '--arc-listen', SERVER_ARC];
    const command = [process.execPath, ARCTUN, 'emulator', ...listen, '--json'];
    emulator = processes.start([...network.beyond, ...command]);
    await emulator.output(/"api"/);
  }, 60_000);
  afterAll(async () => {
    emulator.kill('SIGKILL');
    await emulator.finished;
    network.close();
  });

  it('finds that the router forgets the mapping, and its remedy works', async () => {
    const env = local({
      ARCTUN_ENDPOINT: `http://${API_ADDRESS}`,
      ARCTUN_AUTH_KEY_ID: 'keyId-emulator',
      ARCTUN_AUTH_KEY: 'secret-emulator',
    });
    const place = { prefix: network.inHome, cwd: folder, env };
    const bootstrap = [...network.inHome, process.execPath, ARCTUN, 'bootstrap', 'authkey'];
    const { code, stderr } = await processes.run(bootstrap, place);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const doctor = new Doctor(processes, () => place);

    setKeepalive(10);
    expect(await nat(doctor)).toMatchObject([
      5,
      {
        outcome: 'failed',
        kind: 'tunnel',
        text: 'SORACOM cannot reach this SIM after 10 s of silence.',
        remedy:
          'Stop other tunnels with this SIM. If there are none, set "persistentKeepalive": 5 in arc.json, because a mapping was kept for 5 s.',
      },
    ]);

    setKeepalive(5);
    expect(await nat(doctor)).toMatchObject([
      0,
      { outcome: 'ok', text: 'SORACOM reached this SIM after 5 s of silence.' },
    ]);
  }, 180_000);
});

describe('doctor --nat without a router', () => {
  let emulator: EmulatorProcess;
  let doctor: Doctor;

  beforeAll(async () => {
    emulator = await startEmulatorProcess(processes);
  }, 60_000);
  beforeEach(async () => {
    doctor = new Doctor(processes, () => ({ cwd: folder, env: local(emulator.env) }));
    expect(await run('bootstrap', 'authkey')).toMatchObject({ code: 0 });
    setKeepalive(1);
  }, 60_000);

  function run(...parameters: string[]): Promise<Finished> {
    const env = local(emulator.env);
    return processes.run([process.execPath, ARCTUN, ...parameters], { cwd: folder, env });
  }

  /** The number of pings of this test's SIM. */
  async function pings(): Promise<number> {
    const { simId } = JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as {
      simId: string;
    };
    const isPing = (call: string) => call === `POST /v1/sims/${simId}/downlink/ping`;
    return (await emulator.calls()).filter(isPing).length;
  }

  async function skippedWith(text: RegExp, change = {}): Promise<void> {
    const [code, check] = await nat(doctor, change);
    expect(check).toMatchObject({
      outcome: 'skipped',
      text: expect.stringMatching(text) as string,
    });
    expect(code).toBe(0);
  }

  it('measures only with --nat', async () => {
    const { checks } = await doctor.examine(FREE_PORTS);
    expect(checks.map(({ name }) => name)).not.toContain('nat');
    expect(await pings()).toBe(0);
    expect(await nat(doctor)).toMatchObject([0, { outcome: 'ok' }]);
    expect(await pings()).toBe(2);
  }, 60_000);

  it('is skipped without credentials or permission', async () => {
    const none = local({ ...emulator.env, ARCTUN_AUTH_KEY_ID: '', ARCTUN_AUTH_KEY: '' });
    await skippedWith(/no credentials for the SORACOM API/, { env: none });
    const reader = { authKeyId: 'keyId-reader', authKey: 'secret-reader' };
    const user: EmulatedUser = { ...reader, permissions: ['Sim:getSim'] };
    await emulator.addUser(user);
    const env = { ...local(emulator.env), ARCTUN_AUTH_KEY_ID: reader.authKeyId };
    await skippedWith(/do not have the permission Sim:sendDownlinkPing/, {
      env: { ...env, ARCTUN_AUTH_KEY: reader.authKey },
    });
  }, 60_000);

  it('is skipped if SORACOM refuses to sign in', async () => {
    const env = local({ ...emulator.env, ARCTUN_AUTH_KEY: 'secret-wrong' });
    const [code, check] = await nat(doctor, { env });
    expect([code, check.text]).toEqual([
      4,
      'Skipped: SORACOM did not report this SIM, for the reason under "SIM and session".',
    ]);
  }, 60_000);

  it('is skipped if SORACOM refuses to ping', async () => {
    const body = { code: 'SEM9999', message: 'Pings are not available.' };
    await emulator.fault({ operation: 'sendDownlinkPing', status: 400, body });
    await skippedWith(/^Skipped: SORACOM did not ping this SIM: .*Pings are not available\.$/);
  }, 60_000);

  it('is skipped if up is running', async () => {
    const command = [process.execPath, ARCTUN, 'up', '--json', ...FREE_PORTS];
    const up = processes.start(command, { cwd: folder, env: local(emulator.env) });
    await up.output(/"forward"/);
    await skippedWith(new RegExp(`arctun up \\(pid ${up.child.pid}\\) is using the SIM`));
    expect(await pings()).toBe(0);
    up.kill();
    await up.finished;
  }, 60_000);

  it('ends at Ctrl-C during the silence, and signs out', async () => {
    setKeepalive(120);
    const command = [process.execPath, ARCTUN, 'doctor', '--nat', ...FREE_PORTS];
    const stopped = processes.start(command, { cwd: folder, env: local(emulator.env) });
    await until(async () => (await pings()) === 1, { what: 'the first ping' });
    const isOut = (call: string) => call === 'POST /v1/auth/logout';
    const before = (await emulator.calls()).filter(isOut).length;
    stopped.kill('SIGINT');
    expect(await stopped.finished).toMatchObject({ code: 130, stdout: '' });
    expect((await emulator.calls()).filter(isOut)).toHaveLength(before + 1);
    expect(await pings()).toBe(1);
  }, 60_000);
});
