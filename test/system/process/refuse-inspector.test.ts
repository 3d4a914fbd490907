/** SIGUSR1 opens Node's inspector, but not in arctun's processes. */
import { Processes, ARCTUN, REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

const MODULE = `${REPOSITORY}dist/src/system/process/refuse-inspector.js`;

/** The inspector would get a free port, whatever else runs here. */
const ANY_PORT = '--inspect-port=0';

// Windows has no SIGUSR1.
describeWith(['linux'], 'SIGUSR1', () => {
  let processes: Processes;

  beforeEach(() => {
    processes = new Processes();
  });
  afterEach(() => processes.close());

  /**
   * A program that reports whether an inspector is open, after a second signal may have opened it.
   */
  const program = (before: string, after: string) => `
    ${before}
    await import(process.argv[1]);
    const inspector = await import('node:inspector');
    ${after}
    setTimeout(() => { console.log(inspector.url() ?? 'closed'); process.exit(); }, 1_500);
  `;
  const signal = `process.kill(process.pid, 'SIGUSR1');`;
  const run = (text: string, ...options: string[]) =>
    processes.start([...[process.execPath, ...options, '--input-type=module', '-e', text, MODULE]])
      .finished;

  it('does not open an inspector', async () => {
    const { stdout, stderr, code } = await run(program('', signal), ANY_PORT);
    expect({ stdout, stderr, code }).toEqual({ stdout: 'closed\n', stderr: '', code: 0 });
  }, 30_000);

  it('closes one that was opened before the process could refuse', async () => {
    const { stdout, stderr } = await run(program(signal, ''), ANY_PORT);
    expect(stderr).toContain('Debugger listening');
    expect(stdout).toBe('closed\n');
  }, 30_000);

  it('keeps one that the user requested by --inspect', async () => {
    const { stdout } = await run(program('', signal), '--inspect=127.0.0.1:0');
    expect(stdout).toMatch(/^ws:/);
  }, 30_000);

  it('does not affect a command that runs', async () => {
    const listen = ['--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0'];
    const emulator = processes.start([
      ...[process.execPath, ANY_PORT, ARCTUN, 'emulator', '--json', ...listen],
    ]);
    await emulator.output(/"api"/);
    emulator.kill('SIGUSR1');
    emulator.kill('SIGTERM');
    const { code, stderr } = await emulator.finished;
    expect(code).toBe(0);
    expect(stderr).not.toContain('Debugger listening');
  }, 30_000);
});
