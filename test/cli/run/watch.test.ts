import { watch, type TerminalSize } from '../../../src/cli/run/watch.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

interface Setting {
  readonly size?: TerminalSize;
  readonly view?: (count: number) => Promise<string>;
  readonly refuse?: (text: string) => Error | undefined;
}

function start({ size, view = viewOf, refuse }: Setting = {}) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const printed: string[] = [];
  let count = 0;
  const watched = watch(() => view(++count), {
    interval: 2_000,
    signal: controller.signal,
    terminalSize: () => size,
    print: async (text) => {
      await Promise.resolve();
      const refusal = refuse?.(text);
      if (refusal !== undefined) throw refusal;
      printed.push(text);
    },
    clock,
  });
  const settle = () => new Promise(setImmediate);
  const pass = async (time: number) => {
    await settle();
    clock.advance(time);
    await settle();
  };
  return { clock, controller, printed, watched, pass, stop: () => controller.abort() };
}

function viewOf(count: number): Promise<string> {
  return Promise.resolve(`view ${count}\nsecond\n\n`);
}

it('prints one view after the other without a terminal, until it is stopped', async () => {
  const { printed, watched, pass, stop, clock } = start();
  await pass(1_999);
  expect(printed).toEqual(['view 1\nsecond\n\n']);
  await pass(1);
  expect(printed).toEqual(['view 1\nsecond\n\n', 'view 2\nsecond\n\n']);
  stop();
  await watched;
  expect(clock.armed).toBe(0);
  expect(printed).toHaveLength(2);
});

it('redraws the view on a terminal, and restores the terminal at the end', async () => {
  const { printed, watched, pass, stop } = start({ size: { columns: 80, rows: 24 } });
  await pass(2_000);
  stop();
  await watched;
  expect(printed).toEqual([
    ENTER,
    '\x1b[Hview 1\x1b[K\r\nsecond\x1b[K\x1b[J',
    '\x1b[Hview 2\x1b[K\r\nsecond\x1b[K\x1b[J',
    LEAVE,
  ]);
});

it('draws only what fits', async () => {
  const { printed, watched, pass, stop } = start({ size: { columns: 5, rows: 1 } });
  await pass(0);
  stop();
  await watched;
  expect(printed[1]).toBe('\x1b[Hview…\x1b[K\x1b[J');
});

it('does not wait for a view when it is stopped', async () => {
  const { printed, watched, pass, stop } = start({
    size: { columns: 5, rows: 1 },
    view: () => new Promise(() => undefined),
  });
  await pass(0);
  stop();
  await watched;
  expect(printed).toEqual([ENTER, LEAVE]);
});

it('restores the terminal if a view fails', async () => {
  const { printed, watched } = start({
    size: { columns: 5, rows: 1 },
    view: () => Promise.reject(new Error('no view')),
  });
  await expect(watched).rejects.toThrow('no view');
  expect(printed).toEqual([ENTER, LEAVE]);
});

it.each([
  ['EPIPE', undefined],
  ['ENOSPC', 'write ENOSPC'],
])('ends if the output fails with %s', async (code, failure) => {
  const error = Object.assign(new Error(`write ${code}`), { code });
  const { watched } = start({ refuse: () => error });
  if (failure === undefined) await watched;
  else await expect(watched).rejects.toThrow(failure);
});
