/** `up --budget` against the emulator, with a wall clock that the test moves. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import dnsPacket from 'dns-packet';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { FakeWallClock } from '../support/foreign/faketime.js';
import { acceptDatagrams } from '../support/foreign/private-network.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';
import { itInRelease } from '../support/runner/tier.js';

const UNIFIED = '100.127.69.42';
const DAY = 86_400;
const BUDGET = 1_000_000;

describeWith(['faketime'], 'a traffic budget', () => {
  const processes = new Processes();
  let emulator: EmulatorProcess;
  let folder: string;
  let clock: FakeWallClock;
  /** The offset of the clock at the start, in seconds, and the day there. */
  let offset: number;
  let today: string;
  const ups: TestProcess[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-budget-'));
    clock = new FakeWallClock(folder);
    const tomorrow = new Date(Date.now() + DAY * 1000).toISOString().slice(0, 10);
    // Far from midnight.
    offset = Math.round((Date.parse(`${tomorrow}T10:00:00Z`) - Date.now()) / 1000);
    today = tomorrow;
    emulator = await startEmulatorProcess(processes);
    mkdirSync(join(folder, 'sims'));
    for (const path of ['arc.json', 'sims/a.json', 'sims/b.json']) {
      const { code } = await arctun('bootstrap', 'authkey', '--config', path);
      expect(code).toBe(0);
    }
    clock.set(offset);
  }, 120_000);
  afterEach(async () => {
    clock.set(offset);
    for (const up of ups.splice(0)) {
      up.kill('SIGKILL');
      await up.finished;
    }
  });
  afterAll(async () => {
    await processes.close();
    rmSync(folder, { recursive: true });
  });

  const options = () => ({
    cwd: folder,
    env: {
      ...emulator.env,
      ...clock.env,
      STATE_DIRECTORY: join(folder, 'state'),
      RUNTIME_DIRECTORY: join(folder, 'run'),
    },
  });

  function arctun(...parameters: string[]): Promise<Finished> {
    return processes.run([process.execPath, ARCTUN, ...parameters], options());
  }

  function start(...parameters: string[]): TestProcess {
    const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
    const flags = [...listen, '--log-level', 'info', '--json', ...parameters];
    const up = processes.start([process.execPath, ARCTUN, 'up', ...flags], options());
    ups.push(up);
    return up;
  }

  /** Stores that the SIM has carried so many bytes today. */
  function store(path: string, sentBytes: number): void {
    const { simId } = JSON.parse(readFileSync(join(folder, path), 'utf8')) as { simId: string };
    const traffic = join(folder, 'state/traffic');
    mkdirSync(traffic, { recursive: true, mode: 0o700 });
    const days = { [today]: { sentBytes, receivedBytes: 0 } };
    writeFileSync(join(traffic, `${simId}.json`), JSON.stringify({ days }));
  }

  function post(url: string, body: string, headers = {}): Promise<Response> {
    return fetch(url, { method: 'POST', body, headers });
  }

  /** What a server answers to these bytes, in latin1, until it closes or resets. */
  async function exchange(address: string, bytes: string): Promise<string> {
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
    const socket = connect(Number(port), host);
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.on('error', ({ message }) => (received += message));
    socket.write(bytes, 'latin1');
    await new Promise((resolve) => socket.once('close', resolve));
    return received;
  }

  async function lookUp(address: string): Promise<string> {
    const socket = createSocket('udp4');
    const port = Number(address.split(':')[1]);
    acceptDatagrams(port);
    const query = {
      type: 'query' as const,
      id: 7,
      questions: [{ type: 'A' as const, name: 'a.test' }],
    };
    const answered = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(dnsPacket.encode(query), port, '127.0.0.1');
    const [message] = await answered;
    socket.close();
    return (dnsPacket.decode(message) as unknown as { rcode: string }).rcode;
  }

  interface Up {
    readonly forward: string;
    readonly proxy: string;
    readonly dns: string;
    readonly status: string;
    readonly forwards: readonly { readonly listen: string }[];
  }

  async function opened(up: TestProcess): Promise<Up> {
    const [line] = await up.output(/^\{.*\}$/m);
    return JSON.parse(line) as Up;
  }

  it('warns at 80 %, refuses new work at 100 %, keeps that over a restart, and opens on the next day', async () => {
    store('arc.json', 0.79 * BUDGET);
    const flags = [
      ...['--budget', '1MB/day', '--dns-listen', '127.0.0.1:0', '--status-listen', '127.0.0.1:0'],
      ...['-L', `0:${UNIFIED}:80`],
    ];
    let up = start(...flags);
    let at = await opened(up);
    expect((await post(at.forward, 'x'.repeat(20_000))).status).toBe(201);
    await up.output(/80 % of the traffic budget of 1.0 MB per day is used/, 'stderr');
    expect((await arctun('status')).stdout).toContain('health: up: more than 80 % of the');
    let refused: Response | undefined;
    await until(() => refused?.status === 429, {
      turn: async () => void (refused = await post(at.forward, 'x'.repeat(20_000))),
    });
    const retryAfter = Number(refused!.headers.get('Retry-After'));
    expect(retryAfter).toBeGreaterThan(13 * 3_600);
    expect(retryAfter).toBeLessThanOrEqual(14 * 3_600);
    expect(await refused!.json()).toMatchObject({ error: { reason: 'over-budget' } });
    await up.output(/is used up: new connections are refused until/, 'stderr');

    await expectRefusals(at);
    await expectReports(at);

    const messages = (await emulator.messages()).length;
    up.kill('SIGKILL');
    await up.finished;
    up = start(...flags);
    at = await opened(up);
    expect((await post(at.forward, 'after a restart')).status).toBe(429);
    expect(await emulator.messages()).toHaveLength(messages);

    clock.set(offset + DAY);
    expect((await post(at.forward, 'on the next day')).status).toBe(201);
    expect((await arctun('send', 'on the next day')).code).toBe(0);
    expect((await arctun('status')).stdout).toContain('health: up\n');
    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);
  }, 120_000);

  async function expectRefusals({ proxy, dns, forwards }: Up): Promise<void> {
    const CONNECT = `CONNECT ${UNIFIED}:80 HTTP/1.1\r\nHost: ${UNIFIED}:80\r\n\r\n`;
    expect(await exchange(proxy, CONNECT)).toMatch(/^HTTP\/1\.1 429 [^]*\r\nRetry-After: \d+\r\n/);
    const address = '\x64\x7f\x45\x2a';
    const socks5 = `\x05\x01\x00\x05\x01\x00\x01${address}\x00\x50`;
    expect(await exchange(proxy, socks5)).toBe(`\x05\x00\x05\x02\x00\x01${'\0'.repeat(6)}`);
    const socks4 = `\x04\x01\x00\x50${address}\x00`;
    expect(await exchange(proxy, socks4)).toBe(`\x00\x5b${'\0'.repeat(6)}`);
    expect(await exchange(forwards[0]!.listen, 'x')).toContain('ECONNRESET');
    expect(await lookUp(dns)).toBe('REFUSED');
  }

  async function expectReports({ status }: Up): Promise<void> {
    const reason = /the traffic budget of 1.0 MB per day is used up until \S+T00:00:00Z/;
    const commands = [
      ['send', 'x'],
      ['send', '--via', 'udp', 'x'],
      ['ping', '-c', '1', UNIFIED],
      ['dig', 'a.test'],
      ['connect', `${UNIFIED}:80`],
    ];
    for (const command of commands) {
      const { code, stderr } = await arctun(...command);
      expect([command, code, stderr]).toEqual([command, 5, expect.stringMatching(reason)]);
      expect(stderr).toContain('restart "arctun up" with a larger --budget');
    }
    const { stdout } = await arctun('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { health: 'up', traffic: { budget: [{ per: 'day', bytes: BUDGET, isExhausted: true }] } },
    ]);
    const metrics = await (await fetch(`${status}/metrics`)).text();
    expect(metrics).toContain('arctun_budget_exhausted{period="day"} 1\n');
    expect((await arctun('health')).code).toBe(0);
    const doctor = await arctun('doctor');
    expect(doctor.stdout + doctor.stderr).toContain('The traffic budget is used up.');
  }

  itInRelease(
    'resets open connections after a few seconds',
    async () => {
      // The request exceeds the budget by 1 to 2 %, so that the connection is not reset at once.
      store('arc.json', 0.95 * BUDGET);
      const up = start('--budget', '1MB/day');
      const { proxy } = await opened(up);
      const socks5 = '\x05\x01\x00\x05\x01\x00\x01\x64\x7f\x45\x2a\x00\x50';
      // An unfinished request, which the Unified Endpoint waits for.
      const request = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(60_000)}`;
      const began = performance.now();
      expect(await exchange(proxy, socks5 + request)).toContain('ECONNRESET');
      expect(performance.now() - began).toBeGreaterThan(4_900);
      up.kill('SIGTERM');
      expect((await up.finished).stderr).toContain('is used up');
    },
    60_000,
  );

  itInRelease(
    'gives each of several SIMs its own budget',
    async () => {
      store('sims/a.json', BUDGET);
      store('sims/b.json', 0);
      const up = start('--config', 'sims', '--budget', '1MB/day,1GB/month');
      const { forward } = await opened(up);
      const refused = await post(forward, 'x', { 'X-Arctun-Sim': 'a' });
      expect([refused.status, refused.headers.has('Retry-After')]).toEqual([429, true]);
      expect((await post(forward, 'x', { 'X-Arctun-Sim': 'b' })).status).toBe(201);
      up.kill('SIGTERM');
      expect((await up.finished).code).toBe(0);
    },
    60_000,
  );

  itInRelease(
    'does not begin again on a machine whose clock is not set yet',
    async () => {
      store('arc.json', BUDGET);
      clock.set(-20 * 365 * DAY);
      const up = start('--budget', '1MB/day');
      const { forward } = await opened(up);
      const refused = await post(forward, 'x');
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(900);
      clock.set(offset + DAY);
      expect((await post(forward, 'x')).status).toBe(201);
      up.kill('SIGTERM');
      expect((await up.finished).code).toBe(0);
    },
    60_000,
  );

  it('is refused with a network interface, also from the environment', async () => {
    const why = /cannot use (--budget|ARCTUN_BUDGET) with --mode=tun/;
    const flag = await arctun('up', '--mode', 'tun', '--budget', '1MB/day');
    expect(flag).toMatchObject({ code: 2, stderr: expect.stringMatching(why) as string });
    const { cwd, env } = options();
    const command = [process.execPath, ARCTUN, 'up', '--mode', 'tun'];
    const variable = { cwd, env: { ...env, ARCTUN_BUDGET: '1MB/day' } };
    const refused = await processes.run(command, variable);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(why) as string });
  }, 60_000);

  itInRelease(
    'warns if nothing can be stored, and counts for this run',
    async () => {
      const traffic = join(folder, 'state/traffic');
      mkdirSync(join(folder, 'state'), { recursive: true, mode: 0o700 });
      rmSync(traffic, { recursive: true, force: true });
      writeFileSync(traffic, 'not a folder');
      const up = start('--budget', '50kB/day');
      const { forward } = await opened(up);
      let status: number | undefined;
      await until(() => status === 429, {
        turn: async () => void ({ status } = await post(forward, 'x'.repeat(20_000))),
      });
      await up.output(/the budget counts only the traffic of this process/, 'stderr');
    },
    60_000,
  );
});
