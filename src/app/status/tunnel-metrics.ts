/** Formats the counters of a tunnel for Prometheus. */
import type Prometheus from 'prom-client';
import type { Registry } from 'prom-client';

import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { ForwardStatus } from '../../proxy/port-forward/forward-counters.js';
import type { SpoolStatus } from '../spool/forwarder-spool.js';
import { isUsedUp } from '../../tunnel/traffic/traffic-budget.js';
import type { TrafficStatus, TunnelStatus } from '../../tunnel/tunnel-status.js';

export interface MeasuredTunnel {
  readonly version: string;
  /** The status; undefined if unavailable. */
  readonly status: TunnelStatus | undefined;
  /** The counters of arctun's listeners, by listener name. */
  readonly listeners: Readonly<Record<string, ListenerCounters>>;
  readonly forwards?: readonly ForwardStatus[];
  /** The number of messages in the spool; undefined without a spool. */
  readonly spool?: SpoolStatus | undefined;
}

/** A SIM of several in one process. */
export interface SimStatus {
  readonly sim: string;
  /** Empty if it is unknown. */
  readonly simId: string;
  /** The status; undefined if the tunnel is not open. */
  readonly status: TunnelStatus | undefined;
}

export interface MeasuredFleet extends Pick<MeasuredTunnel, 'version' | 'listeners'> {
  readonly sims: readonly SimStatus[];
}

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** The description of each gauge. */
const GAUGES = {
  build_info: 'The arctun version, as a label.',
  up: '1 if the Arc server is answering, otherwise 0.',
  rival: '1 if another tunnel with this key was detected in the last 10 minutes, otherwise 0.',
  tcp_connections: 'Number of open TCP connections inside the tunnel.',
  last_handshake_timestamp_seconds:
    'Unix time of the last completed handshake; 0 before the first.',
  handshake_round_trip_seconds:
    'Time between initiation and response in the last completed handshake.',
  rx_loss_ratio: 'Fraction of incoming data messages that were lost.',
  sim_tx_bytes: 'Outer bytes that all tunnels of this SIM have sent in the day or month (UTC).',
  sim_rx_bytes: 'Outer bytes that all tunnels of this SIM have received in the day or month (UTC).',
  budget_bytes: 'Outer bytes that the budget of the SIM allows in the day or month (UTC).',
  budget_used_bytes: 'Part of arctun_budget_bytes that is used, by all tunnels of this SIM.',
  budget_exhausted: '1 if the budget of the SIM is used up and new work is refused, otherwise 0.',
  proxy_active_connections: 'Number of requests waiting for a response.',
  forward_active_connections: 'Number of open connections and UDP associations.',
  spool_messages: 'Number of messages in the spool.',
};

/** The description of each counter. */
const COUNTERS = {
  rx_bytes_total: 'Bytes of WireGuard messages received.',
  tx_bytes_total: 'Bytes of WireGuard messages sent.',
  outer_tx_bytes_total: 'Bytes of WireGuard messages sent, with their IP and UDP headers.',
  outer_rx_bytes_total: 'Bytes of WireGuard messages received, with their IP and UDP headers.',
  tcp_retransmitted_bytes_total: 'Part of arctun_outer_tx_bytes_total that TCP has sent again.',
  proxy_dropped_datagrams_total: 'Datagrams from clients, or for clients, that were dropped.',
  proxy_requests_total: 'Requests from clients.',
  proxy_failures_total:
    'Number of requests that ended without a complete response from the target.',
  forward_connections_total: 'Connections and UDP associations from clients.',
  forward_failures_total: 'Connections and UDP associations that did not reach the target.',
  forward_dropped_datagrams_total: 'Datagrams that were dropped.',
  forward_tx_bytes_total: 'Payload bytes sent into the tunnel.',
  forward_rx_bytes_total: 'Payload bytes received from the tunnel.',
};

/** Formats the metrics in a new registry each time, because the values are counted elsewhere. */
export async function metricsText({
  version,
  status,
  listeners,
  forwards = [],
  spool,
}: MeasuredTunnel): Promise<MetricsText> {
  const { default: prometheus } = await import('prom-client');
  const metrics = new Metrics(prometheus);
  metrics.gauge('build_info', { version }, 1);
  addStatus(metrics, status, {});
  addListeners(metrics, listeners);
  for (const forward of forwards) addForward(metrics, forward);
  if (spool !== undefined) addSpool(metrics, spool);
  return metrics.text();
}

/** Like metricsText(), for several SIMs: each metric of a tunnel has the label `sim`. */
export async function fleetMetricsText({
  version,
  sims,
  listeners,
}: MeasuredFleet): Promise<MetricsText> {
  const { default: prometheus } = await import('prom-client');
  const metrics = new Metrics(prometheus);
  metrics.gauge('build_info', { version }, 1);
  for (const { sim, status } of sims) addStatus(metrics, status, { sim });
  addListeners(metrics, listeners);
  return metrics.text();
}

/** @param labels the labels of each metric of the tunnel */
function addStatus(metrics: Metrics, status: TunnelStatus | undefined, labels: Labels): void {
  metrics.gauge('up', labels, status?.health === 'up' ? 1 : 0);
  if (status !== undefined) addTunnel(metrics, status, labels);
  if (status?.traffic !== undefined) addTraffic(metrics, status.traffic, labels);
}

function addListeners(metrics: Metrics, listeners: MeasuredTunnel['listeners']): void {
  for (const [listener, { requests, failures, active, dropped = {} }] of Object.entries(
    listeners,
  )) {
    metrics.counter('proxy_requests_total', { listener }, requests);
    metrics.counter('proxy_failures_total', { listener }, failures);
    metrics.gauge('proxy_active_connections', { listener }, active);
    for (const [reason, count] of Object.entries(dropped)) {
      metrics.counter('proxy_dropped_datagrams_total', { listener, reason }, count);
    }
  }
}

function addForward(metrics: Metrics, forward: ForwardStatus): void {
  const { kind, protocol, listen, target } = forward;
  const labels = { kind, protocol, listen, target };
  metrics.counter('forward_connections_total', labels, forward.connections);
  metrics.counter('forward_failures_total', labels, forward.failures);
  metrics.counter('forward_dropped_datagrams_total', labels, forward.dropped);
  metrics.counter('forward_tx_bytes_total', labels, forward.sentBytes);
  metrics.counter('forward_rx_bytes_total', labels, forward.receivedBytes);
  metrics.gauge('forward_active_connections', labels, forward.active);
}

function addSpool(metrics: Metrics, { queued, sending, unknown, refused }: SpoolStatus): void {
  for (const [state, count] of Object.entries({ queued, sending, unknown, refused })) {
    metrics.gauge('spool_messages', { state }, count);
  }
}

function addTunnel(metrics: Metrics, status: TunnelStatus, own: Labels): void {
  const { connections, peers, rival } = status;
  metrics.gauge('rival', own, rival === undefined ? 0 : 1);
  metrics.gauge('tcp_connections', own, connections);
  for (const peer of peers) {
    const labels = { ...own, public_key: peer.publicKey };
    const handshake = (peer.latestHandshakeUnix ?? 0) / 1000;
    metrics.gauge('last_handshake_timestamp_seconds', labels, handshake);
    metrics.counter('rx_bytes_total', labels, peer.receivedBytes);
    metrics.counter('tx_bytes_total', labels, peer.sentBytes);
    // Round to the clock's resolution.
    const roundTrip = peer.roundTrip && Math.round(peer.roundTrip * 1000) / 1e6;
    metrics.gauge('handshake_round_trip_seconds', labels, roundTrip);
    metrics.gauge('rx_loss_ratio', labels, peer.lossIn);
  }
}

function addTraffic(metrics: Metrics, traffic: TrafficStatus, own: Labels): void {
  const { sent, received, retransmittedBytes, today, month, budget = [] } = traffic;
  for (const [kind, bytes] of bytesByKind(sent)) {
    metrics.counter('outer_tx_bytes_total', { ...own, kind }, bytes);
  }
  for (const [kind, bytes] of bytesByKind(received)) {
    metrics.counter('outer_rx_bytes_total', { ...own, kind }, bytes);
  }
  if (retransmittedBytes !== undefined) {
    metrics.counter('tcp_retransmitted_bytes_total', own, retransmittedBytes);
  }
  for (const [period, total] of Object.entries({ day: today, month })) {
    metrics.gauge('sim_tx_bytes', { ...own, period }, total?.sentBytes);
    metrics.gauge('sim_rx_bytes', { ...own, period }, total?.receivedBytes);
  }
  for (const use of budget) {
    const labels = { ...own, period: use.per };
    metrics.gauge('budget_bytes', labels, use.bytes);
    metrics.gauge('budget_used_bytes', labels, use.usedBytes);
    metrics.gauge('budget_exhausted', labels, isUsedUp(use) ? 1 : 0);
  }
}

/** The kinds add up to the total. */
function bytesByKind({
  bytes,
  keepaliveBytes,
  handshakeBytes,
}: TrafficStatus['sent']): readonly (readonly [kind: string, bytes: number])[] {
  return [
    ['data', bytes - keepaliveBytes - handshakeBytes],
    ['keepalive', keepaliveBytes],
    ['handshake', handshakeBytes],
  ];
}

type Labels = Readonly<Record<string, string>>;

class Metrics {
  readonly #prometheus: typeof Prometheus;
  readonly #registry: Registry;

  constructor(prometheus: typeof Prometheus) {
    this.#prometheus = prometheus;
    this.#registry = new prometheus.Registry();
  }

  /** Sets a gauge, unless the value is unknown. */
  gauge(name: keyof typeof GAUGES, labels: Labels, value: number | undefined): void {
    if (value === undefined) return;
    const { Gauge } = this.#prometheus;
    const options = this.#options(name, GAUGES[name], labels);
    const known = this.#registry.getSingleMetric(options.name);
    (known instanceof Gauge ? known : new Gauge(options)).set(labels, value);
  }

  counter(name: keyof typeof COUNTERS, labels: Labels, value: number): void {
    const { Counter } = this.#prometheus;
    const options = this.#options(name, COUNTERS[name], labels);
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
