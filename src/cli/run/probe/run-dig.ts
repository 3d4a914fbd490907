/** Defines the flags of `dig`, and runs the command. */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

import { digName } from '../../../app/probe/dig-name.js';
import { UserError } from '../../../lib/errors/user-error.js';
import { harmlessLines } from '../../../lib/text/harmless-text.js';
import { LOOKUP_TYPES, type LookupType } from '../../../proxy/dns/dns-lookup.js';
import { reverseName } from '../../../proxy/dns/host-names.js';
import type { configFlag } from '../../flags/config-flags.js';
import * as Flags from '../../flags/flag.js';
import { digText, digValue, shortDigText } from '../../output/dig-text.js';
import type { Output } from '../../output/output.js';
import { renderJson } from '../../output/render.js';
import type { AccessContext } from '../access/prepare-access.js';
import { probeFlags, runProbe } from './run-probe.js';

export const digFlags = {
  reverse: Flags.boolean({
    char: 'x',
    description: 'Look up the name of an IP address; NAME is then the address.',
  }),
  short: Flags.boolean({ description: 'Print only the values of the records.' }),
  ...probeFlags,
  json: Flags.boolean({ description: 'Print the result as JSON.', exclusive: ['short'] }),
};

type DigChoice = Flags.FlagValues<typeof configFlag & typeof digFlags>;

export interface DigWords {
  readonly name: string;
  readonly type: string | undefined;
}

/** @throws UserError */
export async function runDig(
  flags: DigChoice,
  words: DigWords,
  context: AccessContext,
  output: Output,
): Promise<void> {
  const question = readQuestion(words, flags.reverse);
  const found = await runProbe('dig', flags, new Map(), context, (probe) => {
    const { access, ports, servers, signal } = probe;
    return digName({ ...question, servers, signal }, access, ports);
  });
  if (flags.json) output.write(renderJson(digValue(found)));
  else output.write(harmlessLines(flags.short ? shortDigText(found) : digText(found)));
}

/** @throws UserError of kind `usage` */
export function readQuestion(
  { name, type }: DigWords,
  isReverse: boolean,
): { readonly name: string; readonly type: LookupType } {
  for (const word of [name, type ?? '']) refuseOtherNotation(word);
  if (!isReverse) return { name: readName(name), type: readType(type ?? 'A') };
  if (isIP(name) === 0) {
    throw wrong(`cannot use --reverse with ${JSON.stringify(name)}`, 'NAME must be an IP address', [
      'Use the form "arctun dig -x 192.0.2.1".',
    ]);
  }
  return { name: reverseName(name), type: readType(type ?? 'PTR') };
}

/** Refuses the notation of BIND's dig. @throws UserError of kind `usage` */
function refuseOtherNotation(word: string): void {
  const what = `cannot use ${JSON.stringify(word)}`;
  if (word.startsWith('@')) {
    throw wrong(what, 'arctun chooses name servers by a flag', [
      `Use --dns ${word.length > 1 ? word.slice(1) : 'ADDRESS'} instead.`,
    ]);
  }
  if (!word.startsWith('+')) return;
  throw wrong(what, 'arctun has flags instead of options with a plus sign', [
    'Use --short for "+short"; "arctun dig --help" lists the flags.',
  ]);
}

function readType(text: string): LookupType {
  const type = LOOKUP_TYPES.find((known) => known === text.toUpperCase());
  if (type !== undefined) return type;
  const why =
    text.toUpperCase() === 'ANY'
      ? 'name servers do not have to answer such queries in full (RFC 8482)'
      : 'arctun does not know this record type';
  throw wrong(`cannot look up records of type ${JSON.stringify(text)}`, why, [
    `Use one of these types: ${LOOKUP_TYPES.join(', ')}.`,
  ]);
}

function readName(text: string): string {
  if (text === '.') return text;
  // The codec would encode other characters as UTF-8.
  const ascii = /^[\x21-\x7e]*$/.test(text) ? text : domainToASCII(text);
  const name = ascii.replace(/\.$/, '');
  const isValid =
    name.length <= 253 && name.split('.').every(({ length }) => length > 0 && length <= 63);
  if (isValid) return name;
  throw wrong(`cannot look up ${JSON.stringify(text)}`, 'this is not a valid name', [
    'Use a name such as pong.soracom.io.',
  ]);
}

function wrong(what: string, why: string, next: readonly string[]): UserError {
  return new UserError('usage', { what, why, next });
}
