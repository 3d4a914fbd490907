import { OuterTraffic, outerOverhead } from '../../../src/tunnel/traffic/outer-traffic.js';

/** A WireGuard message of a type and length (whitepaper 5.4). */
function message(type: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  return bytes;
}

it('counts handshakes, keepalives and data with their headers', () => {
  const { sent, received } = new OuterTraffic();
  sent.count(message(1, 148), 4);
  sent.count(message(4, 32), 4);
  sent.count(message(4, 128), 4);
  received.count(message(2, 92), 6);
  received.count(message(3, 64), 6);
  expect(sent.totals()).toEqual({
    datagrams: 3,
    bytes: 176 + 60 + 156,
    keepaliveBytes: 60,
    handshakeBytes: 176,
  });
  expect(received.totals()).toEqual({
    datagrams: 2,
    bytes: 140 + 112,
    keepaliveBytes: 0,
    handshakeBytes: 252,
  });
});

it('takes back datagrams that were not sent', () => {
  const { sent } = new OuterTraffic();
  sent.count(message(1, 148), 4);
  sent.count(message(4, 32), 4);
  sent.count(message(1, 148), 4, -1);
  sent.count(message(4, 32), 4, -1);
  expect(sent.totals()).toEqual({ datagrams: 0, bytes: 0, keepaliveBytes: 0, handshakeBytes: 0 });
});

it('knows what surrounds a packet', () => {
  expect([outerOverhead(4), outerOverhead(6)]).toEqual([60, 80]);
});
