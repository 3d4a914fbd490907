/** `up` with a folder of configurations: several SIMs in one process. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { acceptDatagrams } from '../support/foreign/private-network.js';
import { NotifySocket } from '../support/notify-socket.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';
import { itInRelease } from '../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let up: TestProcess;
/** The URLs of the forwarder and of the status pages, and the address of the proxy. */
let forwarder: string;
let pages: string;
let proxy: string;

afterAll(() => processes.close());
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-fleet-'));
  mkdirSync(join(folder, 'sims'));
  emulator = await startEmulatorProcess(processes);
  for (const name of ['a', 'b', 'other']) {
    expect(await run('bootstrap', 'authkey', '--config', `sims/${name}.json`)).toMatchObject({
      code: 0,
    });
  }
  renameSync(join(folder, 'sims/other.json'), join(folder, 'other.json'));
  writeFileSync(join(folder, 'sims/bad.json'), '{');
  const b = join(folder, 'sims/b.json');
  const config = JSON.parse(readFileSync(b, 'utf8')) as object;
  writeFileSync(b, JSON.stringify({ ...config, forwards: { local: ['8080:10.0.0.3:80'] } }));
  const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
  const flags = ['--status-listen', '127.0.0.1:0', '--log-level', 'info', '--json'];
  up = start('up', '--config', 'sims', ...listen, ...flags);
  const [line] = await up.output(/^\{.*\}$/m);
  const report = JSON.parse(line) as Record<'forward' | 'status' | 'proxy', string> & {
    sims: object[];
  };
  forwarder = report.forward;
  proxy = report.proxy;
  pages = report.status;
  expect(report.sims).toEqual([
    { name: 'a', simId: simIdOf('a'), isUp: true, problem: null },
    { name: 'b', simId: simIdOf('b'), isUp: true, problem: null },
    { name: 'bad', simId: '', isUp: false, problem: expect.stringContaining('bad.json') as string },
  ]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

const options = () => ({
  cwd: folder,
  env: { ...emulator.env, RUNTIME_DIRECTORY: join(folder, 'run') },
});

function run(...parameters: string[]): Promise<Finished> {
  return processes.run([process.execPath, ARCTUN, ...parameters], options());
}

function start(...parameters: string[]): TestProcess {
  return processes.start([process.execPath, ARCTUN, ...parameters], options());
}

function simIdOf(name: string): string {
  const text = readFileSync(join(folder, 'sims', `${name}.json`), 'utf8');
  return (JSON.parse(text) as { simId: string }).simId;
}

async function post(sim: string, body: string): Promise<number> {
  const headers = { 'X-Arctun-Sim': sim };
  return (await fetch(forwarder, { method: 'POST', body, headers })).status;
}

/** The SIM IDs of the messages, by body. */
async function senders(): Promise<Record<string, unknown>> {
  const messages = await emulator.messages();
  return Object.fromEntries(messages.map(({ body, simId }) => [String(body), simId]));
}

const turn = () => pause(100);

/** A SOCKS5 client with a user name (RFC 1929). */
async function dialSocks5(authority: string, { user }: { user: string }) {
  const [host = '', port = ''] = authority.split(':');
  const socket = connect({ host, port: Number(port) });
  const read = async () => ((await once(socket, 'data')) as [Buffer])[0];
  socket.write(Buffer.from([5, 1, 2]));
  expect([...(await read())]).toEqual([5, 2]);
  socket.write(Buffer.concat([Buffer.from([1, user.length]), Buffer.from(user), Buffer.from([0])]));
  expect([...(await read())]).toEqual([1, 0]);
  return {
    /** UDP ASSOCIATE from any port; returns the address of the relay. */
    associate: async () => {
      socket.write(Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
      const reply = await read();
      expect(reply[1]).toBe(0);
      return { host: [...reply.subarray(4, 8)].join('.'), port: reply.readUInt16BE(8) };
    },
    close: () => socket.destroy(),
  };
}

it('sends each message under its own SIM, by name and by SIM ID', async () => {
  expect(await post('a', 'from-a')).toBe(201);
  expect(await post('b', 'from-b')).toBe(201);
  expect(await post(simIdOf('b'), 'by-id')).toBe(201);
  expect(await senders()).toMatchObject({
    'from-a': simIdOf('a'),
    'from-b': simIdOf('b'),
    'by-id': simIdOf('b'),
  });
});

it('answers 503 for a SIM that is not open, and shows it in status, pages and metrics', async () => {
  expect(await post('bad', 'x')).toBe(503);
  const { code, stdout, stderr } = await run('status', '--json');
  expect(code).toBe(5);
  const reports = JSON.parse(stdout) as Record<'name' | 'health' | 'simId' | 'problem', string>[];
  expect(reports.map(({ name, health, simId }) => [name, health, simId])).toEqual([
    ['a', 'up', simIdOf('a')],
    ['b', 'up', simIdOf('b')],
    ['bad', 'closed', ''],
  ]);
  expect(reports[2]!.problem).toContain('cannot use sims/bad.json');
  expect(stderr).toBe('');
  const page = async (path: string) => (await fetch(pages + path)).text();
  expect(await page('/sims')).toBe(`a ${simIdOf('a')} up\nb ${simIdOf('b')} up\nbad - not open\n`);
  expect(await page('/')).toContain('2 of 3 tunnels are up');
  expect(await page('/')).toContain(`<td>${simIdOf('b')}</td>`);
  expect(await page('/')).toContain('<td>closed: cannot use sims/bad.json');
  expect(await page('/page.css')).toContain('table {');
  expect(await page('/readyz')).toBe('2 of 3 tunnels are up\n');
  expect(await page('/metrics')).toMatch(
    /arctun_up\{sim="a"\} 1\n.*\{sim="b"\} 1\n.*\{sim="bad"\} 0/,
  );
});

itInRelease('lists the SIMs as a table, and one of them with all details', async () => {
  const { stdout } = await run('status');
  expect(stdout.split('\n').map((line) => line.replace(/ {2,}.* {2}/, ' … '))).toEqual([
    `process ${up.child.pid}: 3 SIMs`,
    expect.stringMatching(/^NAME … HEALTH$/),
    expect.stringMatching(/^a … up$/),
    expect.stringMatching(/^b … up$/),
    expect.stringMatching(/^bad … closed: cannot use sims\/bad\.json/),
    '',
    '',
  ]);
  const one = await run('status', '--interface', 'b');
  expect(one.code).toBe(0);
  expect(one.stdout).toContain(`  sim: ${simIdOf('b')}\n`);
  expect(one.stdout).not.toContain(simIdOf('a'));
});

itInRelease(
  'has a doctor that names the SIMs with problems',
  async () => {
    const { code, stdout } = await run('doctor', '--config', 'sims');
    expect(code).toBe(3);
    expect(stdout).toMatch(/^bad:\n {2}configuration: Cannot use sims\/bad\.json/);
    expect(stdout).toMatch(/\n1 of 3 SIMs have problems: bad\n$/);
    const { stdout: json } = await run('doctor', '--config', 'sims', '--json');
    const { healthy, sims } = JSON.parse(json) as {
      healthy: boolean;
      sims: { sim: string; healthy: boolean }[];
    };
    expect(healthy).toBe(false);
    expect(sims.map((one) => [one.sim, one.healthy])).toEqual([
      ['a', true],
      ['b', true],
      ['bad', false],
    ]);
  },
  120_000,
);

itInRelease(
  'has a doctor that finds copies and ignored files, without a warning of Node.js',
  async () => {
    // The checks of so many SIMs at the same time have more than 10 listeners for the signal.
    const many = ['--count', '8', '--name-prefix', 's', '--output-folder', 'mixed', '--yes'];
    expect(await run('bootstrap', 'authkey', ...many)).toMatchObject({ code: 0 });
    const [first = ''] = readdirSync(join(folder, 'mixed')).sort();
    const name = first.replace('.json', '');
    const text = readFileSync(join(folder, 'mixed', first));
    writeFileSync(join(folder, 'mixed/twin.json'), text, { mode: 0o600 });
    writeFileSync(join(folder, 'mixed/bad name.json'), '{');
    const { code, stdout, stderr } = await run('doctor', '--config', 'mixed');
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^Ignored files:\n {2}configuration: mixed\/bad name\.json is ignored\.\n/,
    );
    expect(stdout).toContain(
      `\ntwin:\n  configuration: mixed/twin.json has the same private key as mixed/${name}.json.\n`,
    );
    expect(stdout).toMatch(/\nIgnored files: 1\n1 of 9 SIMs have problems: twin\n$/);
    expect(stderr).not.toContain('Warning');
  },
  120_000,
);

itInRelease('sends UDP datagrams of a SOCKS5 client under the SIM of its user name', async () => {
  const control = await dialSocks5(proxy, { user: 'b' });
  const relay = await control.associate();
  acceptDatagrams(relay.port);
  const socket = createSocket('udp4');
  try {
    // The header of RFC 1928 7: to the Unified Endpoint.
    const header = [0, 0, 0, 1, 100, 127, 69, 42, 23080 >> 8, 23080 & 0xff];
    const datagram = Buffer.concat([Buffer.from(header), Buffer.from('by-udp')]);
    // Datagrams may be lost.
    const sendAgain = async () => {
      socket.send(datagram, relay.port, relay.host);
      await turn();
    };
    await until(async () => 'by-udp' in (await senders()), { turn: sendAgain });
    expect(await senders()).toMatchObject({ 'by-udp': simIdOf('b') });
  } finally {
    socket.close();
    control.close();
  }
  await until(() => /UDP association closed .*sim=b/.test(up.stderr), { turn });
});

itInRelease('names the SIM in the log of requests', () => {
  expect(up.stderr).toMatch(/INFO +request .*sim=a .*status=201/);
  expect(up.stderr).toMatch(/WARN +the request was not forwarded.*sim=bad/);
});

itInRelease('warns of port forwards in arc.json, which have no effect', () => {
  expect(up.stderr).toMatch(/forwards in sims\/b\.json have no effect/);
});

itInRelease('shares the tunnel of a SIM with other commands', async () => {
  expect(await run('send', '--config', 'sims/a.json', 'by-send')).toMatchObject({ code: 0 });
  expect(await senders()).toMatchObject({ 'by-send': simIdOf('a') });
});

it('opens and closes tunnels as files come and go, and keeps the others', async () => {
  renameSync(join(folder, 'other.json'), join(folder, 'sims/bad.json'));
  renameSync(join(folder, 'sims/a.json'), join(folder, 'a.saved'));
  up.kill('SIGHUP');
  await until(async () => (await post('bad', 'corrected')) === 201, { turn });
  expect(await post('a', 'removed')).toBe(404);
  expect(await post('b', 'kept')).toBe(201);
  renameSync(join(folder, 'a.saved'), join(folder, 'sims/a.json'));
  up.kill('SIGHUP');
  await until(async () => (await post('a', 'added')) === 201, { turn });
  expect(up.stderr).toMatch(/tunnel closed .*sim=a /);
  expect(up.stderr).not.toMatch(/tunnel closed .*sim=b /);
});

itInRelease('keeps all SIMs if the folder is missing at SIGHUP', async () => {
  renameSync(join(folder, 'sims'), join(folder, 'moved'));
  up.kill('SIGHUP');
  await until(() => /cannot reload the configurations: .*does not exist/.test(up.stderr), { turn });
  expect(await post('a', 'without the folder')).toBe(201);
  renameSync(join(folder, 'moved'), join(folder, 'sims'));
});

itInRelease(
  'continues with the other SIMs after one was deleted',
  async () => {
    await emulator.terminate(simIdOf('b'));
    // A message without an answer makes "up" notice it.
    const message = post('b', 'lost').catch(() => undefined);
    const sims = async () => (await fetch(`${pages}/sims`)).text();
    const shownB = `b ${simIdOf('b')} `;
    await until(async () => !(await sims()).includes(`${shownB}up`), { turn });
    expect(await sims()).toContain(shownB);
    expect(await sims()).toContain(`a ${simIdOf('a')} up`);
    expect(await post('a', 'after')).toBe(201);
    expect(await message).not.toBe(201);
    expect(up.running).toBe(true);
  },
  120_000,
);

itInRelease('refuses flags for one configuration', async () => {
  const { code, stderr } = await run('up', '--config', 'sims', '--capture', 'x.pcapng');
  expect(code).toBe(2);
  expect(stderr).toContain('cannot use --capture with several configurations');
});

it('closes all tunnels on SIGTERM', async () => {
  up.kill('SIGTERM');
  expect((await up.finished).code).toBe(0);
  expect(up.stderr.match(/tunnel closed/g)).toHaveLength(4);
});

describeWith(['koffi'], 'several SIMs as a service', () => {
  itInRelease('reports how many tunnels are up after it is ready, and after a reload', async () => {
    up.kill('SIGTERM');
    await up.finished;
    mkdirSync(join(folder, 'served'));
    copyFileSync(join(folder, 'sims/a.json'), join(folder, 'served/a.json'));
    writeFileSync(join(folder, 'served/wrong.json'), '{');
    const env = { ...options().env, NOTIFY_SOCKET: join(folder, 'notify') };
    const manager = await NotifySocket.bind(env.NOTIFY_SOCKET);
    const told: string[] = [];
    /** Waits for the notifications, in this order. */
    const wait = (...patterns: RegExp[]) => {
      const isTold = () => {
        told.push(...manager.takeAll());
        let from = 0;
        return patterns.every((pattern) => {
          const at = told.slice(from).findIndex((text) => pattern.test(text));
          from += at + 1;
          return at >= 0;
        });
      };
      return until(isTold, { turn, what: `the manager receives ${patterns.join()}` });
    };
    const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
    const command = [process.execPath, ARCTUN, 'up', '--config', 'served', ...listen];
    const service = processes.start(command, { ...options(), env });
    await wait(/^READY=1/m, /^STATUS=1 of 2 tunnels are up$/m);
    told.length = 0;
    service.kill('SIGHUP');
    await wait(/^RELOADING=1/m, /^READY=1/m, /^STATUS=1 of 2 tunnels are up$/m);
    service.kill('SIGTERM');
    await wait(/^STOPPING=1/m);
    expect((await service.finished).code).toBe(0);
    manager.close();
  });
});
