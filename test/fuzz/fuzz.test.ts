/** A short run of the fuzzer, and proof that it detects faults. */
import type { TransportKey } from '../../src/crypto/crypto.js';
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import type { Datagram } from '../../src/ports/datagram.js';
import { Device } from '../../src/wireguard/device.js';
import { DROP_REASONS } from '../../src/wireguard/drop-reason.js';
import { MEMORY_BAND, runCommand } from './command.js';
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

it('responds as expected to 20,000 datagrams', () => {
  const { fired, byCase, byExpectation } = runFuzz({ runs: 20_000, seed: 2, crypto });
  expect(fired).toBeGreaterThanOrEqual(20_000);
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

class Forgets extends Device {
  #datagrams = 0;

  override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    if (this.#datagrams++ === 300) this.discardSessions();
    super.handleDatagrams(datagrams, now);
  }
}

const answeringAll: CreateDevice = (options) => {
  class AnswersAll extends Device {
    override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
      super.handleDatagrams(datagrams, now);
      const { bytes, endpoint } = datagrams[0]!;
      if (bytes.length === 1) options.sink.transmit(Uint8Array.of(3), endpoint, 0, false);
    }
  }
  return new AnswersAll(options);
};

const deliveringPadding: CreateDevice = (options) =>
  new Device({
    ...options,
    sink: {
      transmit: (...message) => options.sink.transmit(...message),
      deliver: (packet, peer) => options.sink.deliver(packet.subarray(0, packet.length - 1), peer),
    },
  });

const openingAll: CreateDevice = (options) => {
  const transportKey = (bytes: Uint8Array): TransportKey => {
    const key = options.crypto.transportKey(bytes);
    return {
      seal: key.seal.bind(key),
      wipe: key.wipe.bind(key),
      open: (...parameters) => {
        key.open(...parameters);
        return true;
      },
    };
  };
  return new Device({ ...options, crypto: { ...options.crypto, transportKey } });
};

describe('a device that', () => {
  const faults: [fault: string, createDevice: CreateDevice, says: RegExp][] = [
    ['handles each datagram twice', (options) => new HandlesTwice(options), /no drop|replayed/],
    ['throws', (options) => new Throws(options), /TypeError: no first byte/],
    ['forgets its sessions', (options) => new Forgets(options), /was expected|carries no data/],
    ['answers messages that it should not', answeringAll, /sent types \[3\], expected \[\]/],
    ['truncates packets', deliveringPadding, /another packet was delivered/],
    ['accepts unauthentic messages', openingAll, /"drop":"bad-tag"\} was expected/],
    [
      'does not check macs',
      (options) => new Device({ ...options, crypto: { ...options.crypto, equal: () => true } }),
      /"drop":"bad-mac1"\} was expected/,
    ],
  ];
  it.each(faults)('%s is detected', (_fault, createDevice, says) => {
    const run = (): unknown => runFuzz({ runs: 20_000, seed: 3, crypto, createDevice });
    expect(run).toThrow(FuzzError);
    expect(run).toThrow(says);
  });
});

describe('the command', () => {
  interface Outcome {
    readonly status: number;
    readonly out: string;
    readonly err: string;
  }

  async function run(
    args: readonly string[],
    { heap = [0, 0, 0], createDevice }: { heap?: number[]; createDevice?: CreateDevice } = {},
  ): Promise<Outcome> {
    const out: string[] = [];
    const err: string[] = [];
    const status = await runCommand(args, {
      print: (line) => out.push(line),
      printError: (line) => err.push(line),
      clock: () => 0,
      heapUsed: () => heap.shift() ?? 0,
      ...(createDevice && { createDevice }),
    });
    return { status, out: out.join('\n'), err: err.join('\n') };
  }

  it('prints the results of the datagrams and the memory use', async () => {
    const MiB = 1024 * 1024;
    const outcome = await run(['--runs', '300'], { heap: [MiB, MiB + MEMORY_BAND, 2 * MiB] });
    expect(outcome.status).toBe(0);
    expect(outcome.out).toContain('heap at 10, 50, 100 %: 1.00, 4.00, 2.00 MiB');
  });

  it('fails if memory grows', async () => {
    const { status, err } = await run(['--runs', '300'], { heap: [0, 0, MEMORY_BAND + 1] });
    expect(status).toBe(1);
    expect(err).toContain(`memory grew by ${MEMORY_BAND + 1} bytes`);
  });

  it('prints how to reproduce a failure, which shows the datagram', async () => {
    const createDevice: CreateDevice = (options) => new Throws(options);
    const failure = await run(['--runs', '20000', '--seed', '4'], { createDevice });
    expect(failure.status).toBe(1);
    const [, index] = /repeat: npm run fuzz -- --seed 4 --only (\d+)/.exec(failure.err)!;

    const again = await run(['--seed', '4', '--only', index!], { createDevice });
    expect(again.status).toBe(1);
    expect(again.out).toContain(`datagram ${index} (`);
    expect(again.out).toContain('0 bytes');
    expect(again.err).toContain('no first byte');

    const mended = await run(['--seed', '4', '--only', index!]);
    expect(mended.status).toBe(0);
    expect(mended.out).toContain('has {"drop":"malformed"}\nand so it did');
  });

  it.each([
    ['--runs', '0'],
    ['--runs', 'many'],
    ['--seed', '-1'],
    ['--only', 'x'],
    ['--nonsense', ''],
    ['argument', ''],
  ])('rejects %s %s', async (...args) => {
    const { status, out, err } = await run(args.filter((text) => text !== ''));
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('Usage: npm run fuzz');
  });

  it('prints its usage', async () => {
    const { status, out } = await run(['--help']);
    expect(status).toBe(0);
    expect(out).toContain('--only INDEX');
  });
});
