import { bashScript } from './bash.js';
import type { CommandLine } from './command-line.js';
import { fishScript } from './fish.js';
import { zshScript } from './zsh.js';

const SCRIPTS: Readonly<Record<Shell, (line: CommandLine) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export type Shell = 'bash' | 'zsh' | 'fish';

/** The supported shells, in the order in which messages list them. */
export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];

export function completionScript(shell: Shell, line: CommandLine): string {
  return SCRIPTS[shell](line);
}
