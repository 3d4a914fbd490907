/** The runs of `bench lambda` in sandboxes: warm, cold, and after a freeze. */
import { SandboxProcess } from '../../build/harness/test/support/lambda/sandbox-process.js';
import { invoke, logged } from './lambda-lab.js';

/** The duration of a freeze in milliseconds: ten minutes. */
const FREEZE = 600_000;

/**
 * Runs one sandbox, in which each invocation posts through the extension and directly, in
 * alternating order.
 *
 * @returns for each invocation, both durations and the time that Lambda would bill after the
 * function's own, in ms
 */
export async function runWarm(lab, program, { invocations, freezeBetweenInvokes }) {
  const config = lab.createSim();
  const { sandbox, port } = await lab.sandbox(program, config, { freezeBetweenInvokes });
  try {
    const runs = [];
    for (let run = 0; run < invocations; run++) {
      const isOursFirst = run % 2 === 0;
      const ports = isOursFirst ? [port, lab.plainPort] : [lab.plainPort, port];
      const { took, postRuntimeMs } = await invoke(sandbox, ports);
      const [ours, baseline] = isOursFirst ? took : took.toReversed();
      runs.push({ ours, baseline, postRuntime: postRuntimeMs });
    }
    return runs;
  } finally {
    await sandbox.close();
  }
}

/**
 * Sends unmeasured messages, so that the emulator's code is compiled, as it would be in a busy
 * server. The measured extension is a different process.
 */
export async function warmPlatform(lab, program, messages) {
  const { sandbox, port } = await lab.sandbox(program, lab.createSim());
  try {
    for (let message = 0; message < messages; message++) await invoke(sandbox, [port]);
  } finally {
    await sandbox.close();
  }
}

/**
 * Runs `node -e 0` once, then one init of a sandbox.
 *
 * @returns the ms from exec to the registration, from exec to node's exit, and from the
 * registration to the first /next; `phases` comes from the extension's log
 */
export async function runCold(lab, program, config) {
  const baseline = await timeNode(lab.node);
  const { sandbox } = await lab.sandbox(program, config);
  try {
    const { status } = await sandbox.initialized();
    const [phases] = logged(sandbox, 'ready');
    if (status !== 'success' || phases === undefined) throw new Error(sandbox.output('arctun'));
    const at = (wanted) => sandbox.steps.find(({ step }) => step === wanted).at;
    const registeredAt = at('extension registered');
    return {
      baseline,
      registered: registeredAt - at('extension started'),
      ready: at('extension next') - registeredAt,
      phases,
    };
  } finally {
    await sandbox.close();
  }
}

/** Returns the run time in milliseconds of a Node process that is started like an extension. */
function timeNode(node) {
  return new Promise((resolve, reject) => {
    const enter = ['setpriv', '--pdeathsig', 'KILL', 'env', '-u', 'PWD', '-u', 'OLDPWD', '-C', '/'];
    const started = new SandboxProcess({
      name: 'node',
      command: [...enter, node, '-e', '0'],
      env: { PATH: process.env.PATH },
      cwd: '/',
      onLine: () => undefined,
      onExit: ({ code, at }) => {
        if (code === 0) resolve(at - started.startedAt);
        else reject(new Error(`node has ended with ${code}`));
      },
    });
  });
}

/**
 * Runs one sandbox that is frozen for ten minutes after an invocation.
 *
 * @param isForgotten whether the NAT on the path drops the mapping meanwhile
 * @returns the ms of the POST in the next invocation, and the handshakes since the freeze
 */
export async function runFreeze(lab, program, path, { isForgotten }) {
  // Each freeze needs its own SIM, because the clock jump leaves future handshake timestamps.
  const config = lab.createSim(path);
  const { sandbox, port } = await lab.sandbox(program, config, { fakeClock: true });
  try {
    const handshakes = () => logged(sandbox, 'handshake complete').length;
    await invoke(sandbox, [port]);
    await sandbox.freeze();
    const before = handshakes();
    sandbox.jumpClock(FREEZE);
    if (isForgotten) await lab.forgetMapping(path);
    const { took } = await invoke(sandbox, [port]);
    return { took: took[0], handshakes: handshakes() - before };
  } finally {
    await sandbox.close();
  }
}
