import type { Datagram } from '../../src/ports/datagram.js';
import type { DeviceEvent } from '../../src/engine/engine.js';
import type { NetstackEngine } from '../../src/engine/netstack-engine.js';
import { Driver } from '../../src/tunnel/driver.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeSocket } from '../support/fakes/fake-socket.js';

const ENDPOINT = { address: '192.0.2.1', port: 11010 };

/** A scripted engine. */
class ScriptedEngine {
  timeout = Infinity;
  batches: { datagrams: readonly Datagram[]; more: boolean }[] = [];
  events: DeviceEvent[] = [];
  readonly calls: string[] = [];

  onDatagrams: () => void = () => undefined;
  onDrain: () => void = () => undefined;

  handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    this.calls.push(`datagrams ${datagrams.length} at ${now}`);
    this.onDatagrams();
  }

  handleTimeout(now: number): void {
    this.calls.push(`timeout at ${now}`);
    this.timeout = Infinity;
  }

  nextTimeout(): number {
    return this.timeout;
  }

  drain(): { datagrams: readonly Datagram[]; more: boolean } {
    this.calls.push('drain');
    this.onDrain();
    return this.batches.shift() ?? { datagrams: [], more: false };
  }

  recycle(): void {
    this.calls.push('recycle');
  }

  pollEvent(): DeviceEvent | undefined {
    return this.events.shift();
  }
}

function datagram(length = 1): Datagram {
  return { bytes: new Uint8Array(length), endpoint: ENDPOINT };
}

function setUp() {
  const engine = new ScriptedEngine();
  const socket = new FakeSocket();
  const clock = new FakeClock();
  const events: DeviceEvent[] = [];
  const turns: number[] = [];
  const driver = new Driver({
    engine: engine as unknown as NetstackEngine,
    socket,
    clock,
    onEvent: (event) => events.push(event),
    onTurn: (now) => turns.push(now),
  });
  return { engine, socket, clock, driver, events, turns };
}

it('drains after each batch of datagrams and sends the output', () => {
  const { engine, socket } = setUp();
  engine.batches = [{ datagrams: [datagram(), datagram()], more: false }];
  socket.receive(datagram(), datagram());
  expect(engine.calls).toEqual(['datagrams 2 at 1000', 'drain', 'recycle']);
  expect(socket.sent).toHaveLength(2);
});

it('recycles the memory of a batch only if the socket does not keep it', () => {
  const { engine, socket } = setUp();
  socket.queuedBytes = 1;
  engine.batches = [{ datagrams: [datagram()], more: false }];
  socket.receive(datagram());
  expect(engine.calls).toEqual(['datagrams 1 at 1000', 'drain']);
});

it('recycles the memory of a batch once the socket does not keep it any more', () => {
  const { engine, socket } = setUp();
  socket.queuedBytes = 1;
  engine.batches = [{ datagrams: [datagram()], more: false }];
  socket.receive(datagram());
  socket.receive(datagram());
  expect(engine.calls).not.toContain('recycle');
  engine.calls.length = 0;
  socket.drain();
  expect(engine.calls).toEqual(['recycle', 'drain']);
  socket.receive(datagram());
  expect(engine.calls).toEqual(['recycle', 'drain', 'datagrams 1 at 1000', 'drain']);
});

it('runs a beforeDrain callback after the datagrams, once', () => {
  const { engine, socket, driver } = setUp();
  engine.onDatagrams = () => driver.beforeDrain(() => engine.calls.push('before the drain'));
  socket.receive(datagram(), datagram());
  engine.onDatagrams = () => undefined;
  socket.receive(datagram());
  const expected = ['datagrams 2 at 1000', 'before the drain', 'drain'];
  expect(engine.calls).toEqual([...expected, 'datagrams 1 at 1000', 'drain']);
});

it('schedules a turn soon for a beforeDrain callback that is added outside of a turn', () => {
  const { engine, clock, driver } = setUp();
  driver.beforeDrain(() => engine.calls.push('before the drain'));
  expect(engine.calls).toEqual([]);
  clock.settle();
  expect(engine.calls).toEqual(['before the drain', 'drain']);
});

it('runs the other callbacks in the next turn if one before the drain throws', () => {
  const { engine, socket, clock, driver } = setUp();
  driver.beforeDrain(() => {
    throw new Error('of a listener');
  });
  driver.beforeDrain(() => engine.calls.push('the other'));
  expect(() => socket.receive(datagram())).toThrow('of a listener');
  expect(engine.calls).toEqual(['datagrams 1 at 1000']);
  clock.settle();
  expect(engine.calls).toEqual(['datagrams 1 at 1000', 'the other', 'drain']);
});

it('drains soon if a listener throws while datagrams are handled', () => {
  const { engine, socket, clock } = setUp();
  engine.onDatagrams = () => {
    throw new Error('of a listener');
  };
  expect(() => socket.receive(datagram())).toThrow('of a listener');
  clock.settle();
  expect(engine.calls).toEqual(['datagrams 1 at 1000', 'drain']);
});

it('does not need a second turn for a call made before the drain', () => {
  const { engine, socket, clock, driver } = setUp();
  driver.beforeDrain(() => driver.schedule());
  socket.receive(datagram());
  clock.settle();
  expect(engine.calls.filter((call) => call === 'drain')).toHaveLength(2);
  socket.receive(datagram());
  clock.settle();
  expect(engine.calls.filter((call) => call === 'drain')).toHaveLength(3);
});

it('drains until all packets are sent', () => {
  const { engine, clock, driver, socket } = setUp();
  engine.batches = [
    { datagrams: [datagram()], more: true },
    { datagrams: [datagram()], more: true },
    { datagrams: [datagram()], more: false },
  ];
  driver.schedule();
  clock.settle();
  expect(socket.sent).toHaveLength(3);
});

it('stops draining while the socket is full and resumes when the socket has drained', () => {
  const { engine, clock, driver, socket } = setUp();
  engine.batches = [
    { datagrams: [datagram()], more: true },
    { datagrams: [datagram()], more: false },
  ];
  socket.queuedBytes = 2 * 1024 * 1024;
  driver.schedule();
  clock.settle();
  expect(socket.sent).toHaveLength(0);
  socket.drain();
  expect(socket.sent).toHaveLength(2);
});

describe('a long drain', () => {
  /** Batches that each take `duration` ms; the last one has no more after it. */
  function slow(duration: number, batches: number) {
    const all = setUp();
    const { engine, clock } = all;
    engine.batches = Array.from({ length: batches }, (_, index) => ({
      datagrams: [datagram()],
      more: index < batches - 1,
    }));
    engine.onDrain = () => clock.skip(duration);
    return { ...all, drains: () => engine.calls.filter((call) => call === 'drain').length };
  }

  it('ends after 4 ms and continues after the event loop has read its sockets', () => {
    const { socket, clock, drains } = slow(1, 10);
    socket.receive(datagram());
    expect(drains()).toBe(4);
    clock.settleOnce();
    expect(drains()).toBe(4);
    clock.settleOnce();
    expect(drains()).toBe(8);
    clock.settle();
    expect(drains()).toBe(10);
    expect(socket.sent).toHaveLength(10);
  });

  it('takes input during the pause, and sends nothing', () => {
    const { engine, socket, clock, driver, turns } = slow(1, 5);
    socket.receive(datagram());
    const before = turns.length;
    engine.calls.length = 0;
    socket.receive(datagram(), datagram());
    driver.schedule();
    clock.settleOnce();
    expect(engine.calls).toEqual(['datagrams 2 at 1004']);
    expect(turns.length - before).toBe(2);
    clock.settleOnce();
    expect(engine.calls).toEqual(['datagrams 2 at 1004', 'drain', 'recycle']);
  });

  it('is followed by a pause after 2 ms also if nothing is left', () => {
    const { socket, clock, drains } = slow(1, 3);
    socket.receive(datagram());
    expect(drains()).toBe(3);
    socket.receive(datagram());
    expect(drains()).toBe(3);
    clock.settle();
    expect(drains()).toBe(4);
  });

  it('is not followed by a pause below 2 ms, or with only one batch', () => {
    const short = slow(1, 2);
    short.socket.receive(datagram());
    short.socket.receive(datagram());
    expect(short.drains()).toBe(3);
    const one = slow(20, 1);
    one.socket.receive(datagram());
    one.socket.receive(datagram());
    expect(one.drains()).toBe(2);
  });

  it('has no limit when the driver is closed, also during a pause', () => {
    const { socket, clock, driver, drains } = slow(1, 20);
    socket.receive(datagram());
    expect(drains()).toBe(4);
    driver.close();
    expect(socket.sent).toHaveLength(20);
    clock.settle();
    expect(drains()).toBe(20);
  });
});

it('keeps one timer at the next deadline', () => {
  const { engine, clock, driver } = setUp();
  engine.timeout = 1_500;
  driver.schedule();
  clock.settle();
  expect(clock.armed).toBe(1);
  engine.timeout = 1_200;
  driver.schedule();
  clock.settle();
  expect(clock.armed).toBe(1);
  clock.advance(200);
  expect(engine.calls).toContain('timeout at 1200');
  expect(clock.armed).toBe(0);
});

it('runs an overdue timer first', () => {
  const { engine, clock, driver } = setUp();
  engine.timeout = 1_500;
  driver.schedule();
  clock.settle();
  engine.calls.length = 0;
  // The process was stopped: the timer is overdue, and input arrives before it fires.
  clock.skip(60_000);
  driver.schedule();
  clock.settle();
  expect(engine.calls).toEqual(['timeout at 61000', 'drain']);
});

describe('a process that did not run for some time', () => {
  /** The timer was due at 1500; the time is `now`. */
  function stalledUntil(now: number): ReturnType<typeof setUp> {
    const run = setUp();
    run.engine.timeout = 1_500;
    run.driver.schedule();
    run.clock.settle();
    run.engine.calls.length = 0;
    run.clock.skip(now - run.clock.now());
    return run;
  }

  it('reads waiting datagrams before a timer expires, because they were not late', () => {
    const { engine, clock, socket } = stalledUntil(1_900);
    clock.fire();
    // The socket is read after the timers, within two turns of the event loop.
    clock.defer(() => {
      socket.receive(datagram(), datagram());
      clock.defer(() => socket.receive(datagram()));
    });
    clock.settle();
    expect(engine.calls).toEqual([
      'datagrams 2 at 1900',
      'datagrams 1 at 1900',
      'timeout at 1900',
      'drain',
    ]);
  });

  it('reads waiting datagrams before a late timer of a caller, which may be cancelled', () => {
    const { engine, clock, driver, socket } = setUp();
    const note = (what: string) => () => void engine.calls.push(what);
    driver.startTimer(10_000, note('silence'));
    const cancelled = driver.startTimer(10_000, note('cancelled'));
    clock.skip(15_000);
    clock.fire();
    clock.defer(() => {
      cancelled.cancel();
      socket.receive(datagram());
    });
    clock.settle();
    expect(engine.calls).toEqual(['datagrams 1 at 16000', 'drain', 'silence']);
  });

  it('does not expire a timer that a waiting datagram postpones', () => {
    const { engine, clock, socket } = stalledUntil(1_900);
    clock.fire();
    clock.defer(() => {
      engine.timeout = 2_500;
      socket.receive(datagram());
    });
    clock.settle();
    expect(engine.calls).toEqual(['datagrams 1 at 1900', 'drain']);
    clock.advance(600);
    expect(engine.calls).toContain('timeout at 2500');
  });

  it('does not wait for a socket that never becomes empty', () => {
    const { engine, clock, socket } = stalledUntil(1_900);
    clock.fire();
    let turns = 0;
    const more = (): void => {
      if (turns++ === 100) return;
      clock.skip(1);
      socket.receive(datagram());
      clock.defer(more);
    };
    clock.defer(more);
    clock.settle();
    const timeout = engine.calls.find((call) => call.startsWith('timeout'));
    expect(Number(/\d+/.exec(timeout!))).toBeLessThan(1_920);
  });

  it('runs one last turn at once when it is closed', () => {
    const { engine, clock, driver } = stalledUntil(1_900);
    clock.fire();
    driver.close();
    expect(engine.calls).toEqual(['timeout at 1900', 'drain']);
    clock.settle();
    expect(engine.calls).toHaveLength(2);
  });

  it('expires a timer at once if its delay is normal for timers', () => {
    const { engine, clock } = stalledUntil(1_505);
    clock.fire();
    expect(engine.calls).toEqual(['timeout at 1505', 'drain']);
  });
});

describe('the timer for the engine', () => {
  function armed() {
    const world = setUp();
    const started: number[] = [];
    const { clock } = world;
    const startTimer = clock.startTimer.bind(clock);
    clock.startTimer = (delay, handler) => {
      started.push(delay);
      return startTimer(delay, handler);
    };
    const input = (timeout: number) => {
      world.engine.timeout = timeout;
      world.socket.receive(datagram());
      world.engine.calls.length = 0;
    };
    return { ...world, started, input };
  }

  it('stays when packets postpone the timeout, and waits for the rest', () => {
    const { engine, clock, started, input } = armed();
    for (let timeout = 2_000; timeout < 3_000; timeout += 100) input(timeout);
    expect(started).toEqual([1_000]);
    clock.advance(1_899);
    expect(started).toEqual([1_000, 900]);
    expect(engine.calls).toEqual([]);
    clock.advance(1);
    expect(engine.calls).toEqual(['timeout at 2900', 'drain']);
    expect(clock.armed).toBe(0);
  });

  it('is replaced when the timeout is earlier', () => {
    const { engine, clock, started, input } = armed();
    for (const timeout of [3_000, 2_000, 2_500]) input(timeout);
    expect(started).toEqual([2_000, 1_000]);
    expect(clock.armed).toBe(1);
    clock.advance(1_500);
    expect(engine.calls).toEqual(['timeout at 2500', 'drain']);
  });

  it('ends when the engine waits for nothing', () => {
    const { clock, input } = armed();
    for (const timeout of [3_000, Infinity]) input(timeout);
    expect(clock.armed).toBe(0);
  });

  it('is not late if the timeout was postponed while the event loop was blocked', () => {
    const { engine, clock, input } = armed();
    for (const timeout of [1_100, 5_000]) input(timeout);
    clock.skip(1_000);
    clock.fire();
    expect(engine.calls).toEqual([]);
    clock.advance(3_000);
    expect(engine.calls).toEqual(['timeout at 5000', 'drain']);
  });
});

it('reports the end of each turn', () => {
  const { clock, driver, socket, turns } = setUp();
  socket.receive(datagram());
  driver.schedule();
  clock.settle();
  expect(turns).toEqual([1_000, 1_000]);
});

it('forwards events, but emits none after it is closed', () => {
  const { engine, clock, driver, events, socket } = setUp();
  engine.events = [{ type: 'handshake-gave-up' } as DeviceEvent];
  driver.schedule();
  clock.settle();
  expect(events).toHaveLength(1);
  engine.timeout = 2_000;
  driver.close();
  const calls = engine.calls.length;
  socket.receive(datagram());
  driver.schedule();
  clock.advance(10_000);
  expect(engine.calls).toHaveLength(calls);
  expect(clock.armed).toBe(0);
});
