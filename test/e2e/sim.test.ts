/** The commands of `sim` against the emulator, as a user types them, right and wrong. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { itInRelease } from '../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;

afterAll(() => processes.close());
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-sim-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...emulator.env, STATE_DIRECTORY: join(folder, 'state'), ...more };
}

function run(parameters: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const command = [process.execPath, ARCTUN, ...parameters];
  return processes.run(command, { cwd: folder, env: environment(env) });
}

/** @returns the SIM's ID */
async function bootstrap(name = 'sensor', config = 'arc.json'): Promise<string> {
  const done = await run(['bootstrap', 'authkey', '--name', name, '--config', config, '--json']);
  expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
  return (JSON.parse(done.stdout) as { simId: string }).simId;
}

async function jsonOf(parameters: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run([...parameters, '--json']);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

async function statusOf(simId: string): Promise<unknown> {
  return ((await jsonOf(['sim', 'show', simId])) as { status: unknown }).status;
}

const arcJson = () =>
  JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as Record<string, string>;
const writeArcJson = (content: object) =>
  writeFileSync(join(folder, 'arc.json'), JSON.stringify(content), { mode: 0o600 });

describe('sim list', () => {
  it('lists the newest first, for people and for programs', async () => {
    const first = await bootstrap('first', 'first.json');
    const second = await bootstrap('second', 'second.json');
    // The flag --name does not accept this name, but another program may set it.
    const tags = [{ tagName: 'name', tagValue: 'zwei\u001b[2J' }];
    expect(await emulator.call('PUT', `/sims/${second}/tags`, tags)).toMatchObject({ status: 200 });
    const { code, stdout } = await run(['sim', 'list']);
    expect(code).toBe(0);
    const [headings, ...rows] = stdout.trimEnd().split('\n');
    expect(headings).toMatch(/^SIM ID +NAME +STATUS +SESSION +ADDRESS +CREATED +GROUP$/);
    expect(rows[0]).toMatch(new RegExp(`^${second}  zwei\ufffd\\[2J +active +online +10\\.`));
    expect(rows[1]).toMatch(new RegExp(`^${first}  first `));
    expect(stdout).not.toContain('\u001b');
    expect(await jsonOf(['sim', 'list'])).toMatchObject([
      { simId: second, name: 'zwei\u001b[2J', status: 'active', online: true },
      { simId: first, name: 'first' },
    ]);
  }, 60_000);
});

describe('sim show', () => {
  itInRelease(
    'shows arc.json’s SIM, and that it is consistent',
    async () => {
      const simId = await bootstrap();
      const { code, stdout } = await run(['sim', 'show', '--events']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^SIM ID +${simId}\nName +sensor\nStatus +active\n`));
      expect(stdout).toContain('\narc.json matches SORACOM.\n');
      expect(stdout).toMatch(/\nTIME +EVENT +ADDRESS\n.*Created/);
      expect(stdout).not.toContain(arcJson().privateKey);
    },
    60_000,
  );

  itInRelease(
    'reports what keeps arc.json from working',
    async () => {
      await bootstrap();
      const session = arcJson().arcSessionStatus as unknown as object;
      const arcSessionStatus = { ...session, arcClientPeerIpAddress: '10.99.99.99' };
      const privateKey = Buffer.alloc(32, 1).toString('base64');
      writeArcJson({ ...arcJson(), privateKey, arcSessionStatus });
      const { stdout } = await run(['sim', 'show']);
      expect(stdout).toMatch(
        /The SIM's public key is \S+, but the key in arc\.json has the public key \S+\. The server does not answer handshakes/,
      );
      expect(stdout).toContain('but 10.99.99.99 in arc.json.');
      const { arcConfig } = (await jsonOf(['sim', 'show'])) as {
        arcConfig: { findings: unknown[] };
      };
      expect(arcConfig.findings).toHaveLength(2);
    },
    60_000,
  );
});

describe('sim renew-key', () => {
  it('invalidates the old key and opens the tunnel with the new one', async () => {
    const simId = await bootstrap();
    const old = readFileSync(join(folder, 'arc.json'), 'utf8');
    const { code, stdout, stderr } = await run(['sim', 'renew-key']);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'The old key no longer works: restart any tunnel that is using it.\n',
    });
    expect(stdout).toBe(`SIM ${simId} has a new key, saved in ${join(folder, 'arc.json')}.\n`);
    expect(old).not.toContain(arcJson().privateKey);
    expect((await run(['send', 'with the new key'])).code).toBe(0);
    const refused = await run(['send', 'with the old key', '--wait', '1'], { ARCTUN_CONFIG: old });
    expect(refused.code).toBe(5);
  }, 60_000);

  itInRelease(
    'continues with the same key if the response was lost',
    async () => {
      await bootstrap();
      const before = arcJson().privateKey;
      await emulator.fault({ operation: 'renewArcSimCredentials', cut: 'after' });
      expect((await run(['sim', 'renew-key'])).code).toBe(4);
      expect(arcJson().privateKey).toBe(before);
      expect(existsSync(join(folder, '.arc.json.bootstrap'))).toBe(true);
      const again = await run(['sim', 'renew-key']);
      expect(again.code).toBe(0);
      expect(again.stderr).toContain('created by an earlier, interrupted run');
      expect(existsSync(join(folder, '.arc.json.bootstrap'))).toBe(false);
      expect((await run(['send', 'x'])).code).toBe(0);
    },
    60_000,
  );
});

describe('sim terminate', () => {
  it('terminates the SIM, its protection first, and its tunnel', async () => {
    const simId = await bootstrap();
    const done = await run(['sim', 'terminate', '--yes']);
    expect(done.code).toBe(0);
    expect(done.stdout).toBe(`SIM ${simId} is terminated and no longer billed. This is final.\n`);
    expect(done.stderr).toMatch(new RegExp(`^This SIM will be terminated:\n.*\n${simId} +sensor `));
    expect(done.stderr).toContain('arc.json is unchanged, but no longer works.');
    expect(await statusOf(simId)).toBe('terminated');
    expect((await run(['send', 'x', '--wait', '1'])).code).toBe(5);

    const again = await run(['sim', 'terminate', simId, '-y', '--json']);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toEqual({
      simId,
      name: 'sensor',
      alreadyTerminated: true,
      status: 'terminated',
    });
    expect((await run(['sim', 'terminate', '--yes'])).stdout).toBe(
      `SIM ${simId} is already terminated.\n`,
    );
  }, 60_000);
});

describe('sim terminate by tag', () => {
  /** SORACOM's clock, the `Date` of a response, has a resolution of one second. */
  const untilOld = () => pause(1_100);

  const bootstrapTagged = async (tag: string) => {
    const name = tag.replace('=', '-');
    const words = ['bootstrap', 'authkey', '--tag', tag, '--config', `${name}.json`, '--json'];
    const { stdout } = await run(words);
    return (JSON.parse(stdout) as { simId: string }).simId;
  };

  itInRelease(
    'terminates only old SIMs with the tag, and reports SIMs without tags',
    async () => {
      const left = await bootstrapTagged('sweep=mine');
      const other = await bootstrapTagged('sweep=other');
      const { body } = await emulator.call('POST', '/sims', {
        type: 'virtual',
        subscription: 'planArc01',
      });
      const { simId: untagged } = body as { simId: string };
      await untilOld();
      const words = ['sim', 'terminate', '--tag', 'sweep=mine'];

      const young = await run([...words, '--older-than', '1h', '--yes']);
      expect(young).toEqual({
        code: 0,
        stdout: '',
        stderr: 'No virtual SIM with this tag is old enough.\n',
      });

      const dry = await run([...words, '--older-than', '0s', '--dry-run']);
      expect(dry.code).toBe(0);
      expect(dry.stdout).toMatch(new RegExp(`^SIM ID .*\n${left} .*\n$`));
      expect(dry.stderr).toContain(`neither tags nor a name: `);
      expect(dry.stderr).toContain(untagged);
      expect(await statusOf(left)).toBe('active');

      const done = await run([...words, '--older-than', '0s', '--yes']);
      expect(done.stdout).toBe(`SIM ${left} is terminated and no longer billed.\n`);
      expect(done.stderr).toMatch(/^These SIMs will be terminated:\n/);
      expect(await statusOf(left)).toBe('terminated');
      expect(await statusOf(other)).toBe('active');
      expect(await statusOf(untagged)).toBe('active');

      const rest = await jsonOf(['sim', 'terminate', '--tag', 'sweep', '--older-than', '0s', '-y']);
      expect(rest).toMatchObject({
        dryRun: false,
        sims: [{ simId: other, outcome: 'terminated', tags: { sweep: 'other' } }],
        notes: [expect.stringContaining(untagged)],
      });
      await emulator.terminate(untagged);
    },
    60_000,
  );

  itInRelease.each([
    [['--tag', 'a=b'], '--tag requires --older-than'],
    [['--older-than', '1h'], '--older-than works only with --tag'],
    [['--dry-run'], '--dry-run works only with --tag'],
    [['8942', '--tag', 'a', '--older-than', '1h'], 'SIM_ID and --tag cannot be used together'],
    [['--tag', '=b', '--older-than', '1h'], 'cannot use --tag =b'],
    [['--tag', 'a=', '--older-than', '1h'], 'cannot use --tag a='],
    [['--tag', 'a', '--older-than', '1'], 'the value must be a duration'],
  ])(
    'refuses %j before any call',
    async (words, message) => {
      const before = await emulator.calls();
      const { code, stderr } = await run(['sim', 'terminate', '--yes', ...words]);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
      expect(await emulator.calls()).toEqual(before);
    },
    60_000,
  );
});

describeWith(['script'], 'sim terminate on a terminal', () => {
  function onTerminal() {
    const command = `'${process.execPath}' '${ARCTUN}' sim terminate`;
    const env = environment({ TERM: 'xterm' });
    const options = { cwd: folder, interactive: true, env };
    return processes.start(['script', '-qefc', command, '/dev/null'], options);
  }

  itInRelease.each([
    ['its name', 'sensor\r', 0, 'terminated'],
    ['another word', 'yes\r', 1, 'active'],
  ])(
    'accepts the answer %s',
    async (_, typed, exit, status) => {
      const simId = await bootstrap();
      const asked = onTerminal();
      await asked.output(/Type the SIM's name \(sensor\)/);
      expect(asked.stdout).toContain(simId);
      asked.type(typed);
      expect((await asked.finished).code).toBe(exit);
      expect(await statusOf(simId)).toBe(status);
    },
    60_000,
  );
});
