/** Small HTML elements of the emulator's page. */
import { escapeHtml } from '../../lib/text/escape-html.js';

/** What a cell without a value contains. */
export const EMPTY = '<span aria-hidden="true">–</span><span class="hidden">none</span>';

/**
 * @param label the column's name, which a narrow page shows in the cell
 * @param content HTML
 */
export function cell(label: string, content: string): string {
  // The role keeps the table's meaning if the style sheet shows the row as a list.
  return `<td role="cell" data-label="${label}"><div>${content}</div></td>`;
}

/** @param at a time in RFC 3339 format, in UTC, which the script shows as local time */
export function timeElement(at: string): string {
  const text = escapeHtml(at);
  return `<time datetime="${text}">${text.slice(11, 19)} UTC</time>`;
}
