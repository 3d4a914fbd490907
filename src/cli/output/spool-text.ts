/** Formats the messages of a spool for standard output. */
import type { SpooledSummary } from '../../app/spool/manage-spool.js';
import { harmlessLines } from '../../lib/text/harmless-text.js';
import type { DrainResult } from '../../proxy/spool/drain-spool.js';
import { renderText } from './render.js';
import { renderColumns } from './tables/sim-table.js';

export function spoolTable(messages: readonly SpooledSummary[]): string {
  const rows = messages.map(({ id, state, detail, accepted, bytes }) => [
    id,
    detail === undefined ? state : `${state} (${detail})`,
    accepted,
    String(bytes),
  ]);
  return renderColumns([['ID', 'STATE', 'ACCEPTED', 'BYTES'], ...rows]);
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
