import { type MeteredTunnel, metricLines, startMetricLines } from '../../src/app/metric-lines.js';
import { FakeClock } from '../support/fake-clock.js';
import { RecordingLog } from '../support/recording-log.js';

const LABELS = { simId: '8942310022000012345', interface: 'soratun0' };
const TUNNEL: MeteredTunnel = {
  endpoint: { address: '192.0.2.1', port: 11010 },
  lastHandshakeUnix: 1_623_941_823_999,
  totals: () => ({ sentBytes: 148, receivedBytes: 92 }),
};
const LABEL = '{simId="8942310022000012345",interface="soratun0",endpoint="192.0.2.1:11010"}';

it("are soratun's, byte for byte", () => {
  expect(metricLines(TUNNEL, LABELS)).toEqual([
    `soratun_sent_bytes_total${LABEL} 148`,
    `soratun_received_bytes_total${LABEL} 92`,
    `soratun_latest_handshake_epoch${LABEL} 1623941823`,
  ]);
});

it('tell of a handshake that never was, and of an endpoint that is not known', () => {
  const lines = metricLines(
    { ...TUNNEL, endpoint: undefined, lastHandshakeUnix: undefined },
    LABELS,
  );
  expect(lines[2]).toBe(
    'soratun_latest_handshake_epoch{simId="8942310022000012345",interface="soratun0",endpoint="<nil>"} -62135596800',
  );
});

it('bracket IPv6, and keep a label together', () => {
  const endpoint = { address: '2001:db8::1', port: 1 };
  expect(metricLines({ ...TUNNEL, endpoint }, { simId: '', interface: 'a"\\\n' })[0]).toBe(
    'soratun_sent_bytes_total{simId="",interface="a\\"\\\\\\n",endpoint="[2001:db8::1]:1"} 148',
  );
});

it('come each minute, the first time in a minute, until they are ended', () => {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const end = startMetricLines(TUNNEL, LABELS, { clock, log });
  clock.advance(59_999);
  expect(log.lines).toEqual([]);
  clock.advance(1);
  expect(log.messages('debug')).toEqual(metricLines(TUNNEL, LABELS));
  clock.advance(120_000);
  expect(log.lines).toHaveLength(9);
  end();
  clock.advance(120_000);
  expect(log.lines).toHaveLength(9);
  expect(clock.armed).toBe(0);
});
