import {
  type MeteredPeer,
  metricLines,
  startMetricLines,
} from '../../../src/app/status/metric-lines.js';
import type { TunnelStatus } from '../../../src/tunnel/tunnel-status.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const LABELS = { simId: '8942310022000012345', interface: 'soratun0' };
const PEER: MeteredPeer = {
  endpoint: '192.0.2.1:11010',
  latestHandshakeUnix: 1_623_941_823_999,
  sentBytes: 148,
  receivedBytes: 92,
};
const OTHER = { ...PEER, endpoint: undefined };
const TUNNEL = {
  status: () => Promise.resolve({ peers: [PEER, OTHER] } as unknown as TunnelStatus),
};
const LABEL = '{simId="8942310022000012345",interface="soratun0",endpoint="192.0.2.1:11010"}';

it('equal soratun’s, byte for byte', () => {
  expect(metricLines(PEER, LABELS)).toEqual([
    `soratun_sent_bytes_total${LABEL} 148`,
    `soratun_received_bytes_total${LABEL} 92`,
    `soratun_latest_handshake_epoch${LABEL} 1623941823`,
  ]);
});

it('show that there was no handshake, and that the endpoint is unknown', () => {
  const lines = metricLines(
    { ...PEER, endpoint: undefined, latestHandshakeUnix: undefined },
    LABELS,
  );
  expect(lines[2]).toBe(
    'soratun_latest_handshake_epoch{simId="8942310022000012345",interface="soratun0",endpoint="<nil>"} -62135596800',
  );
});

it('put IPv6 in brackets, and keep a label together', () => {
  const endpoint = '[2001:db8::1]:1';
  expect(metricLines({ ...PEER, endpoint }, { simId: '', interface: 'a"\\\n' })[0]).toBe(
    'soratun_sent_bytes_total{simId="",interface="a\\"\\\\\\n",endpoint="[2001:db8::1]:1"} 148',
  );
});

it('are printed for each peer every minute until stopped, the first after a minute', async () => {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const end = startMetricLines(TUNNEL, LABELS, { clock, log });
  clock.advance(59_999);
  expect(log.lines).toEqual([]);
  clock.advance(1);
  await new Promise(setImmediate);
  const lines = [...metricLines(PEER, LABELS), ...metricLines(OTHER, LABELS)];
  expect(log.messages('info')).toEqual(lines);
  for (let minute = 0; minute < 2; minute++) {
    clock.advance(60_000);
    await new Promise(setImmediate);
  }
  expect(log.lines).toHaveLength(18);
  end();
  clock.advance(120_000);
  await new Promise(setImmediate);
  expect(log.lines).toHaveLength(18);
  expect(clock.armed).toBe(0);
});

it('end if a tunnel no longer answers', async () => {
  const clock = new FakeClock();
  const log = new RecordingLog();
  startMetricLines({ status: () => Promise.reject(new Error('closed')) }, LABELS, { clock, log });
  clock.advance(60_000);
  await new Promise(setImmediate);
  expect(log.lines).toEqual([]);
  expect(clock.armed).toBe(0);
});
