/** arctun on 32-bit ARM: Debian's Node.js in qemu. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ARCTUN, Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { isLong } from '../support/runner/tier.js';

const ARMHF = `${REPOSITORY}build/armhf`;
const NODE = `${ARMHF}/node`;
const SUPPORT = `${REPOSITORY}test/support/armhf`;
/** qemu is about twenty times slower than this machine. */
const PATIENCE = 900_000;

/** Tests with published answers. */
const KNOWN_ANSWERS = [
  'crypto/key-pair',
  'crypto/node',
  'crypto/nonce',
  'crypto/openssl',
  'crypto/select',
  'crypto/x25519',
  'wireguard/handshake/handshake',
  'wireguard/handshake/tai64n',
  'wireguard/noise/handshake-state',
  'wireguard/noise/kdf',
  'wireguard/noise/symmetric-state',
];
/** Tests of system calls, whose structs have other layouts than on a 64-bit machine. */
const SYSTEM_CALLS = [
  'system/linux/machine-word',
  'system/linux/udp/batched-udp-socket',
  'system/linux/udp/socket-address',
  'system/linux/udp/unix-datagram',
];
const LAYOUTS = [
  'lib/sequence-number',
  'wire/checksum',
  'wire/tcp',
  'wireguard/data/replay-window',
  'wireguard/messages',
];

describeWith(['linux', 'qemu-arm-static', 'armhf-node'], 'on 32-bit ARM', () => {
  const processes = new Processes();
  let folder: string;
  beforeAll(() => {
    execFileSync(process.execPath, [`${SUPPORT}/transpile.js`], { stdio: 'pipe' });
    folder = mkdtempSync(join(tmpdir(), 'arctun-armhf-'));
  }, PATIENCE);
  afterAll(async () => {
    await processes.close();
    rmSync(folder, { recursive: true });
  });

  /** With koffi's native code. sodium-native has none for this machine. */
  const withKoffi = { NODE_PATH: `${ARMHF}/node_modules` };
  const run = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    processes.run([NODE, ...words], { cwd: ARMHF, env });

  async function runTests(names: readonly string[]): Promise<number> {
    const files = names.map((name) => `code/test/${name}.test.js`);
    const { code, stdout, stderr } = await run([`${SUPPORT}/run-tests.js`, ...files]);
    expect({ code, failures: failuresIn(stdout), stderr }).toEqual({
      code: 0,
      failures: [],
      stderr: '',
    });
    return Number(/^. pass (\d+)$/m.exec(stdout)?.[1]);
  }

  it.each([
    ['no sodium-native, koffi', withKoffi],
    ['no sodium-native (slower), no koffi (slower, userspace mode only)', {}],
  ])(
    'reports %s',
    async (packages, env) => {
      expect((await run([ARCTUN, '--version'])).stdout).toContain(' linux-arm ');
      const config = ['--config', join(folder, 'none.json'), '--mode', 'userspace'];
      const offline = { ...env, ARCTUN_ENDPOINT: 'http://127.0.0.1:1' };
      const { stdout } = await run([ARCTUN, 'doctor', '--json', ...config], offline);
      expect(stdout).toContain(`, ${packages}, `);
    },
    PATIENCE,
  );

  it(
    'passes the tests of system calls',
    async () => expect(await runTests(SYSTEM_CALLS)).toBeGreaterThan(50),
    PATIENCE,
  );

  if (isLong) {
    it(
      'passes the tests with known answers',
      async () => expect(await runTests([...KNOWN_ANSWERS, ...LAYOUTS])).toBeGreaterThan(100),
      PATIENCE,
    );

    it('delivers the messages of the demo with koffi', () => demo(withKoffi), PATIENCE);

    it('delivers the messages of the demo without native code', () => demo({}), PATIENCE);

    it(
      'simulates an hour on a bad network',
      async () => {
        const { code, stdout, stderr } = await run(['code/test/sim/main.js', '--hours', '1']);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toContain('packets by openssl');
      },
      PATIENCE,
    );
  }

  async function demo(env: NodeJS.ProcessEnv): Promise<void> {
    const words = [process.execPath, `${REPOSITORY}tools/demo.js`, '--node', NODE];
    const { code, stdout } = await processes.run(words, { env: { TMPDIR: folder, ...env } });
    expect(stdout).toMatch(/201 Created[^]*201 Created[^]*Delivered/);
    expect(code).toBe(0);
  }
});

function failuresIn(output: string): string[] {
  return output.split('\n').filter((line) => /^\s*not ok /.test(line));
}
