import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Libc, loadLibc } from '../../../src/system/linux/libc.js';
import { LoopReadiness } from '../../../src/system/linux/loop-readiness.js';
import type { Readiness, Watch } from '../../../src/system/linux/readiness.js';
import { ThreadReadiness } from '../../../src/system/linux/thread-readiness.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { WatchedLibc } from '../../support/watched-libc.js';
import { until } from '../../support/until.js';

const BUILT = `${REPOSITORY}dist/src/system/linux/`;

const O_NONBLOCK = 0x800;

const IGNORE = { onReadable: () => false, onWritable: () => undefined };

// A busy machine is slow to start processes.
describe.each([
  ['the event loop', 'loop-readiness.js', LoopReadiness],
  ['a thread', 'thread-readiness.js', ThreadReadiness],
])('with %s', (_how, file, Kind) =>
  describeWith(['linux', 'koffi'], 'watched descriptors', () => {
    const usesThread = Kind === ThreadReadiness;
    let real: Libc;
    let libc: WatchedLibc;
    let readiness: Readiness;
    let listeners: number;
    const open: number[] = [];
    const watches: Watch[] = [];

    beforeAll(async () => {
      real = (await loadLibc()) as Libc;
    });
    beforeEach(() => {
      libc = new WatchedLibc(real);
      readiness = new Kind(libc);
      listeners = process.listenerCount('exit');
    });
    afterEach(async () => {
      for (const watch of watches.splice(0)) watch.close();
      for (const descriptor of open.splice(0)) closeSync(descriptor);
      await until(() => process.listenerCount('exit') === listeners);
    });

    function pipe(): { from: number; to: number } {
      const ends = new Int32Array(new ArrayBuffer(128));
      const bytes = new Uint8Array(ends.buffer);
      real.bind('int pipe2(uintptr_t, int)')(Number(real.address(bytes)), O_NONBLOCK);
      const [from = -1, to = -1] = ends;
      open.push(from, to);
      return { from, to };
    }

    function watch(descriptor: number, handlers: Parameters<Readiness['watch']>[1]): Watch {
      const one = readiness.watch(descriptor, handlers);
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

    /** Lets the readiness stop looking for events without a wait. */
    async function idleTurns(): Promise<void> {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
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
        await idleTurns();
      }
      expect(got).toEqual(['a', 'b', 'c']);
      // The thread starts one wait for each report.
      expect(libc.countAsync('epoll_wait')).toBe(usesThread ? 4 : 0);
      const calls = libc.count('epoll_wait');
      await idleTurns();
      expect(libc.count('epoll_wait')).toBe(calls);
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
      await until(() => turns === 101 && libc.countAsync('epoll_wait') === (usesThread ? 2 : 0));
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

    it('accepts requests while it waits, for this descriptor and for others', async () => {
      const [left, right] = [pipe(), pipe()];
      const seen: string[] = [];
      const one = watch(left.from, {
        ...IGNORE,
        onReadable: () => {
          seen.push(read(left.from));
          return false;
        },
      });
      one.wantReadable(true);
      await sleep(10);
      const other = watch(right.to, {
        ...IGNORE,
        onWritable: () => {
          seen.push('room');
          other.wantWritable(false);
        },
      });
      other.wantWritable(true);
      await until(() => seen.includes('room'));
      writeSync(left.to, 'bytes');
      await until(() => seen.includes('bytes'));
      // One at a time: the second was requested during the first wait.
      expect(libc.countAsync('epoll_wait')).toBeLessThanOrEqual(usesThread ? 3 : 0);
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

    if (usesThread) {
      it('looks for the next event in the next turn, before the thread waits again', async () => {
        const { from, to } = pipe();
        let seen = 0;
        const one = watch(from, {
          ...IGNORE,
          onReadable: () => {
            seen++;
            read(from);
            if (seen < 100) writeSync(to, 'x');
            return false;
          },
        });
        one.wantReadable(true);
        writeSync(to, 'x');
        await until(() => seen === 100);
        expect(libc.countAsync('epoll_wait')).toBeLessThan(10);
      });

      /** Records how long each call of epoll_wait in this thread may wait, in ms. */
      function recordWaits(): number[] {
        const waits: number[] = [];
        libc.refuse = (call, parameters) => {
          // The calls of the pool's thread wait for 2 s.
          if (call === 'epoll_wait' && parameters[3] !== 2_000) waits.push(Number(parameters[3]));
          return 0;
        };
        return waits;
      }

      /** Reads what arrives, and counts how often. */
      function reader(from: number, onRead: () => void = () => undefined): { reads: number } {
        const counter = { reads: 0 };
        const onReadable = () => {
          counter.reads++;
          read(from);
          onRead();
          return false;
        };
        watch(from, { ...IGNORE, onReadable }).wantReadable(true);
        return counter;
      }

      it('waits itself for the next event if it is almost idle', async () => {
        const waits = recordWaits();
        const { from, to } = pipe();
        let waitsBefore = -1;
        const counter = reader(from, () => setImmediate(() => (waitsBefore = waits.length)));
        let rounds = 0;
        // On a busy machine, this thread may need some rounds until it is almost idle.
        while (waits.at(-1) !== 5 && rounds < 40) {
          rounds++;
          await sleep(50);
          writeSync(to, 'x');
          await until(() => counter.reads === rounds);
          await idleTurns();
        }
        expect(waits.slice(waitsBefore)).toEqual([5]);
        expect(libc.countAsync('epoll_wait')).toBe(rounds + 1);
      });

      it('does not wait itself while a reader has more data', async () => {
        const waits = recordWaits();
        const { from, to } = pipe();
        let reads = 0;
        const onReadable = () => {
          reads++;
          return read(from, 1) !== '';
        };
        watch(from, { ...IGNORE, onReadable }).wantReadable(true);
        // Another reader wants an event, for which the thread could wait.
        reader(pipe().from);
        await sleep(50);
        writeSync(to, 'xyz');
        await until(() => reads === 4);
        expect(waits[0]).toBe(0);
      });

      it('does not wait itself under load', async () => {
        const waits = recordWaits();
        const { from, to } = pipe();
        const counter = reader(from, () => {
          for (const end = performance.now() + 3; performance.now() < end;);
          if (counter.reads < 30) writeSync(to, 'x');
        });
        writeSync(to, 'x');
        await until(() => counter.reads === 30);
        expect(waits.slice(-10)).not.toContain(5);
      });

      it('does not wait itself after other work of this thread', async () => {
        const waits = recordWaits();
        const { from, to } = pipe();
        const counter = reader(from);
        for (const end = performance.now() + 200; performance.now() < end;) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        writeSync(to, 'x');
        await until(() => counter.reads === 1);
        await idleTurns();
        expect(waits[0]).toBe(0);
      });

      it('stops looking when it is closed', async () => {
        const { from, to } = pipe();
        const one = watch(from, {
          ...IGNORE,
          onReadable: () => {
            one.close();
            return false;
          },
        });
        one.wantReadable(true);
        writeSync(to, 'x');
        await until(() => libc.count('close') === 2);
        const calls = libc.count('epoll_wait');
        await idleTurns();
        expect(libc.count('epoll_wait')).toBe(calls);
      });

      it('continues after a signal', async () => {
        const { from, to } = pipe();
        let interruptions = 3;
        libc.refuse = (call) =>
          call === 'epoll_wait' && interruptions-- > 0 ? constants.errno.EINTR : 0;
        let got = '';
        const one = watch(from, {
          ...IGNORE,
          onReadable: () => {
            got += read(from);
            return false;
          },
        });
        one.wantReadable(true);
        writeSync(to, 'x');
        await until(() => got === 'x');
        expect(interruptions).toBeLessThan(0);
      });

      it('does not occupy a thread without requests, or a descriptor without watchers', async () => {
        const { from } = pipe();
        const one = watch(from, IGNORE);
        expect(libc.countAsync('epoll_wait')).toBe(0);
        one.wantReadable(true);
        expect(libc.countAsync('epoll_wait')).toBe(1);
        one.wantReadable(false);
        // The eventfd's counter is read after the wait has ended.
        await until(() => libc.count('read') === 1);
        one.wantReadable(true);
        expect(libc.countAsync('epoll_wait')).toBe(2);
        one.close();
        await until(() => libc.count('close') === 2);
        expect(process.listenerCount('exit')).toBe(listeners);
      });
    }

    it.each([
      ['exits while it waits', 'setTimeout(() => process.exit(7), 20)', 7],
      ['fails while it waits', 'setTimeout(() => { throw new Error("end") }, 20)', 1],
      ['ends by itself with nothing open', 'setTimeout(() => socket.close(), 20)', 0],
    ])(
      'does not keep the process running when it %s',
      async (_name, end, code) => {
        const program = `
      const [, built, file] = process.argv;
      const { loadLibc } = await import(built + 'libc.js');
      const [Readiness] = Object.values(await import(built + file));
      const { batchedUdpSockets } = await import(built + 'udp/batched-udp-socket.js');
      const libc = await loadLibc();
      const sockets = batchedUdpSockets({ libc, readiness: new Readiness(libc) });
      const socket = await sockets.open({ address: '127.0.0.1', port: 0 });
      ${end};`;
        const child = spawn(process.execPath, ['--input-type=module', '-e', program, BUILT, file], {
          stdio: 'ignore',
        });
        // A thread that waits forever would block the exit.
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
      // Long enough for the wait to have ended on its thread.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
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
  }),
);

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
  const one = new LoopReadiness(libc).watch(3, {
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
