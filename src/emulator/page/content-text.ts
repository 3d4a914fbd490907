import type { Message } from '../messages.js';

/** The maximum number of characters, or of bytes in hexadecimal, to show of one message. */
const SHOWN_CHARACTERS = 1024;
const SHOWN_BYTES = 256;

export interface ShownContent {
  readonly text: string;
  /** `hex` if the content is not plain text. */
  readonly form: 'text' | 'hex';
  /** Whether the text contains only the beginning of the content. */
  readonly isPart: boolean;
}

/** Formats the body of a message as text, or in hexadecimal if it is not plain text. */
export function contentText(
  message: Pick<Message, 'body' | 'bodyEncoding' | 'truncated'>,
): ShownContent {
  const { body, bodyEncoding, truncated } = message;
  if (bodyEncoding === 'utf8' && !HIDDEN.test(body)) {
    const isPart = truncated || body.length > SHOWN_CHARACTERS;
    return { text: body.slice(0, SHOWN_CHARACTERS), form: 'text', isPart };
  }
  const bytes = Buffer.from(body, bodyEncoding);
  const shown = bytes.subarray(0, SHOWN_BYTES).toString('hex');
  const isPart = truncated || bytes.length > SHOWN_BYTES;
  return { text: shown.replace(/..(?=.)/g, '$& '), form: 'hex', isPart };
}

/**
 * Characters that a browser does not show, or that change the order of others: control characters
 * except tab and line ends, and the characters of Unicode's bidirectional algorithm (UAX 9).
 */
const HIDDEN = /[^\P{Cc}\t\n\r]|\p{Bidi_Control}/u;
