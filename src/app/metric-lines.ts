/** soratun's counters in the log, which whoever has read them there finds again. */
import { endpointText } from '../tunnel/endpoint-text.js';
import type { Clock, Endpoint, Log, Timer } from '../tunnel/ports.js';
import type { TunnelTotals } from '../tunnel/userspace-tunnel.js';

/** Milliseconds. */
const INTERVAL = 60_000;

/** Go's zero time, the first of January of the year 1, in seconds since 1970. */
const NEVER = -62_135_596_800;

/** What a tunnel has to tell. */
export interface MeteredTunnel {
  readonly endpoint: Endpoint | undefined;
  /** Milliseconds since 1970. */
  readonly lastHandshakeUnix: number | undefined;
  totals(): TunnelTotals;
}

export interface MetricLabels {
  readonly simId: string;
  readonly interface: string;
}

/** The three lines, as soratun writes them. */
export function metricLines(tunnel: MeteredTunnel, labels: MetricLabels): readonly string[] {
  const { endpoint, lastHandshakeUnix } = tunnel;
  const { sentBytes, receivedBytes } = tunnel.totals();
  const handshake = lastHandshakeUnix === undefined ? NEVER : Math.floor(lastHandshakeUnix / 1000);
  const values = [
    ['simId', labels.simId],
    ['interface', labels.interface],
    // Go's text for an endpoint that is not known.
    ['endpoint', endpoint === undefined ? '<nil>' : endpointText(endpoint)],
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
 * Logs the lines each minute, the first time in a minute.
 *
 * @returns ends it
 */
export function startMetricLines(
  tunnel: MeteredTunnel,
  labels: MetricLabels,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): () => void {
  let timer: Timer;
  const arm = () => {
    timer = clock.startTimer(INTERVAL, () => {
      for (const line of metricLines(tunnel, labels)) log.debug({}, line);
      arm();
    });
  };
  arm();
  return () => timer.cancel();
}
