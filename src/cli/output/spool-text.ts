/** Formats the messages of a spool for standard output. */
import type { SpooledSummary } from '../../app/spool/manage-spool.js';
import { harmlessLines } from '../../lib/text/harmless-text.js';
import type { DrainResult } from '../../proxy/spool/drain-spool.js';
import { renderText } from './render.js';

export function spoolTable(messages: readonly SpooledSummary[]): string {
  const rows = messages.map(({ id, state, detail, accepted, bytes }) => [
    id,
    detail === undefined ? state : `${state} (${detail})`,
    accepted,
    String(bytes),
  ]);
  const all = [['ID', 'STATE', 'ACCEPTED', 'BYTES'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return renderText(all.map((row) => `${line(row)}\n`).join(''));
}

/** Formats a request, with control characters escaped. */
export function messageText(head: string, body: Uint8Array): string {
  const lines = head.replaceAll('\r\n', '\n');
  return harmlessLines(`${lines}\n\n${new TextDecoder().decode(body)}\n`);
}

export function drainText({ delivered, setAside, waitsFor }: DrainResult): string {
  const lines = [`Delivered: ${delivered}`];
  for (const { id, state, detail } of setAside) lines.push(`Set aside: ${id} ${state} (${detail})`);
  if (waitsFor !== undefined) lines.push(`Stopped: ${waitsFor}`);
  return renderText(`${lines.join('\n')}\n`);
}
