/** `npm run smoke soracom` against the emulator: complete, interrupted, declined and refused. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { type Recorder, startRecorder } from '../support/fakes/recording-proxy.js';
import { ARCTUN, Processes, REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { findSecrets } from '../support/secret-search.js';
import { until } from '../support/until.js';

const SMOKE = [process.execPath, `${REPOSITORY}tools/smoke/smoke-soracom.js`];
/** The emulator closes idle connections later. */
const FLAGS = ['--yes', '--idle-limit', '1'];

const processes = new Processes();
let emulator: EmulatorProcess;
/** A proxy between the commands and the emulator's API. */
let recorder: Recorder;
let folder: string;

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
  recorder = await startRecorder(emulator.api);
}, 60_000);
afterAll(async () => {
  await recorder.close();
  await processes.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-smoke-'));
});
afterEach(async () => {
  await emulator.clearFaults();
  rmSync(folder, { recursive: true });
});

function start(flags: readonly string[] = FLAGS, env: NodeJS.ProcessEnv = {}): TestProcess {
  const all = { ...emulator.env, ARCTUN_ENDPOINT: recorder.url, ...env };
  return processes.start([...SMOKE, ...flags], { cwd: folder, env: all });
}

function startInTerminal(words: readonly string[]): TestProcess {
  const command = words.map((word) => `'${word}'`).join(' ');
  return processes.start(['script', '-qefc', command, '/dev/null'], {
    cwd: folder,
    interactive: true,
    env: { ...emulator.env, TERM: 'xterm' },
  });
}

function report(): string {
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'));
  expect(names).toEqual([expect.stringMatching(/^arctun-smoke-soracom-20[\dTZ-]+\.md$/)]);
  return readFileSync(join(folder, names[0]!), 'utf8');
}

/** Returns the SIMs that are billed, without the physical SIM. */
async function billed() {
  return (await emulator.sims()).filter((sim) => sim.billed && sim.type === 'virtual');
}

const shownId = ({ stderr }: TestProcess) =>
  /The virtual SIM (\d{19}) is now billed/.exec(stderr)?.[1];

it('passes each step, terminates the SIM, and writes a report', async () => {
  // Settings of the user that would change what the commands do.
  const run = start(FLAGS, { ARCTUN_FORWARD_TO: '100.127.69.42:81', ARCTUN_MTU: '1280' });
  const { code, stderr } = await run.finished;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const sim = (await emulator.sims()).find(({ simId }) => simId === shownId(run));
  expect(sim).toMatchObject({
    status: 'terminated',
    tags: {
      name: expect.stringMatching(/^arctun-smoke-20/) as string,
      'arctun-smoke': expect.stringMatching(/^20/) as string,
    },
  });
  expect(existsSync(join(folder, 'arctun-smoke'))).toBe(false);
  const text = report();
  for (const fact of [
    /\| API \| not an API of SORACOM/,
    /POST \/v1\/sims: HTTP status \| 201/,
    /sessions\/arc: members \| .*arcClientPeerIpAddress: string/,
    /first handshake complete after \| \d+ ms/,
    /uni\.soracom\.io A at 100\.127\.1\.53 \| NOERROR.*A 100\.127\.69\.42 \(TTL 60 s\)/,
    /largest packet that arrived in both directions \| 1420 bytes/,
    /keep-alive \| timeout=\d+/,
    /second request on the connection \| HTTP\/1\.1 201/,
    /members of the body \| imsi: string, simId: string/,
    /HTTP connection \| (still open|closed by the server with RST) after \d+\.\d s/,
    /keepalives \| \d+ sent, \d+ received in 1 s/,
    /requests sent again \| 0/,
    /answer to a message with the new key \| "201 "/,
    /status afterwards \| terminated/,
  ]) {
    expect(text).toMatch(fact);
  }
  const messages = await emulator.messages();
  const own = messages.filter(({ simId }) => simId === sim?.simId);
  const kinds = own.map(({ protocol }) => protocol);
  expect(kinds).toEqual(['http', 'http', 'tcp', 'udp', 'http', 'http', 'tcp', 'udp', 'udp']);
}, 120_000);

it('reports a step that failed, runs the others, and does not write a secret', async () => {
  const message = '203.0.113.9 may not read SIMs';
  await emulator.fault({ operation: 'getSim', status: 403, body: { code: 'SEM0001', message } });
  await emulator.fault({ operation: 'terminateSim', status: 403, times: 9 });
  const { ARCTUN_AUTH_KEY: key = '', ARCTUN_AUTH_KEY_ID: id = '', ...env } = emulator.env;
  const keyFile = join(folder, "the user's key");
  writeFileSync(keyFile, key, { mode: 0o600 });
  const keyFlags = ['--auth-key-id', id, '--auth-key-file', keyFile];
  const run = start([...FLAGS, ...keyFlags], { ARCTUN_AUTH_KEY: '', ARCTUN_AUTH_KEY_ID: '' });
  const { code, stderr } = await run.finished;
  expect(code).toBe(1);
  const simId = shownId(run)!;
  expect(stderr).toContain(`The virtual SIM ${simId} may still be billed`);
  const text = report();
  expect(text).toMatch(/\| Read the SIM \| failed \| .* 403.*\(IP address\) may not read SIMs/);
  expect(text).toMatch(/\| Renew the key, and send with it \| passed/);
  expect(text).toMatch(/\| Terminate the virtual SIM \| failed/);
  // The key of the SIM is needed until the SIM is terminated.
  const config = readFileSync(join(folder, 'arctun-smoke', 'arc.json'), 'utf8');
  const { privateKey, publicKey } = JSON.parse(config) as Record<string, string>;
  const sim = (await emulator.sims()).find((each) => each.simId === simId)!;
  const traffic = recorder.traffic();
  const sent = (pattern: RegExp) => [...traffic.matchAll(pattern)].map(([, value = '']) => value);
  const secrets = [
    ...sent(/"(?:arcClientPeerPrivateKey|token|apiKey|arcClientPeerPublicKey)":"([^"]+)"/g),
    ...sent(/"(?:imsi|operatorId|arcServerPeerPublicKey|sessionId)":"([^"]+)"/g),
    ...[simId, privateKey!, publicKey!, sim.imsi, sim.address, emulator.arc],
    ...Object.values(emulator.env).map(String),
  ];
  expect(secrets.length).toBeGreaterThan(20);
  const named = Object.fromEntries(secrets.map((secret) => [secret, secret]));
  expect(findSecrets(text, named)).toEqual([]);
  await emulator.clearFaults();
  const [, line = ''] = /^ {2}(node \S+ sim terminate .*)$/m.exec(stderr) ?? [];
  const again = await processes.run(['sh', '-c', line], { cwd: folder, env });
  expect(again).toMatchObject({ code: 0 });
  expect(await billed()).toEqual([]);
}, 120_000);

it('after SIGINT, terminates the SIM and reports what was not done', async () => {
  const run = start(['--yes']);
  await run.output(/passed +Read the metadata service/, 'stderr', 60_000);
  run.kill('SIGINT');
  const { code } = await run.finished;
  expect(code).toBe(130);
  expect(await billed()).toEqual([]);
  const text = report();
  expect(text).toMatch(
    /\| Wait until idle connections are closed \| not possible \| .* \| stopped by SIGINT/,
  );
  expect(text).toMatch(/\| Terminate the virtual SIM \| passed/);
}, 120_000);

it('after SIGINT, terminates the SIM also if the reader of its output has ended', async () => {
  const run = start(['--yes']);
  await run.output(/passed +Create a virtual SIM/, 'stderr', 60_000);
  run.child.stderr!.destroy();
  run.child.stdout!.destroy();
  run.kill('SIGINT');
  const { code } = await run.finished;
  expect(await billed()).toEqual([]);
  expect(code).toBe(130);
  expect(report()).toMatch(/\| Terminate the virtual SIM \| passed/);
}, 120_000);

it('after SIGINT, terminates the SIM also if its messages do not fit on the disk', async () => {
  const command = [...SMOKE, '--yes'].map((word) => `'${word}'`).join(' ');
  const env = { ...emulator.env, ARCTUN_ENDPOINT: recorder.url };
  const line = ['sh', '-c', `exec ${command} 2> /dev/full`];
  const run = processes.start(line, { cwd: folder, env });
  await until(async () => (await billed()).length > 0);
  run.kill('SIGINT');
  const { code } = await run.finished;
  expect(await billed()).toEqual([]);
  expect(code).toBe(130);
}, 120_000);

it('after SIGINT within the creation, terminates the SIM that was created', async () => {
  await emulator.fault({ operation: 'createSim', delayMs: 2_000, carryOut: true });
  const run = start();
  await run.output(/passed +Terminate the SIMs of earlier runs/, 'stderr', 60_000);
  await until(async () => (await billed()).length > 0);
  run.kill('SIGINT');
  expect((await run.finished).code).toBe(130);
  expect(await billed()).toEqual([]);
}, 120_000);

it('after a second SIGINT within the creation, names the folder of the SIM', async () => {
  await emulator.fault({ operation: 'createSim', delayMs: 8_000, carryOut: true });
  const run = start();
  await run.output(/passed +Terminate the SIMs of earlier runs/, 'stderr', 60_000);
  await until(async () => (await billed()).length > 0);
  // A second signal that arrives with the first is ignored.
  const turn = async () => {
    run.kill('SIGINT');
    await pause(200);
  };
  await until(() => !run.running, { turn });
  expect((await run.finished).code).toBe(130);
  expect(shownId(run)).toBeUndefined();
  expect(run.stderr).toContain('SORACOM may have created a virtual SIM, which it bills.');
  expect(run.stderr).toContain(`The folder ${join(folder, 'arctun-smoke')} belongs to it.`);
  for (const { simId } of await billed()) await emulator.terminate(simId);
}, 120_000);

it('after SIGKILL, the next run terminates the SIM', async () => {
  const killed = start(['--yes']);
  await killed.output(/passed +Read the metadata service/, 'stderr', 60_000);
  killed.kill('SIGKILL');
  await killed.finished;
  expect((await billed()).map(({ simId }) => simId)).toEqual([shownId(killed)]);
  const next = start();
  const { code } = await next.finished;
  expect(code).toBe(0);
  expect(await billed()).toEqual([]);
  expect(report()).toMatch(/terminated \| 1 \|/);
}, 120_000);

it('after a lost response to createSim, keeps what is known, and does not create a second SIM', async () => {
  await emulator.fault({ operation: 'createSim', cut: 'after' });
  const run = start();
  const { code, stderr } = await run.finished;
  expect(code).toBe(1);
  const [sim, ...others] = await billed();
  expect(others).toEqual([]);
  const text = report();
  expect(text).toMatch(/\| Create a virtual SIM \| failed/);
  expect(text).toMatch(/\| Terminate the virtual SIM \| failed/);
  expect(text).not.toContain(sim!.simId);
  expect(stderr).toContain('SORACOM may have created a virtual SIM');
  expect(stderr).toContain(sim!.simId);
  expect(stderr).toContain('--adopt');
  // The user adopts the SIM, as the message says. The next run then terminates it.
  const config = join(folder, 'arctun-smoke', 'arc.json');
  const adopt = ['bootstrap', 'authkey', '--adopt', sim!.simId, '--config', config];
  const adopted = await processes.run([process.execPath, ARCTUN, ...adopt], { env: emulator.env });
  expect(adopted.code).toBe(0);
  rmSync(
    join(
      folder,
      readdirSync(folder).find((name) => name.endsWith('.md'))!,
    ),
  );
  await emulator.fault({ operation: 'createSim', status: 403 });
  await start().finished;
  expect(await billed()).toEqual([]);
}, 120_000);

it('refuses a second run in the same folder', async () => {
  const first = start(['--yes']);
  await first.output(/passed +Create a virtual SIM/, 'stderr', 60_000);
  const { code, stderr } = await start().finished;
  expect(code).toBe(1);
  expect(stderr).toContain('another run is using');
  expect(await billed()).toHaveLength(1);
  first.kill('SIGTERM');
  expect((await first.finished).code).toBe(143);
  expect(await billed()).toEqual([]);
}, 120_000);

it('creates nothing with wrong credentials', async () => {
  const before = (await emulator.sims()).length;
  const { code } = await start(FLAGS, { ARCTUN_AUTH_KEY: 'secret-wrong' }).finished;
  expect(code).toBe(1);
  expect(await emulator.sims()).toHaveLength(before);
  const text = report();
  expect(text).toMatch(/\| Create a virtual SIM \| failed \| .* 401/);
  expect(text).toMatch(/\| Open a tunnel \| not possible \| .* no virtual SIM was created/);
  expect(text).not.toContain('secret-wrong');
  expect(existsSync(join(folder, 'arctun-smoke'))).toBe(false);
}, 120_000);

it.each([
  [['--idle-limit', 'x', '--yes'], '--idle-limit must be a number'],
  [[], 'Add --yes to confirm'],
])('exits with 2 for %j, before any call', async (flags, message) => {
  const before = await emulator.calls();
  const { code, stderr } = await start(flags).finished;
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(await emulator.calls()).toEqual(before);
  expect(readdirSync(folder)).toEqual([]);
});

describeWith(['script'], 'a terminal', () => {
  it('that is closed does not prevent the termination of the SIM', async () => {
    const run = startInTerminal([...SMOKE, '--yes']);
    await run.output(/passed +Create a virtual SIM/, 'stdout', 60_000);
    run.kill('SIGKILL');
    await until(() => readdirSync(folder).some((name) => name.endsWith('.md')));
    expect(await billed()).toEqual([]);
    expect(report()).toMatch(/\| Terminate the virtual SIM \| passed/);
  }, 120_000);
});

describeWith(['script'], 'the question', () => {
  it.each([
    ['another answer', 'y\r', 1],
    ['Ctrl-C', '\x03', 130],
    ['Ctrl-D', '\x04', 1],
  ])(
    'creates nothing after %s',
    async (_name, typed, exit) => {
      const before = await emulator.calls();
      const run = startInTerminal(SMOKE);
      await run.output(/Type yes to continue/);
      run.type(typed);
      expect((await run.finished).code).toBe(exit);
      expect(run.stdout).toContain('SORACOM bills a virtual SIM from its creation');
      expect(await emulator.calls()).toEqual(before);
      expect(readdirSync(folder)).toEqual([]);
    },
    30_000,
  );
});
