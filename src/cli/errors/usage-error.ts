/** Converts oclif's errors about the command line to UserErrors. */
import { stripVTControlCharacters } from 'node:util';

import { UserError, type UserErrorText } from '../../lib/errors/user-error.js';
import { didYouMean, quotedIfBlank } from './did-you-mean.js';
import { type CommandLine, isTyped, sourceOf } from './value-source.js';

export interface UsageContext extends CommandLine {
  /** The command in the form that the user types: `sim list`. */
  readonly command: string;
}

type Sentence = Omit<UserErrorText, 'cause'>;

/** Patterns for oclif's messages, each with its conversion. */
const SENTENCES: readonly (readonly [
  RegExp,
  (match: readonly string[], context: UsageContext) => Sentence,
])[] = [
  [
    /^Nonexistent flags?: (.+)$/,
    ([, names = ''], { flags }) => ({
      what: names.includes(', ') ? 'unknown flags' : 'unknown flag',
      why: names,
      next: names
        .split(', ')
        .flatMap((name) => didYouMean(name, Object.keys(flags).map(dashed)))
        .slice(0, 2),
    }),
  ],
  [
    /^Unexpected arguments?: ([^]*)$/,
    ([, words = '']) => ({ what: 'unexpected argument', why: quotedIfBlank(words) }),
  ],
  [
    /^Expected --([\w-]+)=([^]*) to be one of: (.+)$/,
    ([, name = '', value = '', options = ''], context) => ({
      what: `invalid ${sourceOf(name, context) ?? dashed(name)}`,
      why: `${JSON.stringify(value)} is not one of ${options}`,
      next: didYouMean(value, options.split(', ')),
    }),
  ],
  [
    /^Expected ([^]*) to be one of: (.+)$/,
    ([, value = '', options = '']) => ({
      what: 'invalid argument',
      why: `${JSON.stringify(value)} is not one of ${options}`,
      next: didYouMean(value, options.split(', ')),
    }),
  ],
  [
    /^Parsing --([\w-]+) \n\t([^]+)$/,
    ([, name = '', why = ''], context) => ({
      what: `invalid ${sourceOf(name, context) ?? dashed(name)}`,
      why: why.replace(/^Expected/, 'expected').replace(/ but received: ([^]*)$/, ', not "$1"'),
    }),
  ],
  [
    // oclif adds a note about repeatable flags, which does not apply: each takes only one value.
    /^Missing \d+ required args?:\n(\S+)\s+([^]+?)(?:\n\nNote: [^]*)?$/,
    ([, name = '', description = '']) => ({
      what: `missing argument ${name.toUpperCase()}`,
      why: expectation(description.replaceAll(/\s+/g, ' ').trim()),
    }),
  ],
  [
    /^Flag (--[\w-]+) expects (.+)$/,
    ([, flag = '', expected = ''], { flags }) => {
      const { helpValue } = flags[flag.slice(2)] ?? {};
      const isVague = expected === 'a value' && helpValue !== undefined;
      return {
        what: `missing value for ${flag}`,
        why: `expected ${isVague ? `${flag} ${String(helpValue)}` : expected}`,
      };
    },
  ],
  [
    /^Flag (--[\w-]+) can only be specified once$/,
    ([, flag = '']) => ({
      what: `cannot use ${flag} twice`,
      why: 'the flag accepts only one value',
    }),
  ],
  [
    /^The following errors? occurred:\s+--([\w-]+)=[^]*? cannot also be provided when using --([\w-]+)/,
    ([, other = '', name = '']) => ({
      what: `cannot use --${name} with --${other}`,
      why: 'these flags exclude each other',
      next: ['Remove one of them.'],
    }),
  ],
];

/** Converts an oclif error; undefined if the error does not concern the command line. */
export function usageError(error: Error, context: UsageContext): UserError | undefined {
  const message = plain(error.message);
  for (const [pattern, sentence] of SENTENCES) {
    const match = pattern.exec(message);
    if (match === null) continue;
    const { what, why, next = [] } = sentence(match, context);
    const text = { what, why, next: [...next, helpFor(context)], cause: error };
    return new UserError('usage', text);
  }
  return undefined;
}

/**
 * Rejects a value other than yes or no in a boolean flag's environment variable, because oclif
 * would treat it as no.
 */
export function refusedSwitch(context: UsageContext): UserError | undefined {
  for (const [flag, { type, env: name }] of Object.entries(context.flags)) {
    const value = type === 'boolean' && name !== undefined ? context.env[name] : undefined;
    if (value === undefined || YES_OR_NO.test(value) || isTyped(flag, context)) continue;
    return new UserError('usage', {
      what: `invalid ${name}`,
      why: `the value must be true or false, not ${JSON.stringify(value)}`,
      next: [helpFor(context)],
    });
  }
  return undefined;
}

/** The values that oclif accepts; an empty variable counts as unset. */
const YES_OR_NO = /^(?:1|true|y|yes|0|false|n|no)?$/i;

const helpFor = ({ command }: UsageContext) => `Run "arctun ${command} --help" to list its flags.`;

/** Removes color codes and oclif's own advice from a message. */
function plain(message: string): string {
  return stripVTControlCharacters(message).replace(/\nSee more help with --help$/, '');
}

/** Replaces oclif's list of options, such as `(bash|zsh) Shell to …`, with a sentence. */
function expectation(description: string): string {
  const [, options] = /^\(([^)]+\|[^)]+)\)/.exec(description) ?? [];
  return options === undefined ? description : `expected one of ${options.replaceAll('|', ', ')}`;
}

const dashed = (name: string) => `--${name}`;
