import {
  kryptonCliArguments,
  runKryptonCli,
  type KryptonCliOptions,
} from '../../../src/soracom/krypton/krypton-cli.js';
import {
  CommandError,
  type CommandFailure,
  type CommandResult,
  type RunOptions,
} from '../../../src/ports/command-runner.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { KEY_MAY_BE_REPLACED } from '../../../src/soracom/krypton/krypton.js';
import { PRIVATE_KEY } from '../../arc-config/sample.js';

const OPTIONS: KryptonCliOptions = {
  path: '/usr/local/bin/krypton-cli',
  'provisioning-api-endpoint-url': '',
  params: '',
  'keys-api-endpoint-url': '',
  'signature-algorithm': 'SHA-256',
  interface: 'autoDetect',
  'port-name': '',
  'baud-rate': 57600,
  'data-bits': 8,
  'stop-bits': 1,
  'parity-mode': 0,
  'disable-key-cache': false,
  'clear-key-cache': false,
  debug: false,
};

it('passes the arguments in the order of soratun', () => {
  expect(kryptonCliArguments(OPTIONS).join(' ')).toBe(
    '-operation bootstrapArc -signature-algorithm SHA-256 -interface autoDetect -baud-rate 57600 -data-bits 8 -stop-bits 1 -parity-mode 0',
  );
  const all = {
    ...OPTIONS,
    'provisioning-api-endpoint-url': 'https://p',
    params: '{"a": 1}',
    'keys-api-endpoint-url': 'https://k',
    'signature-algorithm': 'sha-256',
    interface: 'comm',
    'port-name': '/dev/ttyUSB0',
    'baud-rate': 9600,
    'data-bits': 7,
    'stop-bits': 2,
    'parity-mode': 1,
    'disable-key-cache': true,
    'clear-key-cache': true,
    debug: true,
  };
  expect(kryptonCliArguments(all)).toEqual([
    ...['-operation', 'bootstrapArc', '-signature-algorithm', 'sha-256', '-interface', 'comm'],
    ...['-baud-rate', '9600', '-data-bits', '7', '-stop-bits', '2', '-parity-mode', '1'],
    ...['-provisioning-api-endpoint-url', 'https://p', '-params', '{"a": 1}'],
    ...['-keys-api-endpoint-url', 'https://k', '-port-name', '/dev/ttyUSB0'],
    ...['-disable-key-cache', '-clear-key-cache', '-debug'],
  ]);
});

function run(result: Partial<CommandResult> | Error) {
  const calls: { command: readonly string[]; options: RunOptions | undefined }[] = [];
  const commands = {
    run: (command: readonly string[], options?: RunOptions) => {
      calls.push({ command, options });
      return result instanceof Error
        ? Promise.reject(result)
        : Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ...result });
    },
  };
  return { calls, outcome: runKryptonCli(OPTIONS, commands).catch((e: unknown) => e) };
}

it('returns the output as a secret, and has a timeout', async () => {
  const { calls, outcome } = run({ stdout: PRIVATE_KEY, stderr: 'noise' });
  const output = await outcome;
  expect(String(output)).toBe('<redacted>');
  expect((output as { expose(): string }).expose()).toBe(PRIVATE_KEY);
  expect(calls).toEqual([
    {
      command: [OPTIONS.path, ...kryptonCliArguments(OPTIONS)],
      options: { timeout: 120_000 },
    },
  ]);
});

it.each<[CommandFailure, string, RegExp, boolean]>([
  ['not-found', 'configuration', /Install krypton-cli.*--krypton-cli-path/, false],
  ['denied', 'permission', /chmod \+x/, false],
  ['timeout', 'failed', /--interface/, true],
  ['too-much-output', 'failed', /is krypton-cli/, true],
  ['failed', 'failed', /is krypton-cli/, false],
])('explains what to do if it is %s', async (failure, kind, advice, mayHaveRun) => {
  const error = (await run(new CommandError(failure, 'the reason')).outcome) as UserError;
  expect(error).toMatchObject({ kind, what: 'cannot run krypton-cli', why: 'the reason' });
  expect(error.next.join()).toMatch(advice);
  expect(error.next.includes(KEY_MAY_BE_REPLACED)).toBe(mayHaveRun);
});

it.each([1, undefined])(
  'reports that the key may have changed after status %s',
  async (exitCode) => {
    const error = (await run({ exitCode }).outcome) as UserError;
    expect(error.next).toContain(KEY_MAY_BE_REPLACED);
  },
);

it('shows the errors of a failed run, but not its output', async () => {
  const stderr = 'first\r\n\n\u001b[31msecond\u0007\n';
  const { outcome } = run({ exitCode: 1, stdout: `out ${PRIVATE_KEY}`, stderr });
  const error = (await outcome) as UserError;
  expect(error).toBeInstanceOf(UserError);
  expect(error.kind).toBe('failed');
  expect(error.why).toBe(`${OPTIONS.path} exited with status 1:\n    first\n     [31msecond`);
});

it('hides a key that is in its errors', async () => {
  const hex = Buffer.from(PRIVATE_KEY, 'base64').toString('hex');
  const short = Buffer.alloc(16, 7);
  const secrets = [PRIVATE_KEY, hex, short.toString('base64'), short.toString('hex')];
  const { outcome } = run({ exitCode: 1, stderr: secrets.map((text) => `k=${text}`).join('\n') });
  const { why } = (await outcome) as UserError;
  for (const secret of secrets) expect(why).not.toContain(secret);
  expect(why.match(/k=<redacted>/g)).toHaveLength(4);
});
