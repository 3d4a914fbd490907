import { spawn } from 'node:child_process';

import { Command, CommandError, runCommand } from '../../../tools/smoke/commands.js';
import { until } from '../../support/until.js';

const COMMANDS = new URL('../../../tools/smoke/commands.js', import.meta.url).href;
const { signal } = new AbortController();

const node = (script: string) => [process.execPath, '--input-type=module', '-e', script];
const WAIT = 'setInterval(() => {}, 1000);';

it('collects the output of a command', async () => {
  const texts: string[] = [];
  const script = 'console.log("out"); console.error("err")';
  const onStderr = (text: string) => void texts.push(text);
  expect(await runCommand(node(script), { name: 'x', onStderr })).toEqual({
    code: 0,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  expect(texts.join('')).toBe('err\n');
});

it('reports the exit code and the line of the error', async () => {
  const script =
    'console.error("--- Request dump\\nError: cannot sign in: HTTP 401\\n  Check the key."); process.exit(4)';
  const run = runCommand(node(script), { name: 'arctun sim' });
  await expect(run).rejects.toThrow(CommandError);
  await expect(run).rejects.toThrow('arctun sim: exit code 4: Error: cannot sign in: HTTP 401');
});

it('reports a program that is missing', async () => {
  await expect(runCommand(['/nowhere/aws'], { name: 'aws' })).rejects.toThrow(/ENOENT/);
});

it('stops a command with SIGINT, waits for its end, and rejects with the reason', async () => {
  const controller = new AbortController();
  const script = `process.on('SIGINT', () => { console.error('finished'); process.exit(0); }); console.error('ready'); ${WAIT}`;
  let stderr = '';
  const run = runCommand(node(script), {
    name: 'x',
    signal: controller.signal,
    onStderr: (text) => {
      stderr += text;
      if (text.includes('ready')) controller.abort(new Error('stopped by SIGINT'));
    },
  });
  await expect(run).rejects.toThrow('stopped by SIGINT');
  expect(stderr).toBe('ready\nfinished\n');
});

describe('printed', () => {
  it('waits for output, also if the command has ended', async () => {
    const command = new Command(node('console.log("port 7")'));
    expect((await command.printed(/port (\d+)/, signal))[1]).toBe('7');
    await command.finished;
    expect((await command.printed(/port (\d+)/, signal))[1]).toBe('7');
  });

  it('rejects if the command ends first', async () => {
    const command = new Command(node('console.error("Error: no handshake"); process.exit(5)'));
    const message = 'the command ended: Error: no handshake';
    await expect(command.printed(/never/, signal)).rejects.toThrow(message);
    await expect(command.printed(/never/, signal)).rejects.toThrow(message);
  });
});

describe('a leashed command', () => {
  const READY = `process.on('SIGTERM', () => process.exit(3)); console.log(process.pid); ${WAIT}`;

  it('ends with its own exit code when it is stopped', async () => {
    const command = new Command(node(READY), { leashed: true });
    await command.printed(/^\d+$/m, signal);
    expect((await command.stop()).code).toBe(3);
  });

  it('is killed with its child if it does not end', async () => {
    const deaf = `process.on('SIGTERM', () => {}); console.log(process.pid); ${WAIT}`;
    const command = new Command(node(deaf), { leashed: true, stopLimit: 10 });
    const [pid] = await command.printed(/^\d+$/m, signal);
    expect((await command.stop()).code).toBeNull();
    await until(() => !isRunning(Number(pid)));
  });

  it('ends if the process that started it is killed', async () => {
    const script = `import { Command } from ${JSON.stringify(COMMANDS)};
      const command = new Command(${JSON.stringify(node(READY))}, { leashed: true });
      const [pid] = await command.printed(/^\\d+$/m, new AbortController().signal);
      console.log(pid);`;
    const [program = '', ...parameters] = node(script);
    const starter = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => {
      starter.stdout.once('data', (text: Buffer) => resolve(Number(text)));
    });
    starter.kill('SIGKILL');
    await until(() => !isRunning(pid));
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
