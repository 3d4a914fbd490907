/** What the status page shows, as texts. The page's script only places them. */
import { ageText, bytesText } from '../../../lib/text/amounts.js';
import type { ForwardStatus } from '../../../proxy/port-forward/forward-counters.js';
import type { TrafficStatus } from '../../../tunnel/tunnel-status.js';
import { timeText } from '../../iso-time.js';
import { budgetUseText, healthReasons, spoolText } from '../status-texts.js';
import type { StatusReport } from '../status-report.js';

/** The cells of a table, row by row. */
type Rows = readonly (readonly string[])[];

export interface PageView {
  readonly name: string;
  readonly state: 'up' | 'connecting' | 'stale' | 'unknown';
  readonly headline: string;
  /** Why the tunnel is silent, or another problem; empty if there is none. */
  readonly reason: string;
  /** Each a name and a value. */
  readonly facts: Rows;
  readonly tables: Readonly<Record<TableName, Rows>>;
  /** The bytes so far, from which the page computes rates; undefined if unknown. */
  readonly totals: PageTotals | undefined;
}

export interface PageTotals {
  /** Differs between two tunnels, whose bytes must not be compared. */
  readonly tunnel: string;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly received: number;
  readonly sent: number;
}

export type TableName = 'traffic' | 'listeners' | 'forwards' | 'connections';

export interface PageMoment {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Milliseconds since 1970. */
  readonly unix: number;
}

const HEADLINES = {
  up: 'The tunnel is up',
  connecting: 'The tunnel is connecting',
  stale: 'The tunnel is silent',
} as const;

const NO_ROWS = { traffic: [], listeners: [], forwards: [], connections: [] };

/** The view if no status is available, for example because the tunnel is not open yet. */
export function viewWithout(name: string, reason: string): PageView {
  const headline = 'The state of the tunnel is unknown';
  const nothing = { facts: [], tables: NO_ROWS, totals: undefined };
  return { name, state: 'unknown', headline, reason, ...nothing };
}

export function pageView(report: StatusReport, moment: PageMoment): PageView {
  return {
    name: report.name,
    state: report.health,
    headline: HEADLINES[report.health],
    reason: healthReasons(report).join(': '),
    facts: factsOf(report, moment).filter(([, value]) => value !== ''),
    tables: {
      traffic: report.traffic === undefined ? [] : trafficRows(report.traffic),
      listeners: listenerRows(report),
      forwards: (report.listeners.forwards ?? []).map(forwardRow),
      connections: (report.openConnections ?? []).map(
        ({ opener, target, age, sentBytes, receivedBytes }) => [
          ...[opener, target, ageText(age), bytesText(receivedBytes), bytesText(sentBytes)],
        ],
      ),
    },
    totals: totalsOf(report, moment),
  };
}

function factsOf(report: StatusReport, { unix }: PageMoment): [string, string][] {
  const { peers, connections, simId, addresses, mode, version, pid, openedUnix, spool } = report;
  const [server] = peers;
  const latest = server?.latestHandshakeUnix;
  const roundTrip = server?.roundTrip;
  const handshake =
    latest === undefined ? 'none yet' : `${timeText(latest)}, ${ageText(unix - latest)} ago`;
  return [
    ['SIM', simId],
    ['Addresses', addresses.join(', ')],
    ['Arc server', server?.endpoint ?? 'not known yet'],
    ['Last handshake', handshake],
    ['Round trip', roundTrip === undefined ? '' : `${roundTrip.toFixed(1)} ms`],
    ['Open connections', connections?.toString() ?? ''],
    ['Spool', spool === undefined ? '' : spoolText(spool)],
    ...(report.traffic?.budget ?? []).map((use): [string, string] => [
      `Budget per ${use.per}`,
      budgetUseText(use),
    ]),
    ['Mode', report.interface === '' ? mode : `${mode}, interface ${report.interface}`],
    ['Open since', `${timeText(openedUnix)}, ${ageText(unix - openedUnix)} ago`],
    ['Process', `${pid}, arctun ${version}`],
  ];
}

function trafficRows(traffic: TrafficStatus): Rows {
  const { sent, received, retransmittedBytes, today, month } = traffic;
  const row = (name: string, inBytes: number, outBytes: number) => [
    ...[name, bytesText(inBytes), bytesText(outBytes)],
  ];
  const again = retransmittedBytes === undefined ? [] : [bytesText(retransmittedBytes)];
  return [
    row('Since the tunnel was opened', received.bytes, sent.bytes),
    row('of which keepalives', received.keepaliveBytes, sent.keepaliveBytes),
    row('of which handshakes', received.handshakeBytes, sent.handshakeBytes),
    ...again.map((bytes) => ['of which TCP retransmissions', '', bytes]),
    ...(today ? [row(`Today (${today.period}, UTC)`, today.receivedBytes, today.sentBytes)] : []),
    ...(month
      ? [row(`This month (${month.period}, UTC)`, month.receivedBytes, month.sentBytes)]
      : []),
  ];
}

function listenerRows({ listeners }: StatusReport): Rows {
  const { forward, proxy, proxyHasPassword, dns, status } = listeners;
  const password = proxyHasPassword === true ? ' (with a password)' : '';
  const rows: [string, string | undefined][] = [
    ['Forwarder', forward],
    ['SOCKS and HTTP proxy', proxy && `${proxy}${password}`],
    ['DNS', dns],
    ['Status pages', status],
  ];
  return rows.flatMap(([name, address]) => (address ? [[name, address]] : []));
}

function forwardRow(forward: ForwardStatus): string[] {
  const { kind, protocol, listen, target, active, connections, failures, dropped } = forward;
  return [
    `${kind}, ${protocol.toUpperCase()}`,
    ...[listen, target, `${active}`, `${connections}`, `${failures}`],
    protocol === 'udp' ? `${dropped}` : '',
    bytesText(forward.receivedBytes),
    bytesText(forward.sentBytes),
  ];
}

function totalsOf(report: StatusReport, { now }: PageMoment): PageTotals {
  const { traffic, peers, pid, openedUnix } = report;
  const sum = (name: 'sentBytes' | 'receivedBytes') =>
    peers.reduce((total, peer) => total + peer[name], 0);
  return {
    tunnel: `${pid} ${openedUnix}`,
    at: now,
    received: traffic?.received.bytes ?? sum('receivedBytes'),
    sent: traffic?.sent.bytes ?? sum('sentBytes'),
  };
}
