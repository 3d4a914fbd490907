/** soratun's counters in the log, which whoever has read them there finds again. */
import type { Clock, Timer } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { PeerStatus } from '../../tunnel/tunnel-status.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

/** Milliseconds. */
const INTERVAL = 60_000;

/** Go's zero time, the first of January of the year 1, in seconds since 1970. */
const NEVER = -62_135_596_800;

export interface MetricLabels {
  readonly simId: string;
  readonly interface: string;
}

/** What the lines say of a peer. */
export type MeteredPeer = Pick<
  PeerStatus,
  'endpoint' | 'latestHandshakeUnix' | 'sentBytes' | 'receivedBytes'
>;

/** The three lines of a peer, as soratun writes them. */
export function metricLines(peer: MeteredPeer, labels: MetricLabels): readonly string[] {
  const { endpoint, latestHandshakeUnix: latest, sentBytes, receivedBytes } = peer;
  const handshake = latest === undefined ? NEVER : Math.floor(latest / 1000);
  const values = [
    ['simId', labels.simId],
    ['interface', labels.interface],
    // Go's text for an endpoint that is not known.
    ['endpoint', endpoint ?? '<nil>'],
  ].map(([name, value = '']) => `${name}="${escaped(value)}"`);
  const label = `{${values.join(',')}}`;
  return [
    `soratun_sent_bytes_total${label} ${sentBytes}`,
    `soratun_received_bytes_total${label} ${receivedBytes}`,
    `soratun_latest_handshake_epoch${label} ${handshake}`,
  ];
}

/** As Prometheus has it: what ends the value or the line would make another metric of the rest. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/**
 * Logs the lines of all peers each minute, the first time in a minute.
 *
 * @returns ends it
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
    // A tunnel that has ended does not answer; that is told elsewhere.
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
