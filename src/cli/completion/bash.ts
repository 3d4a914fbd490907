import type { CommandLine, CommandNode, CompletionValue } from './command-line.js';
import { quoted } from './quote.js';

/** Generates a script for bash 3.2 and later that does not need the bash-completion package. */
export function bashScript({ program, nodes }: CommandLine): string {
  const name = `_${program.replaceAll(/\W/g, '_')}`;
  return `# bash completion for ${program}

${name}_take() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}

${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command='' flag='' words='' paths='' index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${command:+$command }\${COMP_WORDS[index]}" in
${nodes.flatMap(commandCases).join('\n')}
      *) break ;;
    esac
  done
  # bash splits --flag=value into three words.
  if [[ $current == = ]]; then
    flag=$previous current=''
  elif [[ $previous == = ]]; then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $previous == -* ]]; then
    flag=$previous
  fi
  case "$command $flag" in
${nodes.flatMap(valueCases).join('\n')}
    *)
      case $command in
${nodes.map(wordCase).join('\n')}
      esac
      ;;
  esac
  if [[ -n $paths && $current != -* ]]; then
    compopt -o filenames 2>/dev/null
    ${name}_take < <(compgen -f -- "$current")
  elif [[ -n $words ]]; then
    ${name}_take < <(compgen -W "$words" -- "$current")
  fi
}

complete -F ${name} ${program}
`;
}

/** Generates the branch of `case` that recognizes a command. */
function commandCases({ path, aliases }: CommandNode): string[] {
  if (path === '') return [];
  const patterns = [path, ...aliases].map(quoted).join(' | ');
  return [`      ${patterns}) command=${quoted(path)} ;;`];
}

/** Generates the completions that follow a flag with a value. */
function valueCases({ path, flags }: CommandNode): string[] {
  return flags.flatMap(({ name, char, value }) => {
    if (value === undefined) return [];
    const names = [`--${name}`, ...(char === undefined ? [] : [`-${char}`])];
    const patterns = names.map((flag) => quoted(`${path} ${flag}`)).join(' | ');
    return [`    ${patterns}) ${assignment(value)} ;;`];
  });
}

/** Generates the completions for positions where no flag value is expected. */
function wordCase({ path, next, flags, argument }: CommandNode): string {
  const words = [
    ...next.map(({ word }) => word),
    ...(typeof argument === 'object' ? argument : []),
    ...flags.flatMap(({ name, char }) => [
      `--${name}`,
      ...(char === undefined ? [] : [`-${char}`]),
    ]),
  ];
  const paths = argument === 'path' ? ' paths=yes' : '';
  return `        ${quoted(path)}) words=${quoted(words.join(' '))}${paths} ;;`;
}

function assignment(value: CompletionValue): string {
  if (value === 'path') return 'paths=yes';
  return value === 'unknown' ? ':' : `words=${quoted(value.join(' '))}`;
}
