const SHOWN_LENGTH = 60;
/** A key, or the secret of an auth key, that stands where neither belongs. */
const LOOKS_SECRET = /[A-Za-z0-9+/]{43}=|secret-/;

/** Text of a file as a message may show it: in quotes, or only its length where it is a secret. */
export function shownText(text: string, isHidden: boolean): string {
  if (isHidden || LOOKS_SECRET.test(text)) return `a string of ${text.length} characters`;
  return clip(JSON.stringify(text));
}

export function clip(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`;
}
