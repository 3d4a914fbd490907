import { ServiceStates } from '../../../src/app/up/service-states.js';
import type { ServiceState } from '../../../src/ports/service-manager.js';
import type { TunnelStatus } from '../../../src/tunnel/tunnel-status.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const HOUR = 3_600_000;
/** The start time of a FakeClock. */
const BEGAN = Date.UTC(2026, 10, 26, 12);

interface Told {
  /** Milliseconds since the start. */
  readonly at: number;
  readonly state: ServiceState;
}

/** The tunnel's status. */
interface Said {
  endpoint: string | undefined;
  latestHandshakeUnix: number | undefined;
  silence: TunnelStatus['silence'];
  unanswered?: TunnelStatus['unanswered'];
}

/** Runs the handlers of settled promises. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

interface SetUpOptions {
  /** Milliseconds; undefined for none. */
  readonly watchdogTimeout?: number | undefined;
  /** Whether the tunnel answers. */
  readonly hangs?: () => boolean;
}

function setUp({ watchdogTimeout, hangs = () => false }: SetUpOptions = {}) {
  const clock = new FakeClock();
  const began = clock.now();
  const told: Told[] = [];
  const said: Said = {
    endpoint: '192.0.2.1:11010',
    latestHandshakeUnix: undefined,
    silence: undefined,
  };
  const tunnel = {
    status: () =>
      hangs()
        ? new Promise<TunnelStatus>(() => undefined)
        : Promise.resolve({ ...said, peers: [said] } as unknown as TunnelStatus),
  };
  const wallClock = { unixMilliseconds: () => BEGAN + clock.now() - began };
  const manager = {
    watchdogTimeout,
    notify: (state: ServiceState) => {
      told.push({ at: clock.now() - began, state });
      return Promise.resolve();
    },
  };
  const states = new ServiceStates({ manager, clock, wallClock });
  const advance = async (duration: number) => {
    for (let passed = 0; passed < duration; passed += 5_000) {
      clock.advance(Math.min(5_000, duration - passed));
      await settle();
    }
  };
  /** When a notification with that name was sent. */
  const times = (name: string) => told.filter(({ state }) => name in state).map(({ at }) => at);
  const names = () => told.map(({ state }) => Object.keys(state).join(' '));
  const lastStatus = () => told.findLast(({ state }) => 'STATUS' in state)?.state.STATUS;
  return { clock, wallClock, told, said, tunnel, states, advance, times, names, lastStatus };
}

it('are sent in order from start to stop', async () => {
  const { clock, states, told, said, tunnel } = setUp();
  states.watch(tunnel);
  await settle();
  said.latestHandshakeUnix = BEGAN + 1_999;
  states.ready();
  states.ready();
  await settle();
  await states.reload(() => Promise.resolve());
  await settle();
  await states.stopping();
  await states.stopping('again');
  states.watch({ status: () => tunnel.status().then((status) => ({ ...status, peers: [] })) });
  await settle();
  const up = 'Tunnel to 192.0.2.1:11010: last handshake at 2026-11-26T12:00:01Z';
  expect(told.map(({ state }) => state)).toEqual([
    { STATUS: 'Starting' },
    { STATUS: 'Waiting for the first handshake with 192.0.2.1:11010' },
    { READY: '1' },
    { STATUS: up },
    { RELOADING: '1' },
    { STATUS: 'Reloading' },
    { READY: '1' },
    { STATUS: up },
    { STOPPING: '1', STATUS: 'Stopping' },
  ]);
  expect(clock.armed).toBe(0);
});

describe('a reload', () => {
  it('keeps the service ready if it fails, and reports the failure to the caller', async () => {
    const { states, names } = setUp();
    states.ready();
    const failure = states.reload(() => Promise.reject(new Error('no such file')));
    await expect(failure).rejects.toThrow('no such file');
    expect(names()).toEqual(['STATUS', 'READY', 'RELOADING', 'STATUS', 'READY']);
  });

  it('ends with the last of overlapping reloads, and sends no status meanwhile', async () => {
    const { states, names, said, tunnel, advance, told } = setUp();
    states.watch(tunnel);
    states.ready();
    await settle();
    const { length } = told;
    const finish: (() => void)[] = [];
    const work = () => new Promise<void>((resolve) => void finish.push(resolve));
    const both = [states.reload(work), states.reload(work)];
    finish[0]!();
    await both[0];
    said.latestHandshakeUnix = BEGAN;
    await advance(60_000);
    expect(names().slice(length)).toEqual(['RELOADING', 'STATUS', 'RELOADING']);
    finish[1]!();
    await both[1];
    expect(told.at(-1)!.state).toEqual({ READY: '1' });
  });
});

describe('the watchdog', () => {
  it('gets each heartbeat of an idle day, with WatchdogSec=120', async () => {
    const { states, said, tunnel, advance, times } = setUp({ watchdogTimeout: 120_000 });
    states.watch(tunnel);
    // Neither an old handshake nor a silent server is a reason to end.
    said.latestHandshakeUnix = BEGAN;
    states.ready();
    await advance(24 * HOUR);
    expect(times('WATCHDOG')).toEqual(Array.from({ length: 1_440 }, (_, n) => (n + 1) * 60_000));
  });

  it('gets no more heartbeats if the data path hangs', async () => {
    let hangs = false;
    const setting = { watchdogTimeout: 120_000, hangs: () => hangs };
    const { states, tunnel, advance, times } = setUp(setting);
    states.watch(tunnel);
    states.ready();
    await advance(HOUR);
    hangs = true;
    await advance(HOUR);
    expect(times('WATCHDOG').at(-1)).toBe(HOUR);
  });

  it('gets heartbeats before the service is ready and in a reload, but not after the stop', async () => {
    const { states, advance, times } = setUp({ watchdogTimeout: 120_000 });
    await advance(60_000);
    states.ready();
    void states.reload(() => new Promise(() => undefined));
    await advance(60_000);
    await states.stopping();
    await advance(HOUR);
    expect(times('WATCHDOG')).toEqual([60_000, 120_000]);
  });
});

describe('the start timeout', () => {
  it('is extended before it expires, for as long as there is no handshake', async () => {
    const { states, advance, told, times } = setUp();
    await advance(60_000);
    expect(times('EXTEND_TIMEOUT_USEC')).toEqual([15_000, 30_000, 45_000, 60_000]);
    expect(told.at(-1)!.state).toEqual({ EXTEND_TIMEOUT_USEC: '30000000' });
    states.ready();
    await advance(HOUR);
    expect(times('EXTEND_TIMEOUT_USEC')).toHaveLength(4);
  });
});

describe('the status', () => {
  it('is sent only when it changes', async () => {
    const { states, said, tunnel, advance, told, lastStatus } = setUp();
    states.watch(tunnel);
    states.ready();
    await advance(HOUR);
    const before = told.filter(({ state }) => 'STATUS' in state).length;
    expect(before).toBe(2);
    said.latestHandshakeUnix = BEGAN + HOUR;
    await advance(15_000);
    expect(lastStatus()).toBe('Tunnel to 192.0.2.1:11010: last handshake at 2026-11-26T13:00:00Z');
    await advance(HOUR);
    expect(told.filter(({ state }) => 'STATUS' in state)).toHaveLength(before + 1);
  });

  it('does not report silence before an answer could have arrived', async () => {
    const { states, said, tunnel, advance, lastStatus } = setUp();
    said.silence = { reason: 'no-answer', why: 'nothing comes' };
    said.unanswered = { for: 5_999, reason: 'no-answer' };
    states.watch(tunnel);
    await settle();
    expect(lastStatus()).toBe('Waiting for the first handshake with 192.0.2.1:11010');
    said.unanswered = { for: 6_000, reason: 'no-answer' };
    await advance(15_000);
    expect(lastStatus()).toMatch(/, no response since \S+ \(no-answer\)$/);
  });

  it('reports a silence with the time it was first seen', async () => {
    const { states, said, tunnel, advance, told, lastStatus } = setUp();
    states.watch(tunnel);
    said.latestHandshakeUnix = BEGAN;
    states.ready();
    await advance(585_000);
    said.silence = { reason: 'no-answer', why: 'nothing comes' };
    await advance(15_000);
    const status =
      'Tunnel to 192.0.2.1:11010: last handshake at 2026-11-26T12:00:00Z, no response since 2026-11-26T12:10:00Z (no-answer)';
    expect(lastStatus()).toBe(status);
    const { length } = told;
    await advance(600_000);
    expect(told.slice(length)).toEqual([]);
    said.silence = undefined;
    await advance(15_000);
    expect(lastStatus()).not.toContain('silent');
    said.silence = { reason: 'under-load', why: 'nothing comes' };
    await advance(15_000);
    expect(lastStatus()).toContain('no response since 2026-11-26T12:20:30Z (under-load)');
  });
});
