import type { CommandLine, CommandNode, CompletionValue } from './command-line.js';
import { quotedForFish as quoted } from './quote.js';

/** Generates a script to source, or to save as `arctun.fish` in a folder in $fish_complete_path. */
export function fishScript({ program, nodes }: CommandLine): string {
  const name = `__${program.replaceAll(/\W/g, '_')}`;
  return `# fish completion for ${program}

# Prints the command that the words before the cursor name.
function ${name}_command
    set -l words (commandline -opc)
    set -e words[1]
    set -l command ''
    for word in $words
        switch (string trim -- "$command $word")
${nodes.flatMap(commandCases).join('\n')}
            case '*'
                break
        end
    end
    echo $command
end

function ${name}_is
    set -l command (${name}_command)
    test "$command" = "$argv[1]"
end

complete -c ${program} -f
${nodes.flatMap((node) => completions(program, name, node)).join('\n')}
`;
}

/** Generates the branch of `switch` that recognizes a command. */
function commandCases({ path, aliases }: CommandNode): string[] {
  if (path === '') return [];
  const patterns = [path, ...aliases].map(quoted).join(' ');
  return [`            case ${patterns}`, `                set command ${quoted(path)}`];
}

function completions(program: string, name: string, node: CommandNode): string[] {
  const { path, next, flags, argument } = node;
  const condition = `complete -c ${program} -n ${quoted(`${name}_is ${quoted(path)}`)}`;
  const words = next.map(
    ({ word, description }) => `${condition} -a ${quoted(word)} -d ${quoted(description)}`,
  );
  const options = flags.map(({ name: long, char, description, value }) => {
    const short = char === undefined ? '' : ` -s ${quoted(char)}`;
    return `${condition} -l ${quoted(long)}${short}${valueOf(value)} -d ${quoted(description)}`;
  });
  return [...words, ...argumentOf(condition, argument), ...options];
}

function valueOf(value: CompletionValue | undefined): string {
  if (value === undefined) return '';
  if (value === 'path') return ' -r -F';
  return value === 'unknown' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}

function argumentOf(condition: string, argument: CompletionValue | undefined): string[] {
  if (argument === undefined || argument === 'unknown') return [];
  if (argument === 'path') return [`${condition} -F`];
  return [`${condition} -a ${quoted(argument.join(' '))}`];
}
