import { constants } from 'node:os';

import type { DatagramSocket } from '../../../../src/ports/datagram-sockets.js';
import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import { batchedUdpSockets } from '../../../../src/system/linux/udp/batched-udp-socket.js';
import { describeWith } from '../../../support/runner/requirements.js';
import { until } from '../../../support/until.js';
import { WatchedLibc } from '../../../support/watched-libc.js';

const ADDRESS = '127.0.0.1';
const CALLS_PER_TURN = 32;
const BYTES_PER_TURN = 256 * 1024;
const LONGEST_MESSAGE = 65_535;

describeWith(['linux', 'koffi'], 'one turn of a receiver', () => {
  let libc: WatchedLibc;
  const open: DatagramSocket[] = [];

  beforeEach(async () => {
    libc = new WatchedLibc((await loadLibc()) as Libc);
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  async function socket(): Promise<DatagramSocket> {
    const sockets = batchedUdpSockets(libc);
    const one = await sockets.open({ address: ADDRESS, port: 0 });
    open.push(one);
    return one;
  }

  /** Sends datagrams in one call for each of `runs`. */
  function send(from: DatagramSocket, to: DatagramSocket, runs: readonly number[][]): void {
    const endpoint = { address: ADDRESS, port: to.localPort };
    for (const lengths of runs)
      from.send(lengths.map((length) => ({ bytes: new Uint8Array(length), endpoint })));
  }

  it('passes each datagram with its own bytes and sender, in long and in short turns', async () => {
    const [left, right, other] = [await socket(), await socket(), await socket()];
    const received: string[] = [];
    const objects = new Set<object>();
    right.onReceive = (datagrams) => {
      for (const datagram of datagrams) {
        objects.add(datagram);
        received.push(`${datagram.endpoint.port} ${Buffer.from(datagram.bytes).toString()}`);
      }
    };
    const expected: string[] = [];
    // Few enough for the receive buffer of an ordinary user, also if the system does not coalesce.
    for (const [round, count] of [3, 300, 1, 40, 280].entries()) {
      const from = round % 2 === 0 ? left : other;
      const texts = Array.from({ length: count }, (_, index) => `${round}-${1_000 + index}`);
      const endpoint = { address: ADDRESS, port: right.localPort };
      from.send(texts.map((text) => ({ bytes: Buffer.from(text), endpoint })));
      expected.push(...texts.map((text) => `${from.localPort} ${text}`));
      await until(() => received.length === expected.length);
    }
    expect(received).toEqual(expected);
    expect(objects.size).toBeLessThan(expected.length);
  });

  it('reports an error once, and not again with the next datagram', async () => {
    const [left, right] = [await socket(), await socket()];
    const failures: unknown[] = [];
    let count = 0;
    right.onError = (error) => failures.push((error as NodeJS.ErrnoException).code);
    right.onReceive = (datagrams) => (count += datagrams.length);
    let isFirst = true;
    libc.refuse = (call) => {
      if (call !== 'recvmsg' || !isFirst) return 0;
      isFirst = false;
      return constants.errno.ECONNREFUSED;
    };
    send(left, right, [[10]]);
    await until(() => count === 1);
    send(left, right, [[10]]);
    await until(() => count === 2);
    expect(failures).toEqual(['ECONNREFUSED']);
  });

  it('ends after 32 datagrams, and continues after timers and other sockets', async () => {
    const [left, right, other] = [await socket(), await socket(), await socket()];
    const turns: number[] = [];
    let count = 0;
    const servedAt = { timer: Infinity, other: Infinity };
    other.onReceive = () => (servedAt.other = count);
    right.onReceive = (datagrams) => {
      turns.push(datagrams.length);
      count += datagrams.length;
      if (turns.length > 1) return;
      setTimeout(() => (servedAt.timer = count), 0);
      send(left, other, [[10]]);
      wasteMilliseconds(3);
    };
    send(
      left,
      right,
      Array.from({ length: 100 }, () => [10]),
    );
    await until(() => count === 100 && servedAt.timer !== Infinity);
    expect(turns).toEqual([CALLS_PER_TURN, CALLS_PER_TURN, CALLS_PER_TURN, 4]);
    expect(servedAt.timer).toBe(CALLS_PER_TURN);
    expect(servedAt.other).toBeLessThanOrEqual(2 * CALLS_PER_TURN);
  });

  // An ordinary user's receive buffer may be too short for the datagrams.
  describeWith(['root'], 'with a long receive buffer', () => {
    it('ends after 256 KiB of coalesced datagrams', async () => {
      const [left, right] = [await socket(), await socket()];
      const turns: number[] = [];
      right.onReceive = (datagrams) => {
        turns.push(datagrams.reduce((sum, { bytes }) => sum + bytes.length, 0));
      };
      const run = new Array<number>(45).fill(1_452);
      // Fewer calls than the limit for calls.
      const runs = 12;
      send(left, right, new Array<number[]>(runs).fill(run));
      const total = runs * 45 * 1_452;
      await until(() => turns.reduce((sum, bytes) => sum + bytes, 0) === total);
      const [first] = turns as [number];
      expect(first).toBeGreaterThanOrEqual(BYTES_PER_TURN);
      for (const bytes of turns) expect(bytes).toBeLessThan(BYTES_PER_TURN + LONGEST_MESSAGE);
    });
  });
});

/** Occupies the event loop, so that a timer that was set meanwhile is due. */
function wasteMilliseconds(duration: number): void {
  const end = performance.now() + duration;
  while (performance.now() < end);
}
