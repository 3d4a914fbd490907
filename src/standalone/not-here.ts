/** What the package of npm has and the single executable does not, and how it says so. */
import { credentialFlags } from '../cli/credential-flags.js';
import type { CommandLineToken } from '../cli/flag.js';
import { UserError } from '../lib/user-error.js';

const NO_API = 'this executable does not speak to the SORACOM API';

/** Flags, and why they are not there. */
export const FLAGS_NOT_HERE: ReadonlyMap<string, string> = new Map(
  Object.keys(credentialFlags).map((name) => [name, NO_API]),
);

/** Values of flags, and why they are not there. */
export const VALUES_NOT_HERE: ReadonlyMap<
  string,
  { readonly value: string; readonly why: string }
> = new Map([
  ['mode', { value: 'tun', why: 'this executable makes no network interfaces' }],
  ['socket', { value: 'batch', why: 'this executable does not have the package koffi' }],
]);

export const COMMANDS_NOT_HERE = [
  'bootstrap',
  'completion',
  'config',
  'emulator',
  'sim',
  'wg-config',
] as const;

/** @throws UserError of kind `usage` for what is not there, typed or in the environment */
export function refuseNotHere(
  {
    flags,
    tokens,
  }: {
    readonly flags: Readonly<Record<string, unknown>>;
    readonly tokens: readonly CommandLineToken[];
  },
  command: string,
): void {
  for (const token of tokens) {
    const why = token.type === 'flag' ? FLAGS_NOT_HERE.get(token.flag) : undefined;
    if (token.type === 'flag' && why !== undefined)
      throw notHere(`use --${token.flag}`, why, command);
  }
  for (const [name, { value, why }] of VALUES_NOT_HERE) {
    if (flags[name] === value) throw notHere(`use --${name} ${value}`, why, command);
  }
}

/** A command that is not there; undefined for words that are none anywhere. */
export function commandNotHere(words: readonly string[]): UserError | undefined {
  const [command = '', next = ''] = words;
  if (command === 'lambda' && next !== 'layer') {
    return new UserError('usage', { what: 'Unexpected argument', why: words.slice(1).join(' ') });
  }
  const isHere = command !== 'lambda' && !COMMANDS_NOT_HERE.some((name) => name === command);
  if (isHere) return undefined;
  const name = /^[a-z][a-z-]*$/.test(next) ? `${command} ${next}` : command;
  return notHere(`run ${name}`, 'this executable does not have that command', name);
}

function notHere(what: string, why: string, command: string): UserError {
  return new UserError('usage', {
    what: `cannot ${what}`,
    why,
    next: [`The package of npm has it: npx arctun ${command}.`],
  });
}
