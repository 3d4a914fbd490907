import { hasSecretShape } from '../../lib/secrets/secret-shapes.js';

const SHOWN_LENGTH = 60;

/**
 * Text of a file as a message may show it: in quotes, or only its length where it is a secret,
 * or looks like one that does not belong there.
 */
export function shownText(text: string, isHidden: boolean): string {
  if (isHidden || hasSecretShape(text)) return `a string of ${text.length} characters`;
  return clip(JSON.stringify(text));
}

export function clip(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`;
}
