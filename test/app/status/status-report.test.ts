import { isStatusReport } from '../../../src/app/status/status-report.js';
import { BUDGET, CONNECTING, REPORT, SPOOL, TRAFFIC } from '../../support/fakes/status-report.js';

/** Serialized as on a socket. */
function sent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

it.each([
  ['that is up', REPORT],
  ['that connects', { ...REPORT, ...CONNECTING }],
  ['of tun mode', { ...REPORT, mode: 'tun', interface: 'soratun0', connections: undefined }],
  ['without listeners', { ...REPORT, listeners: {} }],
  ['with a spool', { ...REPORT, spool: SPOOL }],
  ['without peers', { ...REPORT, peers: [] }],
  ['with a traffic budget', { ...REPORT, traffic: { ...TRAFFIC, budget: BUDGET } }],
])('is accepted for a tunnel %s', (_, report) => {
  expect(isStatusReport(sent(report))).toBe(true);
});

it.each([
  [undefined],
  [null],
  [[]],
  ['text'],
  [{ ...REPORT, pid: '1' }],
  [{ ...REPORT, name: 1 }],
  [{ ...REPORT, mode: 'other' }],
  [{ ...REPORT, health: 'well' }],
  [{ ...REPORT, silence: { reason: 'no-answer' } }],
  [{ ...REPORT, addresses: '10.0.0.2' }],
  [{ ...REPORT, addresses: [1] }],
  [{ ...REPORT, listeners: undefined }],
  [{ ...REPORT, listeners: { proxy: 1 } }],
  [{ ...REPORT, peers: [null] }],
  [{ ...REPORT, peers: [{ ...REPORT.peers[0], sentBytes: null }] }],
  [{ ...REPORT, peers: [{ ...REPORT.peers[0], roundTrip: '1' }] }],
  [{ ...REPORT, connections: '3' }],
  [{ ...REPORT, spool: { ...SPOOL, queued: undefined } }],
  [{ ...REPORT, traffic: { ...TRAFFIC, budget: [{ ...BUDGET[0], per: 'week' }] } }],
  [{ ...REPORT, traffic: { ...TRAFFIC, budget: [{ ...BUDGET[0], usedBytes: '1' }] } }],
])('is rejected if a field is missing or invalid: %#', (value) => {
  expect(isStatusReport(value)).toBe(false);
});
