import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readSync, writeSync } from 'node:fs';

import { type Libc, loadLibc } from '../../../src/system/linux/libc.js';
import { type ReadyHandlers, Watch } from '../../../src/system/linux/readiness.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { until } from '../../support/until.js';

const BUILT = `${REPOSITORY}dist/src/system/linux/`;

const O_NONBLOCK = 0x800;

const IGNORE = { onReadable: () => false, onWritable: () => undefined };

describeWith(['linux', 'koffi'], 'watched descriptors', () => {
  let libc: Libc;
  const open: number[] = [];
  const watches: Watch[] = [];

  beforeAll(async () => {
    libc = (await loadLibc()) as Libc;
  });
  afterEach(() => {
    for (const watch of watches.splice(0)) watch.close();
    for (const descriptor of open.splice(0)) closeSync(descriptor);
  });

  function pipe(): { from: number; to: number } {
    const ends = new Int32Array(new ArrayBuffer(128));
    const bytes = new Uint8Array(ends.buffer);
    libc.bind('int pipe2(uintptr_t, int)')(Number(libc.address(bytes)), O_NONBLOCK);
    const [from = -1, to = -1] = ends;
    open.push(from, to);
    return { from, to };
  }

  function watch(descriptor: number, handlers: ReadyHandlers): Watch {
    const one = new Watch(libc, descriptor, handlers);
    watches.push(one);
    return one;
  }

  /**
   * Resolves when all earlier events have been reported: another pipe becomes readable after them,
   * and is reported twice.
   */
  async function allReported(): Promise<void> {
    const { from, to } = pipe();
    let reports = 0;
    const control = watch(from, {
      ...IGNORE,
      onReadable: () => {
        reports++;
        read(from);
        if (reports === 1) writeSync(to, 'x');
        return false;
      },
    });
    control.wantReadable(true);
    writeSync(to, 'x');
    await until(() => reports === 2);
    control.close();
    // Give work that continues in later turns of the event loop some turns.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Reads up to `most` bytes; empty if the pipe has none. */
  function read(descriptor: number, most = 100): string {
    const bytes = Buffer.alloc(most);
    try {
      return bytes.toString('latin1', 0, readSync(descriptor, bytes));
    } catch {
      return '';
    }
  }

  it('reports each time that bytes are available', async () => {
    const { from, to } = pipe();
    const got: string[] = [];
    const one = watch(from, {
      ...IGNORE,
      onReadable: () => {
        got.push(read(from));
        return false;
      },
    });
    one.wantReadable(true);
    for (const text of ['a', 'b', 'c']) {
      writeSync(to, text);
      await until(() => got.at(-1) === text);
    }
    expect(got).toEqual(['a', 'b', 'c']);
  });

  it('continues in turns of the event loop, without a wait, until the pipe is empty', async () => {
    const { from, to } = pipe();
    writeSync(to, 'x'.repeat(200));
    let turns = 0;
    let timerBefore = 0;
    const one = watch(from, {
      ...IGNORE,
      onReadable: () => {
        turns++;
        if (turns === 1) setTimeout(() => (timerBefore = turns), 0);
        // Busy-wait until the timer is due.
        for (const end = performance.now() + 1; performance.now() < end;);
        return read(from, 2) !== '';
      },
    });
    one.wantReadable(true);
    await until(() => turns === 101);
    expect(timerBefore).toBeGreaterThan(0);
    expect(timerBefore).toBeLessThan(10);
  });

  it('lets a reader pause in the middle of its turns, and continue', async () => {
    const { from, to } = pipe();
    writeSync(to, 'abcd');
    let got = '';
    const one = watch(from, {
      ...IGNORE,
      onReadable: () => {
        got += read(from, 1);
        if (got === 'ab') one.wantReadable(false);
        return true;
      },
    });
    one.wantReadable(true);
    await until(() => got === 'ab');
    await allReported();
    expect(got).toBe('ab');
    one.wantReadable(true);
    await until(() => got === 'abcd');
  });

  it('does not call a reader again after other code has paused it', async () => {
    const { from, to } = pipe();
    writeSync(to, 'x');
    let calls = 0;
    const one = watch(from, {
      ...IGNORE,
      onReadable: () => {
        calls++;
        return true;
      },
    });
    one.wantReadable(true);
    await until(() => calls > 3);
    one.wantReadable(false);
    const before = calls;
    await allReported();
    expect(calls).toBe(before);
  });

  it('reports room for as long as it is requested', async () => {
    const { from, to } = pipe();
    const filling = Buffer.alloc(4096);
    const fill = () => {
      try {
        for (;;) writeSync(to, filling);
      } catch {
        // No more room.
      }
    };
    fill();
    let calls = 0;
    const one = watch(to, {
      ...IGNORE,
      onWritable: () => {
        calls++;
        if (calls === 2) one.wantWritable(false);
      },
    });
    one.wantWritable(true);
    await allReported();
    expect(calls).toBe(0);
    read(from, 65_536);
    await until(() => calls === 2);
    await allReported();
    expect(calls).toBe(2);
  });

  it('reports an end to readers and writers through their own callbacks', async () => {
    const [left, right] = [pipe(), pipe()];
    const seen: string[] = [];
    const reader = watch(left.from, {
      ...IGNORE,
      onReadable: () => {
        seen.push(`end${read(left.from)}`);
        reader.wantReadable(false);
        return false;
      },
    });
    reader.wantReadable(true);
    closeSync(left.to);
    open.splice(open.indexOf(left.to), 1);
    await until(() => seen.length === 1);

    const filling = Buffer.alloc(65_536);
    writeSync(right.to, filling);
    const writer = watch(right.to, {
      ...IGNORE,
      onWritable: () => {
        seen.push('error');
        writer.wantWritable(false);
      },
    });
    writer.wantWritable(true);
    closeSync(right.from);
    open.splice(open.indexOf(right.from), 1);
    await until(() => seen.length === 2);
    expect(seen).toEqual(['end', 'error']);
  });

  it.each([
    ['exits while it waits', 'setTimeout(() => process.exit(7), 20)', 7],
    ['fails while it waits', 'setTimeout(() => { throw new Error("end") }, 20)', 1],
    ['ends by itself with nothing open', 'setTimeout(() => socket.close(), 20)', 0],
  ])(
    'does not keep the process running when it %s',
    async (_name, end, code) => {
      const program = `
      const [, built] = process.argv;
      const { loadLibc } = await import(built + 'libc.js');
      const { batchedUdpSockets } = await import(built + 'udp/batched-udp-socket.js');
      const sockets = batchedUdpSockets(await loadLibc());
      const socket = await sockets.open({ address: '127.0.0.1', port: 0 });
      ${end};`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, BUILT], {
        stdio: 'ignore',
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      const [exitCode] = (await once(child, 'exit')) as [number | null];
      clearTimeout(timer);
      expect(exitCode).toBe(code);
    },
    30_000,
  );

  it('calls no callback after close, even if bytes arrived before', async () => {
    const { from, to } = pipe();
    let calls = 0;
    const one = watch(from, {
      ...IGNORE,
      onReadable: () => {
        calls++;
        return true;
      },
    });
    one.wantReadable(true);
    writeSync(to, 'x');
    one.close();
    one.wantReadable(true);
    await allReported();
    expect(calls).toBe(0);
  });

  it('calls no callback after close, even if the event was already reported', async () => {
    let calls = 0;
    const both = [pipe(), pipe()].map(({ from, to }) => {
      writeSync(to, 'x');
      return watch(from, {
        ...IGNORE,
        onReadable: () => {
          calls++;
          for (const one of both) one.close();
          return true;
        },
      });
    });
    for (const one of both) one.wantReadable(true);
    await until(() => calls > 0);
    for (const one of both) one.wantReadable(true);
    await allReported();
    expect(calls).toBe(1);
  });
});

it('polls again after an error on the descriptor, which makes libuv stop the poll', async () => {
  const wanted: unknown[] = [];
  let report: Parameters<Libc['poll']>[2] = () => undefined;
  const poll = { start: (events: unknown) => void wanted.push(events), stop() {}, close() {} };
  const libc = {
    poll: (...[, , handle]: Parameters<Libc['poll']>) => {
      report = handle;
      return poll;
    },
  } as unknown as Libc;
  let reads = 0;
  const one = new Watch(libc, 3, {
    ...IGNORE,
    onReadable: () => {
      reads++;
      return false;
    },
  });
  one.wantReadable(true);
  report(-9, { readable: false, writable: false });
  await until(() => reads === 1);
  expect(wanted).toEqual([{ readable: true, writable: false }]);
});
