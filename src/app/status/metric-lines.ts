/**
 * Logs soratun's counters in soratun's format, so that existing tools for processing logs keep
 * working.
 */
import type { Clock, Timer } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { PeerStatus } from '../../tunnel/tunnel-status.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

/** The interval in milliseconds between two log entries. */
const INTERVAL = 60_000;

/** Go's zero time, January 1 of the year 1, in seconds since 1970. */
const NEVER = -62_135_596_800;

export interface MetricLabels {
  readonly simId: string;
  readonly interface: string;
}

/** The fields of a peer in the log lines. */
export type MeteredPeer = Pick<
  PeerStatus,
  'endpoint' | 'latestHandshakeUnix' | 'sentBytes' | 'receivedBytes'
>;

/** Formats the three lines of a peer, as soratun does. */
export function metricLines(peer: MeteredPeer, labels: MetricLabels): readonly string[] {
  const { endpoint, latestHandshakeUnix: latest, sentBytes, receivedBytes } = peer;
  const handshake = latest === undefined ? NEVER : Math.floor(latest / 1000);
  const values = [
    ['simId', labels.simId],
    ['interface', labels.interface],
    // Go prints this string for an unknown endpoint.
    ['endpoint', endpoint ?? '<nil>'],
  ].map(([name, value = '']) => `${name}="${escaped(value)}"`);
  const label = `{${values.join(',')}}`;
  return [
    `soratun_sent_bytes_total${label} ${sentBytes}`,
    `soratun_received_bytes_total${label} ${receivedBytes}`,
    `soratun_latest_handshake_epoch${label} ${handshake}`,
  ];
}

/** Escapes a Prometheus label value, so that it cannot start another metric. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/**
 * Logs the lines of all peers every minute, starting after one minute.
 * @returns a function that stops logging
 */
export function startMetricLines(
  tunnel: Pick<Tunnel, 'status'>,
  labels: MetricLabels,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): () => void {
  let timer: Timer;
  let isEnded = false;
  const arm = () => {
    timer = clock.startTimer(INTERVAL, () => void write());
  };
  const write = async () => {
    // status() rejects after the tunnel has ended, which is reported elsewhere.
    const status = await tunnel.status().catch(() => undefined);
    if (isEnded || status === undefined) return;
    for (const peer of status.peers) {
      for (const line of metricLines(peer, labels)) log.info({}, line);
    }
    arm();
  };
  arm();
  return () => {
    isEnded = true;
    timer.cancel();
  };
}
