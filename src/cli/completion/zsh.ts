import type { CommandLine, CommandNode, CompletionFlag, CompletionValue } from './command-line.js';
import { quoted } from './quote.js';

/** Generates a script to source after compinit, or to save as `_arctun` in a folder in $fpath. */
export function zshScript({ program, nodes }: CommandLine): string {
  const name = `_${program.replaceAll(/\W/g, '_')}`;
  return `#compdef ${program}

${name}() {
  local command='' index=2
  while (( index < CURRENT )); do
    case "\${command:+$command }\${words[index]}" in
${nodes.flatMap(commandCases).join('\n')}
      (*) break ;;
    esac
    (( index++ ))
  done
  # _arguments treats the first word as the command.
  words=("$command" "\${(@)words[index,-1]}")
  (( CURRENT -= index - 2 ))
  case $command in
${nodes.map(argumentsCase).join('\n')}
  esac
}

if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}

/** Generates the branch of `case` that recognizes a command. */
function commandCases({ path, aliases }: CommandNode): string[] {
  if (path === '') return [];
  const patterns = [path, ...aliases].map(quoted).join('|');
  return [`      (${patterns}) command=${quoted(path)} ;;`];
}

function argumentsCase({ path, next, flags, argument }: CommandNode): string {
  const specs = flags.flatMap(flagSpecs);
  if (next.length > 0) {
    const words = next.map(
      ({ word, description }) => `${plain(word)}\\:${quotedInside(description)}`,
    );
    specs.push(quoted(`1:command:((${words.join(' ')}))`));
  } else if (argument !== undefined) {
    specs.push(quoted(`1:argument:${action(argument)}`));
  }
  const lines = specs.map((spec) => ` \\\n        ${spec}`).join('');
  return `    (${quoted(path)})\n      _arguments -s -S :${lines}\n      ;;`;
}

/**
 * Generates one spec for each name of a flag. The long and the short name exclude each other unless
 * the flag is repeatable.
 */
function flagSpecs(flag: CompletionFlag): string[] {
  const { name, char, description, isRepeatable, value } = flag;
  const names = [`--${name}`, ...(char === undefined ? [] : [`-${char}`])];
  return names.map((spelling) => {
    const before = isRepeatable ? '*' : char === undefined ? '' : `(${names.join(' ')})`;
    const isLong = spelling.startsWith('--');
    const sign = value === undefined ? '' : isLong ? '=' : '+';
    const rest = value === undefined ? '' : `:${plain(name)}:${action(value)}`;
    return quoted(`${before}${spelling}${sign}[${plain(description)}]${rest}`);
  });
}

function action(value: CompletionValue): string {
  if (value === 'path') return '_files';
  return value === 'unknown' ? ' ' : `(${value.map(plain).join(' ')})`;
}

/** Escapes a string for use in a spec of _arguments. */
function plain(text: string): string {
  return text.replaceAll(/[\\:[\]()]/g, '\\$&');
}

/**
 * Escapes a description inside a list, which zsh splits like a command line. When zsh shows the
 * list, it interprets backslashes a second time.
 */
function quotedInside(text: string): string {
  return text.replaceAll(/[\s\\'"`$;|&<>*?#~=^{}!:[\]()]/g, (sign) =>
    sign === '\\' ? '\\\\\\\\' : `\\${sign}`,
  );
}
