import {
  CommandError,
  type CommandResult,
  type CommandRunner,
  type RunOptions,
} from '../../src/ports/command-runner.js';

/** Programs that end at once, or hang until they are stopped. */
export class FakeCommands implements CommandRunner {
  /** The commands that were run, words joined, with their options. */
  readonly ran: { readonly line: string; readonly options: RunOptions }[] = [];
  /** The result of a program that does not simply succeed. */
  readonly ends = new Map<string, Partial<CommandResult> | CommandError | 'hangs'>();
  /** Called when a program is started. */
  onRun: ((program: string) => void) | undefined;

  get lines(): string[] {
    return this.ran.map(({ line }) => line);
  }

  async run(command: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const [program = ''] = command;
    options.signal?.throwIfAborted();
    this.ran.push({ line: command.join(' '), options });
    this.onRun?.(program);
    const end = this.ends.get(program);
    if (end instanceof CommandError) throw end;
    if (end === 'hangs') await stopped(options.signal);
    return { exitCode: 0, stdout: '', stderr: '', ...(end === 'hangs' ? {} : end) };
  }
}

function stopped(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(signal?.reason as Error);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
