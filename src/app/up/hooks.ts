/** Runs the commands of arc.json before and after a tunnel, with soratun's log messages. */
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

/** The names of the phases in wg-quick, as soratun logs them. */
export type HookPhase = 'PreUp' | 'PostUp' | 'PreDown' | 'PostDown';

export interface HookCommand {
  /** The phase and the index in arc.json, such as `PostUp(0)`. */
  readonly name: string;
  /** The program and its arguments, with `%i` replaced. */
  readonly command: readonly string[];
}

export interface HookPlan {
  readonly commands: Readonly<Record<HookPhase, readonly HookCommand[]>>;
  /** The names of commands that use `%i` although no interface exists. */
  readonly skipped: readonly string[];
}

/** The placeholder for the interface in a command. */
const INTERFACE = /%i/g;

/**
 * Assigns the commands to their phases. Commands without a program are skipped, as in soratun.
 *
 * @param interfaceName undefined in userspace mode
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
      // Use a replacement function, because a name could contain patterns such as `$&`.
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

/** Timeout of a command in milliseconds. */
const TIMEOUT = 30_000;

/** The maximum number of bytes of a command's output to keep for the log. */
const MAX_OUTPUT = 64 * 1024;

export interface HookPorts {
  readonly commands: CommandRunner;
  readonly log: Log;
}

type DownPhase = 'PreDown' | 'PostDown';

/**
 * The commands of one tunnel. Call the four phases in order. preDown does nothing unless postUp was
 * started; postDown does nothing unless preUp or postUp was.
 */
export class Hooks {
  readonly #plan: HookPlan;
  readonly #ports: HookPorts;
  readonly #signal: AbortSignal;
  readonly #due = new Set<DownPhase>();
  readonly #failures: UserError[] = [];

  /** @param signal requests a stop of the tunnel, which also ends the running command */
  constructor(plan: HookPlan, ports: HookPorts, signal: AbortSignal) {
    this.#plan = plan;
    this.#ports = ports;
    this.#signal = signal;
    if (plan.skipped.length === 0) return;
    const why = '%i requires a network interface, which userspace mode does not create';
    ports.log.warn({}, `skipped ${plan.skipped.join(', ')}: ${why}. Use --mode tun`);
  }

  /** @throws UserError of kind `failed` if a command fails; later commands do not run */
  async preUp(): Promise<void> {
    if (this.#plan.commands.PreUp.length > 0) this.#due.add('PostDown');
    await this.#up('PreUp');
  }

  /** @throws UserError of kind `failed` if a command fails; later commands do not run */
  async postUp(): Promise<void> {
    // Files for soratun contain only postUp and postDown, so postDown must undo postUp.
    this.#due.add('PreDown').add('PostDown');
    await this.#up('PostUp');
  }

  /** Runs every command, even after a failure; throwFailures() reports the failures. */
  preDown(): Promise<void> {
    return this.#down('PreDown');
  }

  /** Runs every command, like preDown(). */
  postDown(): Promise<void> {
    return this.#down('PostDown');
  }

  /** Logs the failures if `up` is already failing with another error. */
  logFailures(): void {
    for (const { message } of this.#failures) this.#ports.log.error({}, message);
  }

  /** @throws UserError of kind `failed` if preDown or postDown commands failed */
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
      // If a stop was already requested, it must not end these commands; only another stop may.
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
 * @param signal ends the command; the promise rejects with the abort reason
 * @throws UserError of kind `failed` if the command cannot be run, times out, or fails
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

/** Formats the exit status as Go does. */
function endOf({ exitCode, signal = 'unknown' }: CommandResult): string {
  return exitCode === undefined ? `signal: ${signal}` : `exit status ${exitCode}`;
}

function failure({ name }: HookCommand, why: string, cause?: CommandError): UserError {
  return new UserError('failed', { what: `failed to do ${name}`, why, cause });
}
