/** Formats the result of a lookup like dig. */
import type { LookupRecord, LookupResult } from '../../proxy/dns/dns-lookup.js';

const TAB = 8;
/** The columns at which dig prints the TTL, the class and the type. */
const TTL_COLUMN = 24;
const CLASS_COLUMN = 32;
const TYPE_COLUMN = 40;

/** The response code and the server, as a comment, and the records. */
export function digText({ status, server, via, duration, answers }: LookupResult): string {
  const time = `${Math.round(duration)} ms`;
  const comment = `;; status: ${status}, server: ${server} (${via.toUpperCase()}), time: ${time}\n`;
  return comment + answers.map(recordLine).join('');
}

/** Only the data of the records, like dig +short. */
export function shortDigText({ answers }: LookupResult): string {
  return answers.map(({ data }) => `${data}\n`).join('');
}

export function digValue({ duration, answers, ...result }: LookupResult): object {
  return {
    ...result,
    milliseconds: Math.round(duration),
    answers: answers.map(({ name, ttl, type, data }) => ({ name, ttl, class: 'IN', type, data })),
  };
}

function recordLine({ name, ttl, type, data }: LookupRecord): string {
  const withTtl = `${toColumn(name, name.length, TTL_COLUMN)}${ttl}`;
  const ttlEnd = Math.max(TTL_COLUMN, nextTab(name.length)) + String(ttl).length;
  const withClass = `${toColumn(withTtl, ttlEnd, CLASS_COLUMN)}IN`;
  const classEnd = Math.max(CLASS_COLUMN, nextTab(ttlEnd)) + 'IN'.length;
  return `${toColumn(withClass, classEnd, TYPE_COLUMN)}${type}\t${data}\n`;
}

/** Adds tabs up to a column, at least one. */
function toColumn(text: string, width: number, column: number): string {
  return text + '\t'.repeat(Math.max(1, Math.ceil((column - width) / TAB)));
}

function nextTab(width: number): number {
  return (Math.floor(width / TAB) + 1) * TAB;
}
