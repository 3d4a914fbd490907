/**
 * A new user's steps from the start to a tunnel that recovers, with the commands that they type:
 * against arctun's Arc server, and against wireguard-go with the kernel's TCP and UDP.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import {
  ourArcServer,
  WIREGUARD_GO_ARC_SERVER,
  wireGuardGoArcServer,
} from '../support/pairs/arc-servers.js';
import type { EmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { atLength, itInRelease } from '../support/runner/tier.js';
import { until } from '../support/until.js';

const OUR_SERVER = ['our Arc server', ourArcServer, ['curl']] as const;
const WIREGUARD_GO = [
  'wireguard-go',
  wireGuardGoArcServer,
  ['curl', ...WIREGUARD_GO_ARC_SERVER],
] as const;
/** e2e/journey.user.test.ts has our Arc server, too. */
const SERVERS = atLength<readonly (typeof OUR_SERVER | typeof WIREGUARD_GO)[]>({
  short: [WIREGUARD_GO],
  long: [OUR_SERVER, WIREGUARD_GO],
});

for (const [name, startServer, needs] of SERVERS) {
  describeWith(needs, `a new user with ${name}`, () => {
    const processes = new Processes();
    let folder: string;
    let emulator: EmulatorProcess;
    let close: () => void = () => undefined;
    let simId: string;
    let up: TestProcess;
    let listeners: { readonly forward: string; readonly proxy: string };

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'arctun-journey-'));
      ({ emulator, close } = await startServer(processes));
    }, 60_000);
    afterAll(async () => {
      await processes.close();
      close();
      rmSync(folder, { recursive: true });
    });

    function start(...parameters: readonly string[]): TestProcess {
      const env = { ...emulator.env, RUNTIME_DIRECTORY: join(folder, 'run') };
      return processes.start([process.execPath, ARCTUN, ...parameters], { cwd: folder, env });
    }
    const arctun = (...parameters: readonly string[]) => start(...parameters).finished;

    const arcJson = () =>
      JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as { readonly simId: string };
    const last = async () => (await emulator.messages()).at(-1);
    const post = async (body: string) =>
      (await fetch(`${listeners.forward}/from/up`, { method: 'POST', body })).status;

    it('begins with bootstrap, which creates a SIM', async () => {
      expect(await arctun('bootstrap', 'authkey')).toMatchObject({ code: 0, stderr: '' });
      ({ simId } = arcJson());
      expect(simId).toMatch(/^\d{19}$/);
    }, 60_000);

    it.each([
      ['http', { code: 0, stdout: '', stderr: 'HTTP 201 Created\n' }],
      ['tcp', { code: 0, stdout: '201 ', stderr: '' }],
      ['udp', { code: 0, stdout: '201 ', stderr: '' }],
    ])(
      'sends a message over %s',
      async (via, printed) => {
        expect(await arctun('send', '--via', via, `by ${via}`)).toEqual(printed);
        expect(await last()).toMatchObject({ simId, body: `by ${via}` });
      },
      60_000,
    );

    it('opens a tunnel, which forwards a POST', async () => {
      const ports = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
      up = start('up', '--json', ...ports);
      const [line] = await up.output(/^\{.*"forward".*\}$/m);
      listeners = JSON.parse(line) as typeof listeners;
      expect(await post('by the forwarder')).toBe(201);
      expect(await last()).toMatchObject({ simId, path: '/from/up', body: 'by the forwarder' });
    }, 60_000);

    it('carries SOCKS5 connections, with a name that is resolved inside', async () => {
      const { code, stdout } = await processes.run([
        ...['curl', '-sS', '--max-time', '30', '--socks5-hostname', listeners.proxy],
        ...['-w', '%{http_code}', '-d', 'by SOCKS5', 'http://uni.soracom.io/'],
      ]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '201' });
      expect(await last()).toMatchObject({ simId, body: 'by SOCKS5' });
    }, 60_000);

    it('is up in status and health', async () => {
      const status = await arctun('status', '--json');
      expect(JSON.parse(status.stdout)).toMatchObject([
        { health: 'up', mode: 'userspace', simId, peers: [{ endpoint: emulator.arc }] },
      ]);
      expect(await arctun('health')).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/: up\n$/) as string,
      });
    }, 60_000);

    // For arctun's server, e2e/renewal.test.ts tests it.
    if (startServer !== ourArcServer) {
      itInRelease(
        'recovers automatically after the server has lost its key',
        async () => {
          const sessions = async () =>
            (await emulator.calls()).filter((call) => call.endsWith(`/sims/${simId}/sessions/arc`));
          expect(await sessions()).toEqual([]);
          await emulator.call('POST', `/sims/${simId}/delete_session`);
          await until(async () => (await post('healed')) === 201, {
            limit: 60_000,
            turn: () => setTimeout(200),
          });
          expect(await sessions()).toHaveLength(1);
          expect(await last()).toMatchObject({ simId, body: 'healed' });
        },
        90_000,
      );
    }

    it('exits with 0', async () => {
      up.kill('SIGTERM');
      expect((await up.finished).code).toBe(0);
      expect(await arctun('health')).toMatchObject({ code: 1 });
    }, 60_000);
  });
}
