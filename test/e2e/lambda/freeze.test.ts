/**
 * Environments that Lambda freezes between invocations: processes that stop, and clocks that jump.
 */
import { join } from 'node:path';

import type { LambdaSandbox } from '../../support/lambda/main.js';
import { answerOf, LambdaLab, type LabOptions, logged } from '../../support/foreign/lambda-lab.js';
import { REPOSITORY, type TestProcess } from '../../support/processes.js';
import { describeWith, LAMBDA_SANDBOX } from '../../support/runner/requirements.js';
import { until } from '../../support/until.js';

const lab = new LambdaLab();
afterAll(() => lab.close());
beforeAll(() => lab.start(), 120_000);
afterEach(() => lab.closeSandboxes());

/** The server's address as seen from behind a NAT. */
class Nat {
  port = 0;
  #process: TestProcess | undefined;

  async start(): Promise<void> {
    const script = `${REPOSITORY}test/support/foreign/udp-relay.js`;
    const command = [process.execPath, script, lab.platform.arc, '--port', String(this.port)];
    this.#process = lab.processes.start(command);
    const [, port] = await this.#process.output(/listening (\d+)/);
    this.port = Number(port);
  }

  /** From now on, our packets come from another port. */
  async forget(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.#process?.finished;
    await this.start();
  }
}

let sims = 0;

/** With a separate SIM: after its clock was ahead once, its timestamps differ permanently. */
async function start(options: LabOptions = {}): Promise<{ sandbox: LambdaSandbox; nat: Nat }> {
  const nat = new Nat();
  await nat.start();
  const name = `sim${sims++}`;
  await lab.createSim(join(lab.folder, `${name}.json`));
  const session = { arcServerEndpoint: `127.0.0.1:${nat.port}` };
  const sandbox = await lab.sandbox({
    fakeClock: true,
    settings: { ARCTUN_CONFIG: lab.variant(name, { session }) },
    ...options,
  });
  return { sandbox, nat };
}

async function post(sandbox: LambdaSandbox, message: object): Promise<void> {
  const { response, error } = await sandbox.invoke(message);
  expect(error).toBeUndefined();
  expect(answerOf(response)).toEqual({ statusCode: 201, body: '' });
  expect(await lab.messages()).toContainEqual(message);
}

async function sleep(sandbox: LambdaSandbox, duration: number): Promise<void> {
  await sandbox.freeze();
  sandbox.jumpClock(duration);
}

const handshakes = (sandbox: LambdaSandbox) => logged(sandbox, /^handshake complete$/).length;

describeWith([...LAMBDA_SANDBOX, 'faketime'], 'after a freeze', () => {
  it('of ten minutes, the next message needs an additional handshake', async () => {
    const { sandbox } = await start();
    await post(sandbox, { freeze: 'before' });
    await sleep(sandbox, 600_000);
    await post(sandbox, { freeze: 'behind' });
    expect(handshakes(sandbox)).toBe(2);
  });

  it('in which the NAT lost its mapping, it also needs one', async () => {
    const { sandbox, nat } = await start();
    await post(sandbox, { nat: 'before' });
    await sleep(sandbox, 600_000);
    await nat.forget();
    await post(sandbox, { nat: 'behind' });
    expect(handshakes(sandbox)).toBe(2);
  });

  it('shorter than the lifetime of a session, it needs none until the session is old', async () => {
    const { sandbox } = await start();
    for (let nap = 0; nap < 4; nap++) {
      await post(sandbox, { nap });
      // A slow machine has 27 s for these posts.
      await sleep(sandbox, 31_000);
    }
    expect(handshakes(sandbox)).toBe(1);
    // 124 s: the session is renewed in the background.
    await post(sandbox, { nap: 'the last' });
    await until(() => handshakes(sandbox) === 2);
  });

  it('of a snapshot, no session exists that its copies would share', async () => {
    const { sandbox } = await start({ initializationType: 'snap-start' });
    await sandbox.initialized();
    expect(handshakes(sandbox)).toBe(0);
    await sleep(sandbox, 3_600_000);
    await post(sandbox, { snapshot: 1 });
    expect(handshakes(sandbox)).toBe(1);
    // The meaning of a clock jump is unknown there, so a session never outlives one.
    await sleep(sandbox, 30_000);
    await post(sandbox, { snapshot: 2 });
    expect(handshakes(sandbox)).toBe(2);
  });
});
