import { cannotUse } from '../../lib/errors/user-error.js';
import type { SimLabels } from '../../app/bootstrap/label-sim.js';
import type { TagFilter } from '../../app/sim/sweep-sims.js';
import type { SimTag } from '../../soracom/soracom-api.js';

/** SORACOM's group IDs are UUIDs (RFC 9562 4). */
const GROUP_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** SORACOM publishes no limit. The emulator has the same one. */
const MAX_TAG_LENGTH = 255;

/** Unicode's control characters, such as line breaks and the escape character of terminals. */
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * Parses `--name`, `--group` and `--tag`, before anything is created or billed.
 * @throws UserError of kind `usage`
 */
export function parseLabels(flags: {
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  readonly tag?: readonly string[] | undefined;
}): SimLabels {
  const { name, group, tag } = flags;
  if (name?.trim() === '')
    throw cannotUse('--name', 'the name is empty', 'Use the form --name sensor-1.');
  if (name !== undefined) refuseUnusableText('--name', name);
  if (group !== undefined && !GROUP_ID.test(group)) {
    throw cannotUse(
      `--group ${group}`,
      'the value must be a group ID',
      "Copy the ID from the group's page in the user console.",
    );
  }
  const tags = tag?.map(parseTagFlag);
  const known = new Set(name === undefined ? [] : ['name']);
  for (const { tagName, tagValue } of tags ?? []) {
    refuseUnusableText('--tag', tagName);
    refuseUnusableText('--tag', tagValue);
    if (known.has(tagName)) {
      const why = `the tag ${tagName} was given twice`;
      throw cannotUse(`--tag ${tagName}=${tagValue}`, why, 'Give each tag only one value.');
    }
    known.add(tagName);
  }
  return { name, group, tags };
}

/** SORACOM would refuse the text only after the SIM exists, when it is already billed. */
function refuseUnusableText(flag: string, text: string): void {
  const next = `Use at most ${MAX_TAG_LENGTH} characters, without line breaks.`;
  const { length } = Array.from(text);
  if (length > MAX_TAG_LENGTH) throw cannotUse(flag, `the text is ${length} characters long`, next);
  if (CONTROL_CHARACTER.test(text)) {
    throw cannotUse(flag, 'the text contains a line break or another control character', next);
  }
}

/**
 * Parses a value of `--tag`, `NAME=VALUE`; the value may contain further equals signs. SORACOM does
 * not document whether it accepts an empty value.
 * @throws UserError of kind `usage`
 */
export function parseTagFlag(text: string): SimTag {
  return (
    parseTag(text) ??
    refused(text, 'a tag must have the form NAME=VALUE', 'Use the form --tag site=osaka.')
  );
}

/**
 * Parses a tag to look for: `NAME=VALUE`, or `NAME` for every value that is not empty.
 * @throws UserError of kind `usage`
 */
export function parseTagFilter(text: string): TagFilter {
  if (!text.includes('=') && text.trim() !== '') return { tagName: text, tagValue: undefined };
  const next = 'Use the form --tag ci=nightly, or --tag ci for every value.';
  return parseTag(text) ?? refused(text, 'a tag must have the form NAME or NAME=VALUE', next);
}

function parseTag(text: string): SimTag | undefined {
  const equals = text.indexOf('=');
  const tagValue = text.slice(equals + 1);
  return equals > 0 && tagValue.trim() !== ''
    ? { tagName: text.slice(0, equals), tagValue }
    : undefined;
}

function refused(text: string, form: string, next: string): never {
  throw cannotUse(`--tag ${text}`, `${form}, and the value must not be empty`, next);
}
