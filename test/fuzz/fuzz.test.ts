/** A short run of the fuzzer, and proof that it detects faults. */
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import type { Datagram } from '../../src/ports/datagram.js';
import { Device } from '../../src/wireguard/device.js';
import { DROP_REASONS } from '../../src/wireguard/drop-reason.js';
import { delivering, openingAll } from '../sim/faulty-devices.js';
import { CASES, FuzzError, runFuzz } from './fuzz.js';
import type { CreateDevice } from './target.js';

const crypto = await selectCrypto(await loadLibc());

/** Counters of misconfiguration and failures, which an attack does not increase. */
const FROM_ABOVE = new Set([
  'no-route',
  'no-endpoint',
  'routing-loop',
  'staged-overflow',
  'staged-purged',
  'low-order-key',
]);

it('responds as expected to thousands of datagrams', () => {
  const { fired, byCase, byExpectation } = runFuzz({ runs: 8_000, seed: 2, crypto });
  expect(fired).toBeGreaterThanOrEqual(8_000);
  const seldom = /^under load|^a session that is too old|^the right cookie/;
  for (const { name } of CASES) if (!seldom.test(name)) expect(byCase.get(name)).toBeGreaterThan(0);
  const common = DROP_REASONS.filter((reason) => !FROM_ABOVE.has(reason));
  for (const reason of common) {
    if (['under-load', 'rate-limited', 'handshake-overload'].includes(reason)) continue;
    expect(byExpectation.get(reason)).toBeGreaterThan(0);
  }
});

class HandlesTwice extends Device {
  override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    const copies = datagrams.map(({ bytes, endpoint }) => ({ bytes: bytes.slice(), endpoint }));
    super.handleDatagrams(datagrams, now);
    super.handleDatagrams(copies, now);
  }
}

class Throws extends Device {
  override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    if (datagrams[0]!.bytes.length === 0) throw new TypeError('no first byte');
    super.handleDatagrams(datagrams, now);
  }
}

const truncating = delivering((packet, give) => give(packet.subarray(0, packet.length - 1)));

describe('a device that', () => {
  const faults: [fault: string, createDevice: CreateDevice, says: RegExp][] = [
    ['handles each datagram twice', (options) => new HandlesTwice(options), /no drop|replayed/],
    ['throws', (options) => new Throws(options), /TypeError: no first byte/],
    ['truncates packets', truncating, /another packet was delivered/],
    ['accepts unauthentic messages', openingAll, /"drop":"bad-tag"\} was expected/],
    [
      'does not check macs',
      (options) => new Device({ ...options, crypto: { ...options.crypto, equal: () => true } }),
      /"drop":"bad-mac1"\} was expected/,
    ],
  ];
  it.each(faults)('%s is detected', (_fault, createDevice, says) => {
    let failure;
    try {
      runFuzz({ runs: 20_000, seed: 3, crypto, createDevice });
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(FuzzError);
    expect((failure as Error).message).toMatch(says);
  });
});
