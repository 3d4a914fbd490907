/** The output of `status --json`: an array, with arctun's tunnels first. */
import type { ConnectionStatus } from '../../proxy/status/connection-list.js';
import type { TrafficBytes } from '../../lib/traffic-days.js';
import { isoMilliseconds } from '../../app/iso-time.js';
import type { ShownStatus } from '../../app/status/show-status.js';
import type { ClosedTunnel, StatusReport } from '../../app/status/status-report.js';
import { type BudgetUse, isUsedUp } from '../../tunnel/traffic/traffic-budget.js';
import type { PeerStatus } from '../../tunnel/tunnel-status.js';
import type { TransferRates } from './transfer-rates.js';

export function statusValue(
  { tunnels, silent, devices }: ShownStatus,
  rates?: TransferRates,
): object[] {
  return [
    ...tunnels.map((report) => tunnelValue(report, rates)),
    ...silent.flatMap(({ closed, why }) =>
      closed === undefined ? [] : [closedValue(closed, why)],
    ),
    ...devices.map(({ name, type, publicKey, listenPort, fwmark, peers }) => ({
      name,
      type,
      ...{ publicKey, listenPort, fwmark },
      peers: peers.map(peerValue),
    })),
  ];
}

/** One of several SIMs whose tunnel is not open. */
function closedValue({ name, simId, pid }: ClosedTunnel, problem: string): object {
  const mode = 'userspace';
  return { name, type: mode, mode, health: 'closed', problem, simId, pid, peers: [] };
}

function tunnelValue(report: StatusReport, rates: TransferRates | undefined): object {
  const { name, version, pid, simId, mode, health, silence, listeners, connections } = report;
  const { publicKey, listenPort, fwmark, mtu, addresses, openedUnix, peers } = report;
  const { forward, furtherForwarders, proxy, dns, status, forwards } = listeners;
  return {
    name,
    type: mode,
    ...{
      mode,
      interface: report.interface,
      health,
      silence,
      rival: rivalValue(report),
      simId,
      version,
      pid,
    },
    opened: isoMilliseconds(openedUnix),
    ...{ publicKey, listenPort, fwmark, mtu, addresses },
    listeners: {
      forward,
      ...(furtherForwarders && { furtherForwarders }),
      proxy,
      dns,
      status,
      ...(forwards && { forwards }),
    },
    connections,
    openConnections: report.openConnections?.map(connectionValue),
    ...(report.spool && { spool: report.spool }),
    traffic: trafficValue(report),
    peers: peers.map((peer) => ({ ...peerValue(peer), ...rateValue(rates?.of(report, peer)) })),
  };
}

function connectionValue({ opener, target, age, sentBytes, receivedBytes }: ConnectionStatus) {
  return { opener, target, ageSeconds: Math.floor(age / 1000), sentBytes, receivedBytes };
}

function trafficValue({ traffic }: StatusReport): object | undefined {
  if (traffic === undefined) return undefined;
  const { today, month, budget, ...run } = traffic;
  return {
    ...run,
    today: today && { date: today.period, ...bytesOf(today) },
    month: month && { month: month.period, ...bytesOf(month) },
    budget: budget?.map(budgetValue),
  };
}

function budgetValue(use: BudgetUse): object {
  const { per, period, bytes, usedBytes, endsUnix } = use;
  const isExhausted = isUsedUp(use);
  return { per, period, bytes, usedBytes, isExhausted, resets: isoMilliseconds(endsUnix) };
}

function bytesOf({ sentBytes, receivedBytes }: TrafficBytes): TrafficBytes {
  return { sentBytes, receivedBytes };
}

function peerValue(peer: PeerStatus): object {
  const { publicKey, endpoint, allowedIps, persistentKeepalive, latestHandshakeUnix } = peer;
  const { sentBytes, receivedBytes, roundTrip, lossIn } = peer;
  return {
    ...{ publicKey, endpoint, allowedIps },
    persistentKeepaliveSeconds: persistentKeepalive,
    latestHandshake: isoMilliseconds(latestHandshakeUnix),
    ...{ sentBytes, receivedBytes },
    // Round to microseconds, the resolution of the clock.
    roundTripMs: roundTrip === undefined ? undefined : Math.round(roundTrip * 1000) / 1000,
    lossIn,
  };
}

function rivalValue({ rival }: StatusReport): object | undefined {
  return rival && { why: rival.why, lastSeen: isoMilliseconds(rival.lastSeenUnix) };
}

function rateValue(rate: ReturnType<TransferRates['of']>): object {
  if (rate === undefined) return {};
  return { sentBytesPerSecond: rate.sent, receivedBytesPerSecond: rate.received };
}
