/** Formats heads that bypass Node. */
import { isFieldValue } from '../../lib/text/http-syntax.js';

/**
 * Formats a head as a latin1 string.
 *
 * @param fields alternating names and values, checked by areWritable()
 */
export function rawHead(status: number, reason: string, fields: readonly string[]): string {
  return `${statusLine(status, reason)}${fieldLines(fields)}\r\n`;
}

export function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

/** Formats fields, given as alternating names and values, one per line. */
export function fieldLines(fields: readonly string[]): string {
  let lines = '';
  for (let index = 0; index + 1 < fields.length; index += 2) {
    lines += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`;
  }
  return lines;
}

/** The reason phrase, or an empty one if it is not valid (RFC 9112 4: it has no meaning). */
export function reasonPhrase(reason: string): string {
  return isFieldValue(reason) ? reason : '';
}

/**
 * Returns a body, or a part of one, with the head or the framing before and after it, in one
 * buffer. The texts are latin1 strings.
 */
export function framed(before: string, body: Buffer, after: string): Buffer {
  if (before === '' && after === '') return body;
  const bytes = Buffer.allocUnsafe(before.length + body.length + after.length);
  bytes.write(before, 'latin1');
  body.copy(bytes, before.length);
  if (after !== '') bytes.write(after, before.length + body.length, 'latin1');
  return bytes;
}
