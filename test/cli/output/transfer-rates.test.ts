import { TransferRates } from '../../../src/cli/output/transfer-rates.js';
import { PEER_STATUS, REPORT } from '../../support/fakes/status-report.js';

function counted(sentBytes: number, receivedBytes: number, changes = {}) {
  return { ...REPORT, peers: [{ ...PEER_STATUS, sentBytes, receivedBytes }], ...changes };
}

function rateOf(...looks: readonly [report: typeof REPORT, now: number][]) {
  const rates = new TransferRates();
  for (const [report, now] of looks) rates.look([report], now);
  const [report] = looks.at(-1)!;
  return rates.of(report, report.peers[0]!);
}

it('is the difference from the previous status, divided by the time between', () => {
  expect(
    rateOf([counted(7, 9), 0], [counted(100, 200), 1_000], [counted(1_100, 200), 3_000]),
  ).toEqual({ sent: 500, received: 0 });
});

it('is absent for the first status, and without time between two', () => {
  expect(rateOf([counted(100, 200), 1_000])).toBeUndefined();
  expect(rateOf([counted(0, 0), 1_000], [counted(1, 1), 1_000])).toBeUndefined();
});

it.each([
  ['sent', counted(99, 300)],
  ['received', counted(300, 199)],
])('is absent if fewer bytes were %s than before', (_, later) => {
  expect(rateOf([counted(100, 200), 0], [later, 1_000])).toBeUndefined();
});

it.each([{ pid: 1 }, { openedUnix: 1 }])('is absent if the tunnel has changed: %j', (change) => {
  expect(rateOf([counted(100, 200), 0], [counted(200, 300, change), 1_000])).toBeUndefined();
});

it('is computed for each peer', () => {
  const rates = new TransferRates();
  const other = { ...PEER_STATUS, publicKey: 'other' };
  rates.look([{ ...REPORT, peers: [PEER_STATUS, other] }], 0);
  const later = { ...other, sentBytes: other.sentBytes + 5 };
  rates.look([{ ...REPORT, peers: [PEER_STATUS, later] }], 1_000);
  expect(rates.of(REPORT, PEER_STATUS)).toEqual({ sent: 0, received: 0 });
  expect(rates.of(REPORT, later)).toEqual({ sent: 5, received: 0 });
});
