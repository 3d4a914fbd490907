/**
 * Converts hook commands between wg-quick's lines, which bash runs, and arc.json's argument
 * vectors, which arctun runs without a shell.
 */
import { parse } from 'shell-quote';

/** Converts a line to arc.json's form; undefined if a quote is not closed. */
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

/** Formats a command as one line like soratun: joined with spaces, without quotes. */
export function formatHook(command: readonly string[]): string {
  return command.join(' ');
}

/**
 * Whether wg-quick would run the line from `formatHook` in the same way as arctun runs the command.
 */
export function survivesAsHook(command: readonly string[]): boolean {
  const line = formatHook(command);
  const { needsShell = true, command: words = [] } = parseHook(line) ?? {};
  return !needsShell && JSON.stringify(words) === JSON.stringify(command);
}

/**
 * Characters with a special meaning in a shell. In double quotes, only `$` and the backquote are
 * special.
 */
const SPECIAL = /[|&;<>()$`*?[\]{}~!\n]/;
const SPECIAL_IN_DOUBLE_QUOTES = /[$`]/;

/**
 * Whether a line consists only of words and quotes; undefined if a quote is not closed. A false
 * negative is harmless, because the command then runs in a shell, as in wg-quick.
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

/** Shell keywords, and commands that exist only as shell builtins. */
const ONLY_IN_A_SHELL: ReadonlySet<string> = new Set(
  (
    '. : alias bg bind builtin case cd command coproc declare disown do done elif else enable esac ' +
    'eval exec exit export fc fg fi for function getopts hash if in jobs let local logout mapfile ' +
    'popd pushd read readarray readonly return select set shift shopt source suspend then time ' +
    'times trap type typeset ulimit umask unalias unset until wait while'
  ).split(' '),
);
