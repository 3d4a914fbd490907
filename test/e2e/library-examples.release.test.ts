/** The programs of docs/guides/library-examples.md that need SORACOM, against the emulator. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bootstrap, type ArcJson } from '../../src/index.js';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { exampleProgram } from '../support/example-programs.js';
import { LambdaSandbox, nodeFunction } from '../support/lambda/main.js';
import { Processes, REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith, LAMBDA_SANDBOX } from '../support/runner/requirements.js';

const processes = new Processes();
const folder = mkdtempSync(join(tmpdir(), 'arctun-examples-'));
let emulator: EmulatorProcess;

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  symlinkSync(REPOSITORY, join(modules, 'arctun'));
  symlinkSync(join(REPOSITORY, 'node_modules/undici'), join(modules, 'undici'));
});
afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

const bodies = async (): Promise<unknown[]> =>
  (await emulator.messages()).map(({ body }) => JSON.parse(String(body)) as unknown);

it('devices.mjs opens a tunnel for each device, and prints the time and memory', async () => {
  writeFileSync(join(folder, 'devices.mjs'), exampleProgram('devices.mjs'));
  const env = { ...emulator.env, XDG_STATE_HOME: folder };
  const command = [process.execPath, 'devices.mjs', '100'];
  const { code, stdout, stderr } = await processes.run(command, { cwd: folder, env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const line = (what: string) => `100 ${what}: \\d+\\.\\d s, -?\\d+ KiB each\n`;
  expect(stdout).toMatch(new RegExp(`^${line('SIMs')}${line('tunnels')}${line('messages')}$`));
  const sims = await emulator.sims();
  expect(new Set(sims.map(({ tags }) => tags.name))).toEqual(
    new Set([...Array(100).keys()].map((number) => `device-${number}`)),
  );
  const sent = (await bodies()) as { device: number }[];
  expect(sent.map(({ device }) => device).sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
  expect(new Set((await emulator.messages()).map(({ simId }) => simId)).size).toBe(100);
}, 120_000);

/** A relay in front of the Arc server, like a NAT: a new relay has no mappings. */
class Nat {
  port = 0;
  #process: TestProcess | undefined;

  async start(): Promise<void> {
    const script = `${REPOSITORY}test/support/foreign/udp-relay.js`;
    const command = [process.execPath, script, emulator.arc, '--port', String(this.port)];
    this.#process = processes.start(command);
    const [, port] = await this.#process.output(/listening (\d+)/);
    this.port = Number(port);
  }

  async forget(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#process?.finished;
    await this.start();
  }
}

/** The arc.json of a new SIM whose server is behind the NAT. */
async function arcJsonBehind({ port }: Nat): Promise<string> {
  const { ARCTUN_AUTH_KEY_ID: authKeyId, ARCTUN_AUTH_KEY: authKey } = emulator.env;
  let arcJson: ArcJson | undefined;
  await bootstrap({
    ...{ credentials: { authKeyId, authKey }, endpoint: emulator.api },
    save: (saved) => void (arcJson = saved),
  });
  const session = { ...arcJson?.arcSessionStatus, arcServerEndpoint: `127.0.0.1:${port}` };
  return JSON.stringify({ ...arcJson, arcSessionStatus: session });
}

describeWith([...LAMBDA_SANDBOX, 'faketime'], 'the Lambda function', () => {
  it('keeps its tunnel over invocations, and recovers from freezes', async () => {
    writeFileSync(join(folder, 'index.mjs'), exampleProgram('index.mjs'));
    const nat = new Nat();
    await nat.start();
    const sandbox = await LambdaSandbox.start({
      ...{ ...nodeFunction('message'), taskRoot: folder, handler: 'index.handler' },
      ...{ timeoutMs: 30_000, initLimitMs: 30_000, fakeClock: true },
      env: { ARC_JSON: await arcJsonBehind(nat), XDG_STATE_HOME: join(folder, 'lambda') },
    });
    try {
      const invoke = async (event: object) => {
        const { response, error } = await sandbox.invoke(event);
        expect({ event, error }).toEqual({ event, error: undefined });
        expect(JSON.parse(response ?? '')).toEqual({ statusCode: 201, body: '' });
        expect(await bodies()).toContainEqual(event);
      };
      await invoke({ invocation: 1 });
      await invoke({ invocation: 2 });
      await sandbox.freeze();
      sandbox.jumpClock(600_000);
      await invoke({ invocation: 'after ten minutes' });
      await sandbox.freeze();
      sandbox.jumpClock(3_600_000);
      await nat.forget();
      await invoke({ invocation: 'after an hour and a new NAT mapping' });
      await sandbox.freeze();
      sandbox.jumpClock(1_000);
      await invoke({ invocation: 'after a second' });
    } finally {
      await sandbox.close();
    }
  }, 120_000);
});
