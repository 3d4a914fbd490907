/**
 * Commands between two writings: a line that wg-quick gives to bash, and the program and arguments
 * that arc.json holds and runs without a shell.
 */
import { parse } from 'shell-quote';

/** The line as arc.json holds it; undefined where a quote is left open. */
export function parseHook(line: string): { command: string[]; needsShell: boolean } | undefined {
  const isPlain = scan(line);
  if (isPlain === undefined) return undefined;
  const words = isPlain ? parse(line).filter((word) => typeof word === 'string') : [];
  const [program = ''] = words;
  if (program === '' || isAssignment(program) || ONLY_IN_A_SHELL.has(program)) {
    return { command: ['/bin/sh', '-c', line], needsShell: true };
  }
  return { command: words, needsShell: false };
}

/** The line as soratun writes it: joined by spaces, without quotes. */
export function formatHook(command: readonly string[]): string {
  return command.join(' ');
}

/** Whether the line that `formatHook` writes means the same to wg-quick as the command does here. */
export function survivesAsHook(command: readonly string[]): boolean {
  const line = formatHook(command);
  const { needsShell = true, command: words = [] } = parseHook(line) ?? {};
  return !needsShell && JSON.stringify(words) === JSON.stringify(command);
}

/** What a shell does more with than to split it into words; in double quotes two of them still. */
const SPECIAL = /[|&;<>()$`*?[\]{}~!\n]/;
const SPECIAL_IN_DOUBLE_QUOTES = /[$`]/;

/**
 * Whether a line is words and quotes and nothing else; undefined where a quote is left open. It may
 * find something special that is not: the shell then reads it as it was meant.
 */
function scan(line: string): boolean | undefined {
  let quote = '';
  let isPlain = true;
  for (let index = 0; index < line.length; index++) {
    const character = line.charAt(index);
    if (quote === "'") {
      if (character === "'") quote = '';
    } else if (character === '\\') {
      index++;
      if (index === line.length) return undefined;
    } else if (character === quote) {
      quote = '';
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
    } else if ((quote === '' ? SPECIAL : SPECIAL_IN_DOUBLE_QUOTES).test(character)) {
      isPlain = false;
    }
  }
  return quote === '' ? isPlain : undefined;
}

function isAssignment(word: string): boolean {
  return /^[A-Za-z_]\w*\+?=/.test(word);
}

/** Keywords, and commands that are built into a shell and exist nowhere else. */
const ONLY_IN_A_SHELL: ReadonlySet<string> = new Set(
  (
    '. : alias bg bind builtin case cd command coproc declare disown do done elif else enable esac ' +
    'eval exec exit export fc fg fi for function getopts hash if in jobs let local logout mapfile ' +
    'popd pushd read readarray readonly return select set shift shopt source suspend then time ' +
    'times trap type typeset ulimit umask unalias unset until wait while'
  ).split(' '),
);
