/** Stop signals that arrive before a command handles them, in a process other than process 1. */
import { Processes, REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

const FOLDER = `${REPOSITORY}dist/src/system/process`;

// Windows does not deliver these signals.
describeWith(['linux'], 'stopEarly()', () => {
  let processes: Processes;
  beforeEach(() => {
    processes = new Processes();
  });
  afterEach(() => processes.close());

  /** Sends a signal to a program after it has run `code`. The program ends by itself after 20 s. */
  async function signalAfter(code: string, signal: NodeJS.Signals): Promise<number | null> {
    const text = `
      const { stopEarly } = await import('${FOLDER}/stop-early.js');
      const { stopSignal } = await import('${FOLDER}/signals.js');
      ${code}
      setTimeout(() => process.exit(99), 20_000);
      console.log('ready');
    `;
    const program = processes.start([process.execPath, '--input-type=module', '-e', text]);
    await program.output(/^ready$/m);
    program.kill(signal);
    return (await program.finished).code;
  }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends the process at %s with %d', async (name, code) => {
    expect(await signalAfter('stopEarly();', name)).toBe(code);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves %s to the command', async (name) => {
    const code = `stopEarly(); stopSignal().addEventListener('abort', () => process.exit(7));`;
    expect(await signalAfter(code, name)).toBe(7);
  });

  it('is not called in other processes than process 1', async () => {
    // A process that a signal ends does not have an exit code.
    expect(await signalAfter('', 'SIGTERM')).toBeNull();
  });
});
