import { fleetMetricsText, metricsText } from '../../../src/app/status/tunnel-metrics.js';
import {
  BUDGET,
  CONNECTING,
  FORWARDS,
  PEER_STATUS,
  SPOOL,
  TRAFFIC,
  TUNNEL_STATUS,
} from '../../support/fakes/status-report.js';

const NONE = { version: '0.1.0', status: undefined, listeners: {} };
const KEY = `public_key="${PEER_STATUS.publicKey}"`;

const RIVAL = { why: 'it takes the session', lastSeenUnix: 1 };

/** The lines that are not comments. */
async function samples(measured: Parameters<typeof metricsText>[0]): Promise<string[]> {
  const { text } = await metricsText(measured);
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

it('describe a tunnel that is up', async () => {
  expect(await samples({ ...NONE, status: TUNNEL_STATUS })).toEqual([
    'arctun_build_info{version="0.1.0"} 1',
    'arctun_up 1',
    'arctun_rival 0',
    'arctun_tcp_connections 3',
    `arctun_last_handshake_timestamp_seconds{${KEY}} ${PEER_STATUS.latestHandshakeUnix! / 1000}`,
    `arctun_rx_bytes_total{${KEY}} 920`,
    `arctun_tx_bytes_total{${KEY}} 1480`,
    `arctun_handshake_round_trip_seconds{${KEY}} 0.012346`,
    `arctun_rx_loss_ratio{${KEY}} 0.025`,
  ]);
});

it('omit unknown values', async () => {
  const status = { ...TUNNEL_STATUS, ...CONNECTING, connections: undefined, rival: RIVAL };
  expect(await samples({ ...NONE, status })).toEqual([
    'arctun_build_info{version="0.1.0"} 1',
    'arctun_up 0',
    'arctun_rival 1',
    `arctun_last_handshake_timestamp_seconds{${KEY}} 0`,
    `arctun_rx_bytes_total{${KEY}} 0`,
    `arctun_tx_bytes_total{${KEY}} 1480`,
  ]);
});

it('include each peer, and each listener', async () => {
  const status = { ...TUNNEL_STATUS, peers: [PEER_STATUS, { ...PEER_STATUS, publicKey: 'b' }] };
  const listeners = {
    forward: { requests: 5, failures: 2, active: 1 },
    proxy: { requests: 7, failures: 0, active: 0, dropped: { malformed: 2, fragment: 1 } },
  };
  const lines = await samples({ ...NONE, status, listeners });
  expect(lines.filter((line) => line.startsWith('arctun_tx'))).toEqual([
    `arctun_tx_bytes_total{${KEY}} 1480`,
    'arctun_tx_bytes_total{public_key="b"} 1480',
  ]);
  expect(lines.filter((line) => line.startsWith('arctun_proxy'))).toEqual([
    'arctun_proxy_requests_total{listener="forward"} 5',
    'arctun_proxy_requests_total{listener="proxy"} 7',
    'arctun_proxy_failures_total{listener="forward"} 2',
    'arctun_proxy_failures_total{listener="proxy"} 0',
    'arctun_proxy_active_connections{listener="forward"} 1',
    'arctun_proxy_active_connections{listener="proxy"} 0',
    'arctun_proxy_dropped_datagrams_total{listener="proxy",reason="malformed"} 2',
    'arctun_proxy_dropped_datagrams_total{listener="proxy",reason="fragment"} 1',
  ]);
});

it('have one type and one help text each, and are all from one answer', async () => {
  const measured = { ...NONE, status: TUNNEL_STATUS };
  const { text, contentType } = await metricsText(measured);
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text).toContain('# TYPE arctun_rx_bytes_total counter\n');
  expect(text).toContain('# TYPE arctun_up gauge\n');
  expect(text.match(/^# HELP arctun_\w+ \S.*\.$/gm)).toHaveLength(9);
  expect((await metricsText(measured)).text).toBe(text);
});

it('include each port forward', async () => {
  const lines = await samples({ ...NONE, forwards: FORWARDS });
  const labels = 'kind="local",protocol="tcp",listen="127.0.0.1:8080",target="web.test:80"';
  const others = 'kind="remote",protocol="udp",listen="53",target="127.0.0.1:5353"';
  expect(lines.filter((line) => line.startsWith('arctun_forward'))).toEqual([
    `arctun_forward_connections_total{${labels}} 3`,
    `arctun_forward_connections_total{${others}} 9`,
    `arctun_forward_failures_total{${labels}} 1`,
    `arctun_forward_failures_total{${others}} 0`,
    `arctun_forward_dropped_datagrams_total{${labels}} 0`,
    `arctun_forward_dropped_datagrams_total{${others}} 4`,
    `arctun_forward_tx_bytes_total{${labels}} 10`,
    `arctun_forward_tx_bytes_total{${others}} 30`,
    `arctun_forward_rx_bytes_total{${labels}} 20`,
    `arctun_forward_rx_bytes_total{${others}} 40`,
    `arctun_forward_active_connections{${labels}} 2`,
    `arctun_forward_active_connections{${others}} 5`,
  ]);
});

it('include the traffic outside the tunnel', async () => {
  const lines = await samples({ ...NONE, status: { ...TUNNEL_STATUS, traffic: TRAFFIC } });
  expect(lines.filter((line) => /outer|retransmitted|sim_/.test(line))).toEqual([
    'arctun_outer_tx_bytes_total{kind="data"} 1400',
    'arctun_outer_tx_bytes_total{kind="keepalive"} 120',
    'arctun_outer_tx_bytes_total{kind="handshake"} 352',
    'arctun_outer_rx_bytes_total{kind="data"} 992',
    'arctun_outer_rx_bytes_total{kind="keepalive"} 60',
    'arctun_outer_rx_bytes_total{kind="handshake"} 120',
    'arctun_tcp_retransmitted_bytes_total 372',
    'arctun_sim_tx_bytes{period="day"} 5000',
    'arctun_sim_tx_bytes{period="month"} 70000',
    'arctun_sim_rx_bytes{period="day"} 6000',
    'arctun_sim_rx_bytes{period="month"} 80000',
  ]);
});

it('include the messages of a spool, by state', async () => {
  const lines = await samples({ ...NONE, spool: SPOOL });
  expect(lines.filter((line) => line.includes('spool'))).toEqual([
    'arctun_spool_messages{state="queued"} 3',
    'arctun_spool_messages{state="sending"} 1',
    'arctun_spool_messages{state="unknown"} 2',
    'arctun_spool_messages{state="refused"} 0',
  ]);
});

it('include the traffic budget', async () => {
  const traffic = { ...TRAFFIC, budget: BUDGET };
  const lines = await samples({ ...NONE, status: { ...TUNNEL_STATUS, traffic } });
  expect(lines.filter((line) => line.includes('budget'))).toEqual([
    'arctun_budget_bytes{period="day"} 10000',
    'arctun_budget_bytes{period="month"} 180000',
    'arctun_budget_used_bytes{period="day"} 11000',
    'arctun_budget_used_bytes{period="month"} 150000',
    'arctun_budget_exhausted{period="day"} 1',
    'arctun_budget_exhausted{period="month"} 0',
  ]);
});

it('label the metrics of several SIMs, also of one whose tunnel is not open', async () => {
  const { text } = await fleetMetricsText({
    version: '0.1.0',
    sims: [
      { sim: 'a', simId: '1', status: { ...TUNNEL_STATUS, traffic: TRAFFIC } },
      { sim: 'b', simId: '', status: undefined },
    ],
    listeners: { proxy: { requests: 7, failures: 0, active: 0 } },
  });
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toEqual(
    expect.arrayContaining([
      'arctun_up{sim="a"} 1',
      'arctun_up{sim="b"} 0',
      'arctun_tcp_connections{sim="a"} 3',
      `arctun_rx_bytes_total{sim="a",${KEY}} 920`,
      'arctun_proxy_requests_total{listener="proxy"} 7',
    ]),
  );
  const own = lines.filter((line) => !/^arctun_(build_info|proxy_)/.test(line));
  expect(own.filter((line) => !/\{sim="[ab]"/.test(line))).toEqual([]);
});
