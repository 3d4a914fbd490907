import type { PingSummary } from '../../../src/app/probe/ping-host.js';
import {
  pingErrorText,
  pingReplyText,
  pingStartText,
  pingSummaryText,
  pingSummaryValue,
} from '../../../src/cli/output/ping-text.js';

const SUMMARY: PingSummary = {
  ...{ host: 'a.test', address: '192.0.2.1', size: 56, sent: 3, received: 2 },
  ...{ duplicates: 0, errors: 0, duration: 2003.4 },
  rtt: { min: 1, average: 1.5, max: 2.00049, deviation: 0.5 },
};

it('announces the size with all headers for IPv4', () => {
  const start = { host: 'a.test', address: '192.0.2.1', size: 56 };
  expect(pingStartText(start)).toBe('PING a.test (192.0.2.1) 56(84) bytes of data.\n');
  expect(pingStartText({ ...start, address: 'fd00::1' })).toBe(
    'PING a.test (fd00::1) 56 data bytes\n',
  );
});

it.each([
  [0.0356, '0.036'],
  [1.234, '1.23'],
  [12.34, '12.3'],
  [123.4, '123'],
])('shows a round trip of %d ms as %s', (rtt, text) => {
  const reply = { address: '192.0.2.1', sequence: 7, bytes: 64, ttl: 60, rtt, isDuplicate: false };
  const line = `64 bytes from 192.0.2.1: icmp_seq=7 ttl=60 time=${text} ms`;
  expect(pingReplyText(reply)).toBe(`${line}\n`);
  expect(pingReplyText({ ...reply, isDuplicate: true })).toBe(`${line} (DUP!)\n`);
});

it('shows errors', () => {
  const event = { kind: 'error', sequence: 2, at: 0, from: '192.0.2.9', text: 'No' } as const;
  expect(pingErrorText(event)).toBe('From 192.0.2.9 icmp_seq=2 No\n');
});

it('sums up', () => {
  expect(pingSummaryText(SUMMARY)).toBe(
    '\n--- a.test ping statistics ---\n3 packets transmitted, 2 received, 33.3333% packet loss, time 2003ms\nrtt min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms\n',
  );
  const none = { ...SUMMARY, received: 0, duplicates: 1, errors: 2, rtt: undefined };
  expect(pingSummaryText(none)).toContain(
    '3 packets transmitted, 0 received, +1 duplicates, +2 errors, 100% packet loss, time 2003ms\n\n',
  );
  const nothing = { ...none, sent: 0, duplicates: 0, errors: 0 };
  expect(pingSummaryText(nothing)).toContain('0 packets transmitted, 0 received, time 2003ms\n');
});

it('sums up as JSON', () => {
  expect(pingSummaryValue(SUMMARY)).toEqual({
    ...{ host: 'a.test', address: '192.0.2.1', size: 56, sent: 3, received: 2 },
    ...{ duplicates: 0, errors: 0, lossPercent: 33.3333, durationMilliseconds: 2003 },
    roundTripMilliseconds: { min: 1, average: 1.5, max: 2, deviation: 0.5 },
  });
  const nothing = { ...SUMMARY, sent: 0, received: 0, rtt: undefined };
  expect(pingSummaryValue(nothing)).toMatchObject({
    lossPercent: null,
    roundTripMilliseconds: null,
  });
});
