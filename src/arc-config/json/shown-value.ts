import { hasSecretShape } from '../../lib/secrets/secret-shapes.js';

const SHOWN_LENGTH = 60;

/** Formats a value from a file for a message: in quotes, or only its length if it may be secret. */
export function shownText(text: string, isHidden: boolean): string {
  if (isHidden || hasSecretShape(text)) return `a string of ${text.length} characters`;
  return clip(JSON.stringify(text));
}

export function clip(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`;
}
