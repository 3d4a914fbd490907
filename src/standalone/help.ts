/** What `--help` prints, in the order that oclif has. */
import type { CommandDeclaration } from '../cli/command.js';
import type { Flag } from '../cli/flag.js';
import { COMMANDS } from './commands.js';
import { COMMANDS_NOT_HERE, FLAGS_NOT_HERE, VALUES_NOT_HERE } from './not-here.js';

const WIDTH = 80;

/** Of the executable. */
export function generalHelp(version: string): string {
  const commands = [
    ...[...COMMANDS].map(([name, { declaration }]) => ({ name, text: declaration.description })),
    { name: 'lambda', text: LAMBDA },
  ].sort((one, other) => (one.name < other.name ? -1 : 1));
  return sections([
    ['', 'SORACOM Arc without a SIM card and without root: the single executable of arctun.'],
    ['VERSION', versionText(version)],
    ['USAGE', '$ arctun [COMMAND]'],
    ['COMMANDS', commands.map(({ name, text }) => `${name}\n${wrapped(text, 4)}`).join('\n')],
    ['NOT IN THIS EXECUTABLE', wrapped(NOT_HERE, 0)],
  ]);
}

const LAMBDA =
  'Be the AWS Lambda extension: the functions of a sandbox post to localhost:8080. It takes its settings from the environment.';

const NOT_HERE = `The package of npm has ${COMMANDS_NOT_HERE.join(', ')}, network interfaces (up --mode tun) and new sessions from the SORACOM API while a tunnel runs: npx arctun.`;

export function lambdaHelp(): string {
  return sections([
    ['', wrapped(LAMBDA, 0)],
    ['USAGE', '$ arctun lambda'],
  ]);
}

/** `arctun/1.0.0 linux-x64 node-v24.0.0`. */
export function versionText(version: string): string {
  return `arctun/${version} ${process.platform}-${process.arch} node-${process.version}`;
}

/** Of a command. */
export function commandHelp(
  name: string,
  { description, args = {}, flags, examples }: CommandDeclaration,
): string {
  const known = Object.entries(flags)
    .filter(([flag]) => !FLAGS_NOT_HERE.has(flag))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const own = known.filter(([, flag]) => flag.helpGroup === undefined);
  const global = known.filter(([, flag]) => flag.helpGroup !== undefined);
  const words = Object.keys(args).map((argument) => `[${argument.toUpperCase()}] `);
  const explained = Object.entries(args).map(
    ([argument, { description: text }]) => `[${argument.toUpperCase()}]\n${wrapped(text, 4)}`,
  );
  return sections([
    ['', wrapped(description, 0)],
    ['USAGE', `$ arctun ${name} ${words.join('')}[FLAGS]`],
    ['ARGUMENTS', explained.join('\n')],
    ['FLAGS', own.map(([flag, said]) => flagText(flag, said)).join('\n')],
    ['GLOBAL FLAGS', global.map(([flag, said]) => flagText(flag, said)).join('\n')],
    ['NOT IN THIS EXECUTABLE', notHere(Object.keys(flags))],
    [
      'EXAMPLES',
      hereOnly(examples)
        .map((example) => `$ ${example}`)
        .join('\n'),
    ],
  ]);
}

function flagText(name: string, flag: Flag): string {
  const short = flag.char === undefined ? '' : `-${flag.char}, `;
  const facts = [
    ...(defaultOf(flag) === undefined ? [] : [`default: ${defaultOf(flag)}`]),
    ...(flag.env === undefined ? [] : [`env: ${flag.env}`]),
  ];
  const prefix = facts.length === 0 ? '' : `[${facts.join(', ')}] `;
  return `${short}--${name}${valueOf(name, flag)}\n${wrapped(prefix + flag.description, 4)}`;
}

function defaultOf(flag: Flag): string | undefined {
  if (flag.type === 'boolean' || flag.type === 'list') return undefined;
  return flag.type === 'string' ? (flag.default ?? flag.defaultHelp) : flag.default?.toString();
}

function valueOf(name: string, flag: Flag): string {
  if (flag.type === 'boolean') return '';
  const { helpValue = '<value>' } = flag;
  if (flag.type !== 'choice') return `=${helpValue}${flag.type === 'list' ? '...' : ''}`;
  const missing = VALUES_NOT_HERE.get(name)?.value;
  return `=${flag.options.filter((option) => option !== missing).join('|')}`;
}

/** What a command has elsewhere, in a sentence; empty where it has all. */
function notHere(names: readonly string[]): string {
  const flags = names.filter((name) => FLAGS_NOT_HERE.has(name)).map((name) => `--${name}`);
  const values = [...VALUES_NOT_HERE]
    .filter(([name]) => names.includes(name))
    .map(([name, { value }]) => `--${name} ${value}`);
  const missing = [...values, ...flags];
  if (missing.length === 0) return '';
  const sentence = `The package of npm has ${missing.join(', ')}: npx arctun.`;
  const renewal = ' A session that the Arc server has ended is not replaced by this executable.';
  return wrapped(flags.length === 0 ? sentence : sentence + renewal, 0);
}

function hereOnly(examples: readonly string[]): readonly string[] {
  const elsewhere = COMMANDS_NOT_HERE.map((name) => `arctun ${name} `);
  return examples.filter((example) => !elsewhere.some((start) => example.startsWith(start)));
}

/** Those that say something, each under its heading. */
function sections(all: readonly (readonly [heading: string, text: string])[]): string {
  const said = all.filter(([, text]) => text !== '');
  const blocks = said.map(([heading, text]) =>
    heading === '' ? `${text}\n` : `${heading}\n${indented(text, 2)}\n`,
  );
  return blocks.join('\n');
}

function indented(text: string, columns: number): string {
  return text.replaceAll(/^/gm, ' '.repeat(columns));
}

/** In lines that fit a terminal, with those columns before them. */
function wrapped(text: string, columns: number): string {
  const most = WIDTH - columns - 2;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length + 1 > most) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return indented(lines.join('\n'), columns);
}
