import { checkPathMtu } from '../../../src/app/doctor/inside-checks.js';
import type { DatagramDialer } from '../../../src/proxy/datagram-dialer.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const CONFIG = { mtu: 1420, configName: { source: 'arc.json', path: 'arc.json' } };

/** A name server behind a path that loses packets above a size, and the first `losses` probes. */
class Path implements DatagramDialer {
  readonly sizes: number[] = [];
  readonly clock = new FakeClock();
  readonly #largest: number;
  readonly #header: number;
  #losses: number;
  channels = 0;

  constructor(largest: number, { losses = 0, header = 28 } = {}) {
    this.#largest = largest;
    this.#losses = losses;
    this.#header = header;
  }

  open() {
    let query: Uint8Array | undefined;
    this.channels++;
    return Promise.resolve({
      maxPayload: 1392,
      send: (payload: Uint8Array) => {
        const size = payload.length + this.#header;
        this.sizes.push(size);
        if (size > this.#largest) return;
        if (this.#losses-- > 0) return;
        query = payload;
      },
      receive: (timeout: number) => {
        if (query === undefined) this.clock.skip(timeout);
        return Promise.resolve(query && Uint8Array.of(query[0]!, query[1]!, 0x80));
      },
      close: () => {
        this.channels--;
      },
    });
  }

  check(server = '100.127.0.53') {
    const { signal } = new AbortController();
    const ports = { clock: this.clock, entropy: seededEntropy(1) };
    return checkPathMtu({ server, config: CONFIG, signal }, this, ports);
  }
}

it('accepts a path that carries the full MTU, with two probes', async () => {
  const path = new Path(1500);
  expect(await path.check()).toMatchObject({ outcome: 'ok', name: 'path-mtu' });
  expect(path.sizes.sort()).toEqual([1420, 576]);
  expect(path.channels).toBe(0);
});

it('repeats a probe that is lost by chance', async () => {
  expect(await new Path(1500, { losses: 2 }).check()).toMatchObject({ outcome: 'ok' });
});

it.each([
  [1419, 1408],
  [600, 592],
  [576, 576],
])('finds the largest multiple of 16 if packets above %i bytes are lost', async (largest, mtu) => {
  const path = new Path(largest);
  expect(await path.check()).toMatchObject({
    outcome: 'failed',
    kind: 'tunnel',
    text: `Packets in the tunnel of more than ${mtu} bytes do not arrive.`,
    remedy: `Set "mtu": ${mtu} in arc.json.`,
  });
  expect(path.channels).toBe(0);
  expect(path.sizes.length).toBeLessThan(60);
});

it('says nothing about a server that ignores padded queries', async () => {
  expect(await new Path(100).check()).toMatchObject({
    outcome: 'skipped',
    text: 'Skipped: 100.127.0.53 does not answer longer queries.',
  });
});

it('starts at 1280 bytes for IPv6', async () => {
  const path = new Path(1500, { header: 48 });
  expect(await path.check('fd00::53')).toMatchObject({ outcome: 'ok' });
  expect(path.sizes.sort()).toEqual([1280, 1420]);
});
