/** Formats the counters of a tunnel for Prometheus. */
import type Prometheus from 'prom-client';
import type { Registry } from 'prom-client';

import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';

export interface MeasuredTunnel {
  readonly version: string;
  /** The status; undefined if unavailable. */
  readonly status: TunnelStatus | undefined;
  /** The counters of arctun's listeners, by listener name. */
  readonly listeners: Readonly<Record<string, ListenerCounters>>;
}

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** Formats the metrics in a new registry each time, because the values are counted elsewhere. */
export async function metricsText({
  version,
  status,
  listeners,
}: MeasuredTunnel): Promise<MetricsText> {
  const { default: prometheus } = await import('prom-client');
  const metrics = new Metrics(prometheus);
  metrics.gauge('build_info', 'The arctun version, as a label.', { version }, 1);
  const isUp = status?.health === 'up';
  metrics.gauge('up', '1 if the Arc server is answering, otherwise 0.', {}, isUp ? 1 : 0);
  if (status !== undefined) addTunnel(metrics, status);
  for (const [listener, counters] of Object.entries(listeners)) {
    addListener(metrics, listener, counters);
  }
  return metrics.text();
}

function addTunnel(metrics: Metrics, { connections, peers, rival }: TunnelStatus): void {
  const help =
    '1 if another tunnel with this key was detected in the last 10 minutes, otherwise 0.';
  metrics.gauge('rival', help, {}, rival === undefined ? 0 : 1);
  if (connections !== undefined) {
    metrics.gauge(
      'tcp_connections',
      'Number of open TCP connections inside the tunnel.',
      {},
      connections,
    );
  }
  for (const peer of peers) {
    const labels = { public_key: peer.publicKey };
    const handshake = (peer.latestHandshakeUnix ?? 0) / 1000;
    metrics.gauge(
      'last_handshake_timestamp_seconds',
      'Unix time of the last completed handshake; 0 before the first.',
      labels,
      handshake,
    );
    metrics.counter(
      'rx_bytes_total',
      'Bytes of WireGuard messages received.',
      labels,
      peer.receivedBytes,
    );
    metrics.counter('tx_bytes_total', 'Bytes of WireGuard messages sent.', labels, peer.sentBytes);
    if (peer.roundTrip !== undefined) {
      const help = 'Time between initiation and response in the last completed handshake.';
      metrics.gauge(
        'handshake_round_trip_seconds',
        help,
        labels,
        // Round to the clock's resolution.
        Math.round(peer.roundTrip * 1000) / 1e6,
      );
    }
    if (peer.lossIn !== undefined) {
      metrics.gauge(
        'rx_loss_ratio',
        'Fraction of incoming data messages that were lost.',
        labels,
        peer.lossIn,
      );
    }
  }
}

function addListener(metrics: Metrics, listener: string, counters: ListenerCounters): void {
  const labels = { listener };
  const { requests, failures, active } = counters;
  metrics.counter('proxy_requests_total', 'Requests from clients.', labels, requests);
  const help = 'Number of requests that ended without a complete response from the target.';
  metrics.counter('proxy_failures_total', help, labels, failures);
  metrics.gauge(
    'proxy_active_connections',
    'Number of requests waiting for a response.',
    labels,
    active,
  );
}

type Labels = Readonly<Record<string, string>>;

class Metrics {
  readonly #prometheus: typeof Prometheus;
  readonly #registry: Registry;

  constructor(prometheus: typeof Prometheus) {
    this.#prometheus = prometheus;
    this.#registry = new prometheus.Registry();
  }

  gauge(name: string, help: string, labels: Labels, value: number): void {
    const { Gauge } = this.#prometheus;
    const options = this.#options(name, help, labels);
    const known = this.#registry.getSingleMetric(options.name);
    (known instanceof Gauge ? known : new Gauge(options)).set(labels, value);
  }

  counter(name: string, help: string, labels: Labels, value: number): void {
    const { Counter } = this.#prometheus;
    const options = this.#options(name, help, labels);
    const known = this.#registry.getSingleMetric(options.name);
    (known instanceof Counter ? known : new Counter(options)).inc(labels, value);
  }

  async text(): Promise<MetricsText> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #options(name: string, help: string, labels: Labels) {
    const labelNames = Object.keys(labels);
    return { name: `arctun_${name}`, help, labelNames, registers: [this.#registry] };
  }
}
