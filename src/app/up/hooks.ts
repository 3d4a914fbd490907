/** The commands of arc.json around a tunnel: which are to run, in soratun's manner. */
import type { ArcConfig } from '../../arc-config/arc-config.js';

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
