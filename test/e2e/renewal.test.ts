/**
 * `up` whose session SORACOM changes while it runs, as a service runs it: without a terminal. Most
 * of the time is the wait until a peer counts as silent, so the cases run in parallel, each with
 * its own emulator.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, Processes, type TestProcess } from '../support/processes.js';
import { until } from '../support/until.js';

const processes = new Processes();
const folders = mkdtempSync(join(tmpdir(), 'arctun-renewal-'));

/** A bootstrapped SIM, and `up` with its emulator. */
class RunningTunnel {
  readonly emulator: EmulatorProcess;
  readonly folder: string;
  readonly up: TestProcess;
  /** The forwarder's URL, available from the start. */
  readonly url: string;

  private constructor(emulator: EmulatorProcess, folder: string, up: TestProcess, url: string) {
    this.emulator = emulator;
    this.folder = folder;
    this.up = up;
    this.url = url;
  }

  static async start({
    signsIn = true,
    parameters = [] as readonly string[],
  } = {}): Promise<RunningTunnel> {
    const emulator = await startEmulatorProcess(processes);
    const folder = mkdtempSync(join(folders, 'sim-'));
    const bootstrap = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
    const { code } = await processes.run(bootstrap, { cwd: folder, env: emulator.env });
    expect(code).toBe(0);
    const listen = ['--json', '--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
    const up = processes.start(
      [process.execPath, ARCTUN, 'up', '--log-level', 'info', ...listen, ...parameters],
      { cwd: folder, env: signsIn ? emulator.env : {} },
    );
    const [, url] = await up.output(/"forward":"([^"]+)"/);
    const tunnel = new RunningTunnel(emulator, folder, up, url!);
    expect(await tunnel.post()).toBe(201);
    return tunnel;
  }

  get simId(): string {
    return String(this.arcJson().simId);
  }

  arcJson(): Record<string, unknown> {
    return JSON.parse(readFileSync(join(this.folder, 'arc.json'), 'utf8')) as Record<
      string,
      unknown
    >;
  }

  async post(): Promise<number> {
    return (await fetch(this.url, { method: 'POST', body: 'x' })).status;
  }

  async postUntilAnswered(): Promise<void> {
    await until(async () => (await this.post()) === 201, {
      limit: 60_000,
      turn: () => setTimeout(200),
    });
  }

  deleteSession(): Promise<unknown> {
    return this.emulator.call('POST', `/sims/${this.simId}/delete_session`);
  }

  async close(): Promise<void> {
    this.up.kill('SIGTERM');
    expect((await this.up.finished).code).toBe(0);
  }
}

/** The action on a tunnel and its expected effect; fails when its test awaits it. */
const CASES = {
  'continues automatically with a session that was deleted': async () => {
    await expectRenewal((tunnel) => tunnel.deleteSession());
  },

  'reads arc.json again on SIGHUP': async () => {
    const tunnel = await RunningTunnel.start({ signsIn: false, parameters: ['--no-renew'] });
    const { emulator, simId, up } = tunnel;
    await emulator.changeArc({ simId, address: '10.9.8.6' });
    const path = join(tunnel.folder, 'arc.json');
    const { arcSessionStatus, ...rest } = tunnel.arcJson();
    const session = { ...(arcSessionStatus as object), arcClientPeerIpAddress: '10.9.8.6' };
    writeFileSync(path, '{');
    up.kill('SIGHUP');
    await up.output(/cannot reload the configuration: cannot use arc\.json/, 'stderr');
    writeFileSync(path, JSON.stringify({ ...rest, arcSessionStatus: session }));
    up.kill('SIGHUP');
    await up.output(/reloaded arc\.json; applied the changes: address/, 'stderr');
    await tunnel.postUntilAnswered();
    await tunnel.close();
  },
};

async function expectRenewal(change: (tunnel: RunningTunnel) => Promise<unknown>): Promise<void> {
  const tunnel = await RunningTunnel.start();
  const { emulator, simId } = tunnel;
  await change(tunnel);
  await tunnel.postUntilAnswered();
  const { body } = await emulator.call('GET', `/sims/${simId}`);
  const { arcSessionStatus } = body as { arcSessionStatus: object };
  expect(arcSessionStatus).toMatchObject(tunnel.arcJson().arcSessionStatus as object);
  expect((await emulator.messages()).at(-1)).toMatchObject({ simId });
  await tunnel.close();
}

describe('a tunnel', () => {
  const running = new Map<string, Promise<void>>();

  afterAll(() => processes.close());
  beforeAll(() => {
    for (const [name, run] of Object.entries(CASES)) {
      const outcome = run();
      outcome.catch(() => undefined);
      running.set(name, outcome);
    }
  });
  afterAll(() => rmSync(folders, { recursive: true }));

  it.each(Object.keys(CASES))('%s', (name) => running.get(name), 180_000);
});
