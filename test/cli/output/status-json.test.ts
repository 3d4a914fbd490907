import { statusValue } from '../../../src/cli/output/status-json.js';
import { renderJson } from '../../../src/cli/output/render.js';
import { TransferRates } from '../../../src/cli/output/transfer-rates.js';
import {
  BUDGET,
  CONNECTING,
  CONNECTIONS,
  PEER_STATUS,
  REPORT,
  SPOOL,
  TRAFFIC,
} from '../../support/fakes/status-report.js';

const NOTHING = { tunnels: [], silent: [], devices: [], notes: [] };

function printed(shown: Parameters<typeof statusValue>[0], rates?: TransferRates): unknown {
  return JSON.parse(renderJson(statusValue(shown, rates)));
}

const PEER_VALUE = {
  publicKey: PEER_STATUS.publicKey,
  endpoint: '192.0.2.1:11010',
  allowedIps: ['100.127.0.0/16', '10.21.0.0/16'],
  persistentKeepaliveSeconds: 60,
  latestHandshake: '2026-11-26T01:02:03.456Z',
  sentBytes: 1480,
  receivedBytes: 920,
  roundTripMs: 12.346,
  lossIn: 0.025,
};

it('is an empty array without tunnels', () => {
  expect(printed(NOTHING)).toEqual([]);
});

it('has the messages of the spool by state', () => {
  expect(printed({ ...NOTHING, tunnels: [{ ...REPORT, spool: SPOOL }] })).toMatchObject([
    { spool: SPOOL },
  ]);
});

it('has times as strings, and numbers as numbers', () => {
  expect(printed({ ...NOTHING, tunnels: [REPORT] })).toEqual([
    {
      name: 'soratun0',
      type: 'userspace',
      mode: 'userspace',
      interface: '',
      health: 'up',
      silence: null,
      rival: null,
      simId: '8942310022000012345',
      version: '0.1.0',
      pid: 4711,
      opened: '2026-11-26T01:00:00.000Z',
      publicKey: REPORT.publicKey,
      listenPort: 40_001,
      fwmark: 0,
      mtu: 1420,
      addresses: ['10.0.0.2'],
      listeners: {
        forward: 'http://127.0.0.1:8888',
        proxy: '127.0.0.1:1080',
        dns: null,
        status: null,
      },
      connections: 3,
      openConnections: null,
      traffic: null,
      peers: [PEER_VALUE],
    },
  ]);
});

it('has null for unknown values', () => {
  expect(printed({ ...NOTHING, tunnels: [{ ...REPORT, ...CONNECTING }] })).toMatchObject([
    {
      health: 'connecting',
      silence: CONNECTING.silence,
      peers: [{ latestHandshake: null, roundTripMs: null, lossIn: null }],
    },
  ]);
});

it('has fewer fields for other devices, which follow arctun’s', () => {
  const device = { publicKey: undefined, listenPort: 7, fwmark: 9, peers: [PEER_STATUS] };
  const devices = [{ ...device, name: 'wg0', type: 'Linux kernel' }];
  expect(printed({ ...NOTHING, tunnels: [REPORT], devices })).toEqual([
    expect.objectContaining({ name: 'soratun0' }),
    {
      name: 'wg0',
      type: 'Linux kernel',
      publicKey: null,
      listenPort: 7,
      fwmark: 9,
      peers: [PEER_VALUE],
    },
  ]);
});

it('has rates with --watch', () => {
  const rates = new TransferRates();
  rates.look([{ ...REPORT, peers: [{ ...PEER_STATUS, sentBytes: 480, receivedBytes: 0 }] }], 0);
  rates.look([REPORT], 2_000);
  expect(printed({ ...NOTHING, tunnels: [REPORT] }, rates)).toMatchObject([
    { peers: [{ sentBytesPerSecond: 500, receivedBytesPerSecond: 460 }] },
  ]);
});

it('has the DNS listener, the open connections and the traffic', () => {
  const listeners = { dns: '127.0.0.1:5353' };
  const report = { ...REPORT, listeners, traffic: TRAFFIC, openConnections: CONNECTIONS };
  expect(printed({ ...NOTHING, tunnels: [report] })).toMatchObject([
    {
      listeners: { dns: '127.0.0.1:5353' },
      openConnections: [
        {
          opener: 'proxy',
          target: 'web.test:443',
          ageSeconds: 65,
          sentBytes: 90,
          receivedBytes: 2_000_000,
        },
      ],
      traffic: {
        sent: TRAFFIC.sent,
        received: TRAFFIC.received,
        retransmittedBytes: 372,
        today: { date: '2026-11-26', sentBytes: 5_000, receivedBytes: 6_000 },
        month: { month: '2026-11', sentBytes: 70_000, receivedBytes: 80_000 },
      },
    },
  ]);
});

it('has the traffic budget', () => {
  const report = { ...REPORT, traffic: { ...TRAFFIC, budget: BUDGET } };
  expect(printed({ ...NOTHING, tunnels: [report] })).toMatchObject([
    {
      traffic: {
        budget: [
          {
            ...{ per: 'day', period: '2026-11-26', bytes: 10_000, usedBytes: 11_000 },
            ...{ isExhausted: true, resets: '2026-11-27T00:00:00.000Z' },
          },
          {
            ...{ per: 'month', period: '2026-11', bytes: 180_000, usedBytes: 150_000 },
            ...{ isExhausted: false, resets: '2026-12-01T00:00:00.000Z' },
          },
        ],
      },
    },
  ]);
});

it('has the SIMs of several that are not open, and no other silent tunnels', () => {
  const silent = { path: '/run/x.sock', why: 'no file', isDenied: false };
  const closed = { name: 'bad', simId: '', pid: 4711 };
  const shown = {
    ...NOTHING,
    silent: [
      { ...silent, name: 'bad', closed },
      { ...silent, name: 'x' },
    ],
  };
  expect(printed(shown)).toEqual([
    {
      ...{ name: 'bad', type: 'userspace', mode: 'userspace', health: 'closed' },
      ...{ problem: 'no file', simId: '', pid: 4711, peers: [] },
    },
  ]);
});
