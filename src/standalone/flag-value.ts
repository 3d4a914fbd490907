/** What a flag's text says. */
import type { Flag } from '../cli/flag.js';
import { UserError } from '../lib/user-error.js';

type Value = string | readonly string[] | number | boolean | undefined;

/** @param texts what was typed, none for a boolean flag */
export function givenValue(name: string, flag: Flag, texts: readonly string[]): Value {
  if (flag.type === 'boolean') return true;
  return flag.type === 'list' ? texts : oneValue(name, flag, texts[0] ?? '');
}

/** What the environment says, or else the default. */
export function environmentValue(
  name: string,
  flag: Flag,
  env: Readonly<Record<string, string | undefined>>,
): Value {
  const text = flag.env === undefined ? '' : (env[flag.env] ?? '');
  if (flag.type === 'boolean') return TRUE.has(text.toLowerCase());
  if (text === '') return flag.default;
  return flag.type === 'list' ? [text] : oneValue(name, flag, text);
}

const TRUE = new Set(['1', 'true', 'y', 'yes']);

type OneValueFlag = Exclude<Flag, { readonly type: 'boolean' | 'list' }>;

function oneValue(name: string, flag: OneValueFlag, text: string): string | number {
  if (flag.type === 'integer') return integer(name, flag, text);
  if (flag.type === 'string' || flag.options.includes(text)) return text;
  throw refused(`Expected --${name}=${text} to be one of`, flag.options.join(', '));
}

function integer(
  name: string,
  { min = -Infinity, max = Infinity }: { readonly min?: number; readonly max?: number },
  text: string,
): number {
  const number = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  const bound = number < min ? ` greater than or equal to ${min}` : ` less than or equal to ${max}`;
  const expected = Number.isNaN(number) ? '' : bound;
  throw refused(`Parsing --${name}`, `Expected an integer${expected} but received: ${text}`);
}

function refused(what: string, why: string): UserError {
  return new UserError('usage', { what, why, next: ['See more help with --help'] });
}
