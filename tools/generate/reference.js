/** Generates parts of docs/reference as Markdown, from oclif.manifest.json and the exit codes. */

const START = '<!-- usage -->';
const END = '<!-- /usage -->';

/** Returns the path of a command's page. */
export function pageOf(id) {
  return `docs/reference/commands/${id.replaceAll(':', '-')}.md`;
}

/** Replaces a page's part between the markers with the command's usage; creates a missing page. */
export function withUsage(page, command) {
  const name = command.id.replaceAll(':', ' ');
  const text = page ?? `# ${name}\n\n${plain(command.description)}\n`;
  const section = `${START}\n\n${usageOf(command)}\n\n${END}`;
  const [before, rest] = text.split(START);
  if (rest === undefined) return `${text.trimEnd()}\n\n## Usage\n\n${section}\n`;
  const after = rest.split(END)[1];
  if (after === undefined) throw new Error(`${pageOf(command.id)} has ${START} without ${END}`);
  return `${before}${section}${after}`;
}

function usageOf(command) {
  const flags = Object.values(command.flags).filter(({ hidden }) => !hidden);
  const args = Object.values(command.args);
  const examples = examplesOf(command);
  return [
    code(synopsisOf(command)),
    ...(args.length > 0 ? [argumentTable(args)] : []),
    ...groupsOf(flags).map(([title, ofGroup]) => `### ${title}\n\n${flagTable(ofGroup)}`),
    ...(examples.length > 0 ? [`### Examples\n\n${list(examples)}`] : []),
  ].join('\n\n');
}

/** Returns the line that shows how to write the command. */
export function synopsisOf({ id, usage, flags, args }) {
  if (usage) return `arctun ${usage}`;
  const words = Object.values(args).map((arg) => (arg.required ? upper(arg) : `[${upper(arg)}]`));
  const hasFlags = Object.values(flags).some(({ hidden }) => !hidden);
  return ['arctun', ...id.split(':'), ...words, ...(hasFlags ? ['[FLAGS]'] : [])].join(' ');
}

export function examplesOf({ id, examples = [] }) {
  return examples.map((example) =>
    example
      .replaceAll('<%= config.bin %>', 'arctun')
      .replaceAll('<%= command.id %>', id.replaceAll(':', ' ')),
  );
}

function argumentTable(args) {
  const rows = args.map((arg) => [code(upper(arg)), plain(arg.description)]);
  return table(['argument', 'meaning'], rows);
}

/** Returns the flags without a group, then the groups by name, with the global group last. */
export function groupsOf(flags) {
  const groups = new Map();
  for (const flag of flags) {
    const title = titleOf(flag.helpGroup);
    groups.set(title, [...(groups.get(title) ?? []), flag]);
  }
  const rank = (title) => ({ Flags: 0, 'Global flags': 2 })[title] ?? 1;
  return [...groups].sort(([one], [other]) => rank(one) - rank(other) || (one < other ? -1 : 1));
}

function titleOf(group) {
  if (group === undefined) return 'Flags';
  return group === 'GLOBAL' ? 'Global flags' : `${group} flags`;
}

function flagTable(flags) {
  const sorted = flags.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const rows = sorted.map((flag) => {
    const { description, variables } = describedOf(flag);
    return [
      code(spelled(flag)),
      variables.map(code).join(', '),
      defaultOf(flag),
      plain(description),
    ];
  });
  return table(['flag', 'variable', 'default', 'meaning'], rows);
}

/**
 * Separates the environment variables from a flag's description, which begins with them if the flag
 * has several.
 */
export function describedOf(flag) {
  const [, names, rest] = /^\[env: ([^\]]+)\] (.*)$/s.exec(flag.description ?? '') ?? [];
  if (names !== undefined) return { variables: names.split(', '), description: rest };
  const variables = flag.env === undefined ? [] : [flag.env];
  return { variables, description: flag.description ?? '' };
}

export function spelled(flag) {
  const long = flag.allowNo ? `--[no-]${flag.name}` : `--${flag.name}`;
  const names = flag.char === undefined ? long : `-${flag.char}, ${long}`;
  if (flag.type === 'boolean') return names;
  return `${names} ${flag.helpValue ?? flag.options?.join('|') ?? 'VALUE'}`;
}

function defaultOf({ default: value }) {
  if (value === undefined || value === false || String(value) === '') return '';
  return code(String(value));
}

/** The variables without a flag, each with its meaning in Markdown. */
export const OTHER_VARIABLES = [
  [
    ['ARCTUN_PROXY_PASSWORD'],
    'The [password](proxy.md#password) that clients of the proxy of `up` must send. `--proxy-password-file` overrides it.',
  ],
  [['SORACOM_PROFILE_DIR'], 'The folder of [profiles](credentials.md) (default `~/.soracom`).'],
  [
    ['SORACOM_VERBOSE'],
    'If set, commands print requests to the SORACOM API and the responses, without secrets.',
  ],
  [
    ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'],
    'The proxy for requests to the SORACOM API. Requests to this machine never use a proxy.',
  ],
  [['STATE_DIRECTORY', 'XDG_STATE_HOME'], '[The state folder](files.md#the-state-folder).'],
  [
    ['RUNTIME_DIRECTORY', 'XDG_RUNTIME_DIR'],
    'The folder of [the control socket](commands/status.md#the-control-socket).',
  ],
  [
    ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'],
    'Notifications to [systemd](../guides/systemd.md), which sets these variables.',
  ],
  [
    ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'],
    'The sockets of [socket activation](../guides/socket-activation.md).',
  ],
  [['DEBUG'], 'Ignored, because debug output of libraries may contain secrets.'],
];

/** Lists each variable with the flags that it sets, and their commands. */
export function environmentPage(manifest) {
  const variables = new Map();
  for (const command of Object.values(manifest.commands)) {
    for (const flag of Object.values(command.flags)) {
      for (const variable of describedOf(flag).variables) {
        const flags = variables.get(variable) ?? new Map();
        flags.set(flag.name, [...(flags.get(flag.name) ?? []), command.id]);
        variables.set(variable, flags);
      }
    }
  }
  const rows = [...variables].sort(([one], [other]) => (one < other ? -1 : 1));
  return `# Environment variables

A flag overrides its variable, and a variable overrides \`arc.json\`. The variables of the Lambda extension are in
[its settings](lambda-settings.md).

${table(
  ['variable', 'flag', 'commands'],
  rows.map(([variable, flags]) => [
    code(variable),
    [...flags.keys()].map((name) => code(`--${name}`)).join(', '),
    [...new Set([...flags.values()].flat())].map(linked).join(', '),
  ]),
)}

These variables do not have a flag:

${table(
  ['variable', 'meaning'],
  OTHER_VARIABLES.map(([names, meaning]) => [names.map(code).join(', '), meaning]),
)}
`;
}

function linked(id) {
  return `[${id.replaceAll(':', ' ')}](commands/${id.replaceAll(':', '-')}.md)`;
}

/** The meanings of the exit codes, in Markdown. */
export const FAILURES = {
  failed: 'Any other failure, such as a port in use or a response of 400 or above.',
  usage: 'Wrong usage: an unknown flag, or a value that a flag does not accept.',
  configuration:
    'Configuration: a missing file or folder, malformed JSON, or an unusable `arc.json`.',
  api: 'The SORACOM API refused the call or could not be reached.',
  tunnel:
    'Tunnel: no handshake, no route, a target that cannot be reached, a traffic budget that is used up, or the SIM is in use on this machine.',
  permission: 'Permission: this user may not use the file, port, interface or tunnel.',
};

/** @param exitCodes the exit code for each kind of failure */
export function exitCodesPage(exitCodes) {
  const rows = Object.entries(exitCodes).map(([kind, number]) => {
    if (FAILURES[kind] === undefined)
      throw new Error(`tools/generate/reference.js lacks "${kind}"`);
    return [String(number), FAILURES[kind]];
  });
  const done = ['0', 'Success. `up` and `emulator` also exit with 0 when they are stopped.'];
  const signal = ['128 + N', 'Signal N stopped the command.'];
  return `# Exit codes

The same in all commands:

${table(['code', 'meaning'], [done, ...rows, signal])}

[Errors](errors.md) lists the reasons that responses and logs contain.
`;
}

function upper({ name }) {
  return name.toUpperCase();
}

function code(text) {
  return `\`${text}\``;
}

/** Escapes a string for Markdown. */
function plain(text) {
  return (text ?? '').replaceAll(/[*<]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ');
}

function list(examples) {
  return examples.map((example) => `- ${code(example)}`).join('\n');
}

/** Formats a table without the columns that are empty in all rows. */
function table(header, rows) {
  const kept = header.map((_, column) => rows.some((row) => row[column] !== ''));
  const line = (cells) =>
    `| ${cells
      .filter((_, column) => kept[column])
      .map((cell) => cell.replaceAll('|', String.raw`\|`))
      .join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
