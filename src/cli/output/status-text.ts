/** Formats tunnels and WireGuard devices for standard output: soratun's lines, then arctun's. */
import type { FoundDevice } from '../../app/status/find-devices.js';
import { budgetUseText, healthText, spoolText } from '../../app/status/status-texts.js';
import type { ShownStatus } from '../../app/status/show-status.js';
import type { StatusReport } from '../../app/status/status-report.js';
import type { TrafficPeriod } from '../../lib/traffic-days.js';
import { ageText } from '../../lib/text/amounts.js';
import type { DeviceStatus } from '../../tunnel/uapi/ask-device.js';
import type { PeerStatus } from '../../tunnel/tunnel-status.js';
import { fleetText } from './tables/fleet-text.js';
import { forwardLine } from './forward-text.js';
import { renderText } from './render.js';
import { isoMilliseconds, timeText } from '../../app/iso-time.js';
import type { TransferRate, TransferRates } from './transfer-rates.js';

/** soratun's message if no device exists. */
const NOTHING = 'no SORACOM Arc device found\n';

export interface StatusMoment {
  /** The current time in milliseconds since 1970. */
  readonly now: number;
  /** The transfer rates; set only for `--watch`. */
  readonly rates?: TransferRates | undefined;
  /** Whether to show each of several SIMs of a process like a single one, not in a table. */
  readonly isDetailed?: boolean;
}

/** Formats all tunnels and devices; returns an empty string if tunnels exist but none responds. */
export function renderStatus(
  { tunnels, silent, devices }: ShownStatus,
  moment: StatusMoment,
): string {
  if (tunnels.length + silent.length + devices.length === 0) return NOTHING;
  const isRow = ({ isOfFleet }: StatusReport) => isOfFleet === true && !moment.isDetailed;
  const blocks = [
    ...tunnels.filter((report) => !isRow(report)).map((report) => tunnelText(report, moment)),
    fleetText(tunnels.filter(isRow), silent, moment.now),
    ...devices.map(deviceText),
  ];
  return renderText(blocks.join(''));
}

function tunnelText(report: StatusReport, { now, rates }: StatusMoment): string {
  const heading = interfaceLines(report.name, report.mode, report);
  const peers = report.peers.map((peer) =>
    block([...peerLines(peer), ...ownPeerLines(peer, now, rates?.of(report, peer))]),
  );
  return [block([...heading, ...ownLines(report)]), ...peers].join('');
}

function deviceText({ name, type, ...device }: FoundDevice): string {
  const peers = device.peers.map((peer) => block(peerLines(peer)));
  return [block(interfaceLines(name, type, device)), ...peers].join('');
}

/** Formats lines followed by an empty line, as in soratun. */
function block(lines: readonly string[]): string {
  return `${lines.join('\n')}\n\n`;
}

function interfaceLines(
  name: string,
  type: string,
  { publicKey, listenPort }: Pick<DeviceStatus, 'publicKey' | 'listenPort'>,
): string[] {
  return [
    `interface: ${name} (${type})`,
    `  public key: ${publicKey ?? '(none)'}`,
    '  private key: (hidden)',
    `  listening port: ${listenPort}`,
  ];
}

type Fact = readonly [name: string, value: string | undefined];

function ownLines(report: StatusReport): string[] {
  const { mode, simId, addresses, listeners, connections, openedUnix, pid, version } = report;
  const facts: Fact[] = [
    ['mode', mode],
    ['health', healthText(report)],
    ['sim', simId],
    ['address', addresses.join(', ')],
    ['forwarder', listeners.forward],
    ...(listeners.furtherForwarders ?? []).map(({ url, target }): [string, string] => [
      'forwarder',
      `${url} to ${target}`,
    ]),
    ['proxy', listeners.proxy],
    ['dns', listeners.dns],
    ['status pages', listeners.status],
    ['spool', report.spool && spoolText(report.spool)],
    ['connections', connections?.toString()],
    ...trafficFacts(report.traffic),
    ['open since', timeText(openedUnix)],
    ['process', `${pid}, arctun ${version}`],
  ];
  const forwards = (listeners.forwards ?? []).map((one) => `  port forward: ${forwardLine(one)}`);
  return [...facts.flatMap(([name, value]) => (value ? [`  ${name}: ${value}`] : [])), ...forwards];
}

function trafficFacts(traffic: StatusReport['traffic']): Fact[] {
  if (traffic === undefined) return [];
  const { sent, received, retransmittedBytes, today, month, budget = [] } = traffic;
  const again = retransmittedBytes === undefined ? undefined : `${retransmittedBytes} B sent`;
  return [
    ['outer traffic', bytesText(received.bytes, sent.bytes)],
    ['of which keepalives', bytesText(received.keepaliveBytes, sent.keepaliveBytes)],
    ['of which handshakes', bytesText(received.handshakeBytes, sent.handshakeBytes)],
    ['of which TCP retransmissions', again],
    ...periodFact('today', today),
    ...periodFact('this month', month),
    ...budget.map((use): Fact => [`budget per ${use.per}`, budgetUseText(use)]),
  ];
}

function periodFact(name: string, traffic: TrafficPeriod | undefined): Fact[] {
  if (traffic === undefined) return [];
  const { period, sentBytes, receivedBytes } = traffic;
  return [[`outer traffic ${name}`, `${bytesText(receivedBytes, sentBytes)} (${period}, UTC)`]];
}

function bytesText(received: number, sent: number): string {
  return `${received} B received, ${sent} B sent`;
}

function peerLines(peer: PeerStatus): string[] {
  return [
    `peer: ${peer.publicKey}`,
    // Go prints this string for an unknown endpoint.
    `  endpoint: ${peer.endpoint ?? '<nil>'}`,
    `  allowed ips: ${peer.allowedIps.join(', ')}`,
    `  latest handshake: ${goTime(peer.latestHandshakeUnix)}`,
    `  transfer: ${bytesText(peer.receivedBytes, peer.sentBytes)}`,
  ];
}

function ownPeerLines(peer: PeerStatus, now: number, rate: TransferRate | undefined): string[] {
  const { latestHandshakeUnix: latest, roundTrip, lossIn } = peer;
  const facts: Fact[] = [
    ['rate', rate && `${rateText(rate.received)} received, ${rateText(rate.sent)} sent`],
    ['handshake age', latest === undefined ? undefined : ageText(now - latest)],
    ['round trip', roundTrip === undefined ? undefined : `${roundTrip.toFixed(1)} ms`],
    ['inbound loss', lossIn === undefined ? undefined : `${(lossIn * 100).toFixed(1)} %`],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name}: ${value}`]));
}

function rateText(bytesPerSecond: number): string {
  return `${Math.round(bytesPerSecond)} B/s`;
}

/** Go's zero time, which Go prints for an event that never happened. */
const NEVER = '0001-01-01 00:00:00 +0000 UTC';

/**
 * Formats a time like Go's `Time.String()`, which soratun uses, but always in UTC.
 *
 * @param unixTime milliseconds since 1970; undefined for an event that never happened
 */
export function goTime(unixTime: number | undefined): string {
  // Remove trailing zeros from the fraction, and the decimal point if no digits remain.
  const text = isoMilliseconds(unixTime)
    ?.replace('T', ' ')
    .replace(/\.?0*Z$/, '');
  return text === undefined ? NEVER : `${text} +0000 UTC`;
}
