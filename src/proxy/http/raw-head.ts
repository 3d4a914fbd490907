/** Heads of answers that are written past Node: interim ones, and those that end HTTP. */

/**
 * A head as latin1 text.
 *
 * @param fields names and values in turn, which areWritable() has seen
 */
export function rawHead(status: number, reason: string, fields: readonly string[]): string {
  return `HTTP/1.1 ${status} ${reason}\r\n${fieldLines(fields)}\r\n`;
}

/** Fields, a line each. */
export function fieldLines(fields: readonly string[]): string {
  let lines = '';
  for (let index = 0; index + 1 < fields.length; index += 2) {
    lines += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`;
  }
  return lines;
}

/** The reason phrase, or none where it may not be written (RFC 9112 4: it has no meaning). */
export function reasonPhrase({
  statusMessage = '',
}: {
  statusMessage?: string | undefined;
}): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage) ? statusMessage : '';
}
