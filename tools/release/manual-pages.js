/**
 * Generates the manual pages from oclif.manifest.json: `arctun.1`, and a page for each command.
 */
import {
  describedOf,
  examplesOf,
  FAILURES,
  groupsOf,
  OTHER_VARIABLES,
  spelled,
  synopsisOf,
} from '../generate/reference.js';
import { bold, examples, italic, nameLine, paragraph, roff } from './roff.js';

const HELP = { name: 'help', char: 'h', type: 'boolean', description: 'Show help.' };

/**
 * @param {{ commands: Record<string, object> }} manifest
 * @param {{ version: string, date: string, description: string }} release the date as YYYY-MM-DD
 * @param {Record<string, number>} exitCodes the exit code for each kind of failure
 * @returns {Map<string, string>} the pages by file name
 */
export function manualPages(manifest, release, exitCodes) {
  const commands = Object.values(manifest.commands).filter(({ hidden }) => !hidden);
  const statuses = exitStatuses(exitCodes);
  return new Map([
    ['arctun.1', overview(commands, release, statuses)],
    ...commands.map((command) => [
      `${pageName(command)}.1`,
      commandPage(command, release, statuses),
    ]),
  ]);
}

function overview(commands, release, statuses) {
  const summary = release.description.split(':')[0];
  return [
    title('arctun', release),
    section('NAME', nameLine('arctun', summary)),
    section('SYNOPSIS', `${bold('arctun')} ${italic('COMMAND')} [${italic('ARGUMENTS')}]`),
    section(
      'DESCRIPTION',
      paragraph(`${release.description}.`),
      '.PP',
      paragraph('Each command has its own page. "arctun COMMAND --help" prints its flags.'),
    ),
    section('COMMANDS', ...commands.map((command) => item(reference(command), summaryOf(command)))),
    section(
      'ENVIRONMENT',
      paragraph(
        'Most flags have a variable, which the page of the command names. A flag overrides its variable. These variables do not have a flag:',
      ),
      ...OTHER_VARIABLES.map(([names, meaning]) =>
        item(names.map(bold).join(', '), withoutMarkdown(meaning)),
      ),
    ),
    section('EXIT STATUS', ...statuses),
    section('SEE ALSO', commands.map(reference).join(',\n')),
  ].join('');
}

function commandPage(command, release, statuses) {
  const name = pageName(command);
  const [, ...details] = command.description.split('\n');
  const aliases = [...command.aliases, ...command.hiddenAliases].map((alias) => `arctun ${alias}`);
  const flags = Object.values(command.flags).filter(({ hidden }) => !hidden);
  const args = Object.values(command.args);
  const lines = examplesOf(command);
  return [
    title(name, release),
    section('NAME', nameLine(name, nameOf(summaryOf(command)))),
    section('SYNOPSIS', ...[synopsisOf(command), ...aliases].flatMap(synopsis)),
    section('DESCRIPTION', paragraph(summaryOf(command)), ...details.flatMap(nextParagraph)),
    args.length > 0 &&
      section('ARGUMENTS', ...args.map((arg) => item(italic(upper(arg)), arg.description))),
    section('OPTIONS', ...groupsOf([HELP, ...flags]).flatMap(flagGroup)),
    section('EXIT STATUS', ...statuses),
    lines.length > 0 && section('EXAMPLES', examples(lines)),
    section('SEE ALSO', '.BR arctun (1)'),
  ]
    .filter((part) => part !== false)
    .join('');
}

/** Turns off hyphenation, because it would split the names of flags and variables. */
function title(name, { version, date }) {
  return `.TH ${roff(name.toUpperCase())} 1 ${date} "arctun ${roff(version)}" "arctun manual"\n.nh\n.ad l\n`;
}

function section(heading, ...lines) {
  return [`.SH ${heading}`, ...lines, ''].join('\n');
}

function item(term, text) {
  return `.TP\n${term}\n${paragraph(text)}`;
}

function nextParagraph(text) {
  return ['.PP', paragraph(text)];
}

function synopsis(line, index) {
  return [...(index === 0 ? [] : ['.br']), bold(line)];
}

function flagGroup([heading, flags]) {
  const sorted = flags.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return [
    ...(heading === 'Flags' ? [] : [`.SS ${roff(heading)}`]),
    ...sorted.map((flag) => item(bold(spelled(flag)), flagText(flag))),
  ];
}

function flagText(flag) {
  const { description, variables } = describedOf(flag);
  const value = flag.default;
  const hasDefault = value !== undefined && value !== false && String(value) !== '';
  return [
    description,
    ...(hasDefault ? [`Default: ${String(value)}.`] : []),
    ...(variables.length > 0 ? [`Environment: ${variables.join(', ')}.`] : []),
  ].join(' ');
}

function exitStatuses(exitCodes) {
  return [
    item(bold('0'), 'Success.'),
    ...Object.entries(exitCodes).map(([kind, number]) =>
      item(bold(String(number)), withoutMarkdown(FAILURES[kind])),
    ),
  ];
}

function reference(command) {
  return `.BR ${roff(pageName(command))} (1)`;
}

function pageName({ id }) {
  return `arctun-${id.replaceAll(':', '-')}`;
}

function summaryOf({ description }) {
  return description.split('\n')[0];
}

/** Returns a summary in the form that apropos(1) shows: without a capital and a full stop. */
function nameOf(summary) {
  const text = summary.replace(/\.$/, '');
  return /^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}

function upper({ name }) {
  return name.toUpperCase();
}

function withoutMarkdown(text) {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}
