/** The commands of arc.json around a tunnel: which run when, and with soratun's words in the log. */
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { isCredentialVariable } from '../../lib/secrets/credential-variables.js';
import {
  CommandError,
  type CommandResult,
  type CommandRunner,
} from '../../ports/command-runner.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { redactCommand } from '../../lib/secrets/redacted-command.js';
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Log } from '../../ports/log.js';

/** By their names in wg-quick, which soratun logs. */
export type HookPhase = 'PreUp' | 'PostUp' | 'PreDown' | 'PostDown';

export interface HookCommand {
  /** `PostUp(0)`, by the place in arc.json. */
  readonly name: string;
  /** The program and its arguments, with the interface's name in them. */
  readonly command: readonly string[];
}

export interface HookPlan {
  readonly commands: Readonly<Record<HookPhase, readonly HookCommand[]>>;
  /** The names of those that speak of an interface where there is none. */
  readonly skipped: readonly string[];
}

/** What stands for the interface in a command. */
const INTERFACE = /%i/g;

/**
 * Which commands run in which phase. One without a program is left out, as in soratun.
 *
 * @param interfaceName undefined in userspace, where there is no interface
 */
export function planHooks(
  hooks: Pick<ArcConfig, 'preUp' | 'postUp' | 'preDown' | 'postDown'>,
  interfaceName: string | undefined,
): HookPlan {
  const skipped: string[] = [];
  const phase = (name: HookPhase, commands: readonly (readonly string[])[]) =>
    commands.flatMap((command, index): HookCommand[] => {
      const hook = `${name}(${index})`;
      if ((command[0] ?? '') === '') return [];
      if (interfaceName === undefined && command.some((word) => word.includes('%i'))) {
        skipped.push(hook);
        return [];
      }
      // A function, for a name may hold what a replacement text would take for a pattern.
      const words = command.map((word) => word.replace(INTERFACE, () => interfaceName ?? ''));
      return [{ name: hook, command: words }];
    });
  const commands = {
    PreUp: phase('PreUp', hooks.preUp),
    PostUp: phase('PostUp', hooks.postUp),
    PreDown: phase('PreDown', hooks.preDown),
    PostDown: phase('PostDown', hooks.postDown),
  };
  return { commands, skipped };
}

/** Milliseconds that a command has. */
const TIMEOUT = 30_000;

/** Bytes of a command's output that are kept for the log. */
const MAX_OUTPUT = 64 * 1024;

export interface HookPorts {
  readonly commands: CommandRunner;
  readonly log: Log;
}

type DownPhase = 'PreDown' | 'PostDown';

/**
 * The commands around one tunnel. The four phases are to be called in their order; those of the way
 * down do nothing where there is nothing that they would take back.
 */
export class Hooks {
  readonly #plan: HookPlan;
  readonly #ports: HookPorts;
  readonly #signal: AbortSignal;
  readonly #due = new Set<DownPhase>();
  readonly #failures: UserError[] = [];

  /** @param signal the stop, which ends the command that is running */
  constructor(plan: HookPlan, ports: HookPorts, signal: AbortSignal) {
    this.#plan = plan;
    this.#ports = ports;
    this.#signal = signal;
    if (plan.skipped.length === 0) return;
    const why = 'in userspace there is no interface that %i could stand for';
    ports.log.warn({}, `skipped ${plan.skipped.join(', ')}: ${why}; --mode tun makes one`);
  }

  /** @throws UserError `failed` for the first command that fails; the rest do not run */
  async preUp(): Promise<void> {
    if (this.#plan.commands.PreUp.length > 0) this.#due.add('PostDown');
    await this.#up('PreUp');
  }

  /** @throws UserError `failed` for the first command that fails; the rest do not run */
  async postUp(): Promise<void> {
    // Files that soratun reads have one pair alone: postDown takes back what postUp has done.
    this.#due.add('PreDown').add('PostDown');
    await this.#up('PostUp');
  }

  /** Runs every command, whatever becomes of the others; throwFailures() tells of it. */
  preDown(): Promise<void> {
    return this.#down('PreDown');
  }

  /** As preDown(). */
  postDown(): Promise<void> {
    return this.#down('PostDown');
  }

  /** For where `up` ends with another failure already. */
  logFailures(): void {
    for (const { message } of this.#failures) this.#ports.log.error({}, message);
  }

  /** @throws UserError `failed` when commands of the way down have failed */
  throwFailures(): void {
    const [first, second] = this.#failures;
    if (first === undefined) return;
    if (second === undefined) throw first;
    throw new UserError('failed', {
      what: `${this.#failures.length} commands failed`,
      why: this.#failures.map(({ message }) => `\n  ${message}`).join(''),
    });
  }

  async #up(phase: 'PreUp' | 'PostUp'): Promise<void> {
    for (const hook of this.#plan.commands[phase]) {
      await runHook(hook, this.#ports, this.#signal);
    }
  }

  async #down(phase: DownPhase): Promise<void> {
    if (!this.#due.delete(phase)) return;
    for (const hook of this.#plan.commands[phase]) {
      // The stop that brought us here does not concern them; one that comes now ends one of them.
      const signal = this.#signal.aborted ? undefined : this.#signal;
      try {
        await runHook(hook, this.#ports, signal);
      } catch (error) {
        this.#failures.push(error instanceof UserError ? error : failure(hook, messageOf(error)));
      }
    }
  }
}

/**
 * @param signal ends the command; the promise rejects with its reason
 * @throws UserError `failed` when it cannot be run, does not end in time, or ends with a failure
 */
async function runHook(
  hook: HookCommand,
  { commands, log }: HookPorts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { name, command } = hook;
  const line = redactCommand(command).join(' ');
  log.info({}, `executing ${name}: [${line}]`);
  let result: CommandResult;
  try {
    result = await commands.run(command, {
      timeout: TIMEOUT,
      ownGroup: true,
      mergedOutput: MAX_OUTPUT,
      withoutVariables: isCredentialVariable,
      ...(signal && { signal }),
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw failure(hook, `error while running "${line}": ${error.message}`, error);
  }
  const output = redactText(result.stdout.trim());
  if (result.exitCode !== 0) {
    throw failure(hook, `error while running "${line}" with ${endOf(result)}, output: '${output}'`);
  }
  log.info({}, `${name} response: '${output}'`);
}

/** As Go has it. */
function endOf({ exitCode, signal = 'unknown' }: CommandResult): string {
  return exitCode === undefined ? `signal: ${signal}` : `exit status ${exitCode}`;
}

function failure({ name }: HookCommand, why: string, cause?: CommandError): UserError {
  return new UserError('failed', { what: `failed to do ${name}`, why }, { cause });
}
