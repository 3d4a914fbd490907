/** Formats the SIMs of a process that has several of them as a table. */
import type { SilentTunnel } from '../../../app/status/find-tunnels.js';
import { healthText } from '../../../app/status/status-texts.js';
import type { StatusReport } from '../../../app/status/status-report.js';
import { ageText } from '../../../lib/text/amounts.js';
import { renderColumns } from './sim-table.js';

const HEADINGS = ['NAME', 'SIM ID', 'HANDSHAKE', 'RECEIVED', 'SENT', 'HEALTH'];

/**
 * Formats one table for each process, followed by an empty line.
 *
 * @param reports the open tunnels
 * @param silent the tunnels that are not open are among them
 * @param now the current time in milliseconds since 1970
 */
export function fleetText(
  reports: readonly StatusReport[],
  silent: readonly SilentTunnel[],
  now: number,
): string {
  const rows = [
    ...reports.map((report) => ({ ...report, cells: openCells(report, now) })),
    ...silent.flatMap(({ closed, why }) =>
      closed === undefined ? [] : [{ ...closed, cells: closedCells(closed.simId, why) }],
    ),
  ].sort((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)));
  const pids = new Set(rows.map(({ pid }) => pid));
  return [...pids].map((pid) => tableOf(pid, rows)).join('');
}

interface Row {
  readonly name: string;
  readonly pid: number;
  readonly cells: readonly string[];
}

function tableOf(pid: number, all: readonly Row[]): string {
  const rows = all.filter((row) => row.pid === pid);
  const table = renderColumns([HEADINGS, ...rows.map(({ name, cells }) => [name, ...cells])]);
  const count = rows.length === 1 ? '1 SIM' : `${rows.length} SIMs`;
  return `process ${pid}: ${count}\n${table}\n`;
}

function openCells(report: StatusReport, now: number): string[] {
  const [peer] = report.peers;
  const latest = peer?.latestHandshakeUnix;
  return [
    report.simId || '-',
    latest === undefined ? '-' : `${ageText(now - latest)} ago`,
    `${peer?.receivedBytes ?? 0} B`,
    `${peer?.sentBytes ?? 0} B`,
    healthText(report),
  ];
}

function closedCells(simId: string, why: string): string[] {
  return [simId || '-', '-', '-', '-', `closed: ${why}`];
}
