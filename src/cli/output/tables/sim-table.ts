/** Formats virtual SIMs for standard output, without colors and with control characters escaped. */
import type { SimReport } from '../../../app/sim/show-sim.js';
import type { SimSummary } from '../../../app/sim/sim-summary.js';
import { harmless } from '../../../lib/text/harmless-text.js';
import { timeText } from '../../../app/iso-time.js';
import { cutToWidth, displayWidth, padToWidth } from '../shown-text.js';

/** The maximum width of a name in columns, so that the table fits on a terminal. */
const LONGEST_NAME = 30;

const HEADINGS = ['SIM ID', 'NAME', 'STATUS', 'SESSION', 'ADDRESS', 'CREATED', 'GROUP'];

/** Formats a table with a heading and one line per SIM. */
export function renderSimTable(sims: readonly SimSummary[]): string {
  const rows = sims.map((sim) => [
    sim.simId,
    cutToWidth(harmless(sim.name), LONGEST_NAME),
    sim.status ?? '',
    sessionText(sim.online),
    sim.address ?? '',
    timeText(sim.createdTime),
    sim.groupId ?? '',
  ]);
  return renderColumns([HEADINGS, ...rows]);
}

/** Formats everything known about one SIM, including any problems in its arc.json. */
export function renderSimReport(report: SimReport): string {
  return [factsOf(report), arcConfigText(report), eventsText(report)].join('');
}

/** Returns the output of `sim show --json`. */
export function simReportValue({ sim, events, arcConfig }: SimReport): object {
  return { ...sim, ...(events && { events }), arcConfig };
}

function factsOf({ sim }: SimReport): string {
  const { arcSessionStatus: session, sessionStatus } = sim;
  const { infrastructureProvider, region } = sessionStatus?.placement ?? {};
  const facts: [name: string, value: string | undefined][] = [
    ['SIM ID', sim.simId],
    ['Name', sim.name],
    ['Status', sim.status],
    ['Type', sim.type],
    ['Speed class', sim.speedClass],
    ['Group', sim.groupId],
    ['Tags', tagsText(sim.tags)],
    ['Created', timeText(sim.createdTime)],
    ['Modified', timeText(sim.lastModifiedTime)],
    ['Termination', protectionText(sim.terminationEnabled)],
    ['IMSI', sim.imsi],
    ['Public key', sim.arcClientPeerPublicKey],
    ['Session', sessionText(sim.online)],
    ['Updated', timeText(sessionStatus?.lastUpdatedAt)],
    ['Placement', [infrastructureProvider, region].filter(Boolean).join(' ')],
    ['Address', sim.address],
    ['Server key', session?.arcServerPeerPublicKey],
    ['Endpoint', session?.arcServerEndpoint],
    ['Allowed IPs', session?.arcAllowedIPs.join(', ')],
  ];
  return renderColumns(facts.map(([name, value]) => [name, value || '-']));
}

function arcConfigText({ arcConfig }: SimReport): string {
  if (arcConfig === undefined) return '';
  const { source, findings } = arcConfig;
  if (findings.length === 0) return `\n${harmless(source)} matches SORACOM.\n`;
  const lines = findings.map(({ problem, next }) => `  ${harmless(problem)}\n    ${next}\n`);
  return `\nDifferences between ${harmless(source)} and SORACOM:\n${lines.join('')}`;
}

function eventsText({ events }: SimReport): string {
  if (events === undefined) return '';
  if (events.length === 0) return '\nNo session events in the past 32 days.\n';
  const rows = events.map(({ time, event, ueIpAddress }) => [
    timeText(time),
    event ?? '',
    ueIpAddress ?? '',
  ]);
  return `\n${renderColumns([['TIME', 'EVENT', 'ADDRESS'], ...rows])}`;
}

/** Formats aligned columns without trailing spaces. */
export function renderColumns(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(harmless));
  const widths: number[] = [];
  for (const row of shown) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell));
    });
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => padToWidth(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return shown.map((row) => `${line(row)}\n`).join('');
}

function sessionText(online: boolean | undefined): string {
  if (online === undefined) return '';
  return online ? 'online' : 'offline';
}

function protectionText(terminationEnabled: boolean | undefined): string | undefined {
  if (terminationEnabled === undefined) return undefined;
  return terminationEnabled ? 'possible' : 'protected';
}

function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .filter(([name]) => name !== 'name')
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
