import { MovingSocket } from '../../../src/tunnel/server/moving-socket.js';
import type {
  DatagramSocket,
  DatagramSockets,
  LocalBinding,
} from '../../../src/ports/datagram-sockets.js';
import type { Datagram } from '../../../src/ports/datagram.js';
import { OuterTraffic } from '../../../src/tunnel/traffic/outer-traffic.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeSocket } from '../../support/fakes/fake-socket.js';
import { systemError } from '../../support/fakes/memory-network.js';

const V4 = '192.0.2.1';
const V6 = '2001:db8::1';

class FakeSockets implements DatagramSockets {
  readonly opened: { address: string; socket: FakeSocket }[] = [];
  readonly bindings: LocalBinding[] = [];
  onOpen: (() => void) | undefined;
  /** How often a socket was requested. */
  asked = 0;
  /** Delays the next sockets. */
  gate: Promise<void> | undefined;
  /** Local addresses that cannot be bound. */
  readonly refused = new Map<string, Error>();

  async open(binding: LocalBinding): Promise<DatagramSocket> {
    const { address } = binding;
    this.asked++;
    this.bindings.push(binding);
    this.onOpen?.();
    await (this.gate ?? Promise.resolve());
    const refusal = this.refused.get(address);
    if (refusal !== undefined) throw refusal;
    const socket = new FakeSocket();
    this.opened.push({ address, socket });
    return socket;
  }

  get last(): FakeSocket {
    return this.opened.at(-1)!.socket;
  }
}

function setUp() {
  const sockets = new FakeSockets();
  const clock = new FakeClock();
  const traffic = new OuterTraffic();
  const socket = new MovingSocket(sockets, clock, traffic);
  const errors: [code: unknown, unsent: Datagram | undefined][] = [];
  const received: Datagram[] = [];
  let drained = 0;
  socket.onError = (error, unsent) => errors.push([(error as NodeJS.ErrnoException).code, unsent]);
  socket.onReceive = (datagrams) => received.push(...datagrams);
  socket.onDrain = () => drained++;
  return { sockets, clock, socket, traffic, errors, received, drained: () => drained };
}

function datagram(address: string, mark = 1): Datagram {
  return { bytes: new Uint8Array([mark]), endpoint: { address, port: 11010 } };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

it.each([
  [V4, '0.0.0.0'],
  [V6, '::'],
])('opens a socket of the family of %s, and then sends', async (address, local) => {
  const { socket, sockets } = setUp();
  expect(sockets.opened).toHaveLength(0);
  socket.send([datagram(address, 1), datagram(address, 2)]);
  socket.send([datagram(address, 3)]);
  expect(socket.queuedBytes).toBe(3);
  await settle();
  expect(sockets.opened.map((one) => one.address)).toEqual([local]);
  expect(sockets.last.sent.map(({ bytes }) => bytes[0])).toEqual([1, 2, 3]);
  expect(socket.queuedBytes).toBe(0);
  expect(socket.localPort).toBe(sockets.last.localPort);
});

it('changes the family with the endpoint, and closes the old socket', async () => {
  const { socket, sockets, received } = setUp();
  socket.send([datagram(V6)]);
  await settle();
  const [old] = sockets.opened;
  socket.send([datagram(V4)]);
  await settle();
  expect(sockets.opened.map(({ address }) => address)).toEqual(['::', '0.0.0.0']);
  expect(sockets.last.sent).toHaveLength(1);
  expect(old!.socket.closed).toBe(true);
  old!.socket.receive(datagram(V6));
  expect(received).toHaveLength(0);
  sockets.last.receive(datagram(V4));
  expect(received).toHaveLength(1);
});

it('is flushed only if neither it nor a socket of its own keeps datagrams', async () => {
  const { socket, sockets } = setUp();
  expect(socket.isFlushed).toBe(true);
  socket.send([datagram(V6)]);
  expect(socket.isFlushed).toBe(false);
  await settle();
  expect(socket.isFlushed).toBe(true);
  const [old] = sockets.opened;
  old!.socket.queuedBytes = 1;
  expect(socket.isFlushed).toBe(false);
  old!.socket.queuedBytes = 0;

  // Until the old socket is closed, it may keep datagrams that wait for the system.
  let close = (): void => undefined;
  old!.socket.close = () => new Promise((resolve) => (close = resolve));
  socket.send([datagram(V4)]);
  await settle();
  expect(sockets.last.sent).toHaveLength(1);
  expect(socket.isFlushed).toBe(false);
  close();
  await settle();
  expect(socket.isFlushed).toBe(true);
});

it('queues 128 datagrams for a socket that is being opened', async () => {
  const { socket, sockets } = setUp();
  socket.send(Array.from({ length: 200 }, (_, index) => datagram(V4, index)));
  await settle();
  expect(sockets.last.sent).toHaveLength(128);
});

it('reports queued datagrams as refused if no socket of the family can be opened', async () => {
  const { socket, sockets, errors } = setUp();
  sockets.refused.set('::', systemError('socket', 'EAFNOSUPPORT'));
  const refused = datagram(V6);
  socket.send([refused, datagram(V4, 2)]);
  await settle();
  expect(errors).toEqual([['EAFNOSUPPORT', refused]]);
  // Datagrams queued for the other family have their own socket.
  expect(sockets.last.sent.map(({ bytes }) => bytes[0])).toEqual([2]);
});

describe('after a network change', () => {
  it('opens a new socket and closes the old one, which is used until then', async () => {
    const { socket, sockets, clock } = setUp();
    socket.send([datagram(V6)]);
    await settle();
    clock.advance(1_000);
    const old = sockets.last;
    socket.remake();
    socket.send([datagram(V6)]);
    expect(old.sent).toHaveLength(2);
    expect(old.closed).toBe(false);
    await settle();
    expect(sockets.opened.map(({ address }) => address)).toEqual(['::', '::']);
    expect(old.closed).toBe(true);
    socket.send([datagram(V6)]);
    expect(sockets.last.sent).toHaveLength(1);
  });

  it('opens one at most once per second, and doubles the interval each time up to 32 s', async () => {
    const { socket, sockets, clock } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    const times: number[] = [clock.now()];
    for (let tick = 0; tick < 2_000; tick++) {
      clock.advance(100);
      socket.remake();
      await settle();
      if (sockets.opened.length > times.length) times.push(clock.now());
    }
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    expect(gaps.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000]);
    expect(sockets.opened.filter((one) => !one.socket.closed)).toHaveLength(1);
    socket.proved();
    clock.advance(1_000);
    socket.remake();
    await settle();
    expect(sockets.opened).toHaveLength(times.length + 1);
  });

  it('keeps the old socket if no new one can be opened, and reports it', async () => {
    const { socket, sockets, clock, errors } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    clock.advance(1_000);
    sockets.refused.set('0.0.0.0', systemError('bind', 'ENETDOWN'));
    socket.remake();
    await settle();
    expect(errors).toEqual([['ENETDOWN', undefined]]);
    socket.send([datagram(V4)]);
    expect(sockets.last.sent).toHaveLength(2);
  });

  it('does not open two sockets at once, however long opening takes', async () => {
    const { socket, sockets, clock } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    let open: () => void = () => undefined;
    sockets.gate = new Promise((resolve) => (open = resolve));
    clock.advance(1_000);
    socket.remake();
    clock.advance(60_000);
    socket.remake();
    expect(sockets.asked).toBe(2);
    open();
    await settle();
    expect(sockets.opened.map((one) => one.socket.closed)).toEqual([true, false]);
  });

  it('ignores events of the old socket', async () => {
    const { socket, sockets, clock, errors, drained } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    const old = sockets.last;
    clock.advance(1_000);
    socket.remake();
    await settle();
    const before = drained();
    old.fail(systemError('send', 'ENETUNREACH'), datagram(V4));
    old.fail(systemError('send', 'ENOBUFS'), datagram(V4));
    old.drain();
    expect(errors).toEqual([]);
    expect(drained()).toBe(before);
    expect(clock.armed).toBe(0);
  });

  it('does not open a socket before the first datagram', async () => {
    const { socket, sockets } = setUp();
    socket.remake();
    await settle();
    expect(sockets.opened).toHaveLength(0);
  });
});

it.each(['ENOBUFS', 'EAGAIN'])('pauses at %s, and resumes 50 ms later', async (code) => {
  const { socket, sockets, clock, errors, drained } = setUp();
  socket.send([datagram(V4)]);
  await settle();
  sockets.last.fail(systemError('send', code), datagram(V4, 4));
  expect(socket.queuedBytes).toBe(Infinity);
  const before = drained();
  clock.advance(49);
  expect(drained()).toBe(before);
  clock.advance(1);
  expect(drained()).toBe(before + 1);
  expect(socket.queuedBytes).toBe(0);
  expect(errors).toEqual([]);
  expect(sockets.opened).toHaveLength(1);
});

it('reopens a socket that has had no room for 5 s', async () => {
  const { socket, sockets, clock, errors } = setUp();
  socket.send([datagram(V4)]);
  await settle();
  const press = async (duration: number) => {
    for (let passed = 0; passed <= duration; passed += 100) {
      sockets.last.fail(systemError('send', 'ENOBUFS'));
      await settle();
      clock.advance(100);
    }
  };
  await press(4_800);
  // The whole batch was accepted.
  sockets.last.drain();
  await press(4_800);
  // A packet was received, so something got through.
  socket.proved();
  await press(4_800);
  expect(sockets.opened).toHaveLength(1);
  expect(errors).toEqual([]);
  await press(200);
  expect(sockets.opened).toHaveLength(2);
  expect(errors[0]).toEqual(['ENOBUFS', undefined]);
});

it('measures time without room, however rarely it is queried', async () => {
  const { socket, sockets, clock } = setUp();
  socket.send([datagram(V4)]);
  await settle();
  for (let time = 0; time < 2; time++) {
    sockets.last.fail(systemError('send', 'ENOBUFS'), datagram(V4, 4));
    // The queue is empty because nothing was accepted.
    sockets.last.drain();
    clock.advance(5_000);
  }
  await settle();
  expect(sockets.opened).toHaveLength(2);
});

it('reports at once a handshake initiation that finds no room', async () => {
  const { socket, sockets, errors } = setUp();
  socket.send([datagram(V4)]);
  await settle();
  const initiation = { ...datagram(V4), bytes: new Uint8Array(148) };
  initiation.bytes[0] = 1;
  sockets.last.fail(systemError('send', 'EAGAIN'), datagram(V4, 4));
  sockets.last.fail(systemError('send', 'EAGAIN'), initiation);
  expect(errors).toEqual([['EAGAIN', initiation]]);
});

describe('a wait for room in the queue', () => {
  it('ends when the socket with that queue is closed', async () => {
    const { socket, sockets, clock, drained } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    clock.advance(1_000);
    sockets.last.queuedBytes = 1 << 20;
    const before = drained();
    socket.remake();
    await settle();
    expect(socket.queuedBytes).toBe(0);
    expect(drained()).toBe(before + 1);
  });

  it('ends when no socket exists for the queued datagrams', async () => {
    const { socket, sockets, drained } = setUp();
    sockets.refused.set('::', systemError('socket', 'EAFNOSUPPORT'));
    socket.send([datagram(V6)]);
    await settle();
    expect(socket.queuedBytes).toBe(0);
    expect(drained()).toBe(1);
  });
});

it('forwards other errors', async () => {
  const { socket, sockets, errors } = setUp();
  socket.send([datagram(V4)]);
  await settle();
  const unsent = datagram(V4);
  sockets.last.fail(systemError('send', 'EPERM'), unsent);
  expect(errors).toEqual([['EPERM', unsent]]);
  expect(sockets.opened).toHaveLength(1);
});

it('leaves no socket open, whatever was in progress', async () => {
  const { socket, sockets, clock } = setUp();
  socket.send([datagram(V4)]);
  await settle();
  sockets.last.fail(systemError('send', 'ENOBUFS'));
  socket.send([datagram(V6)]);
  await socket.close();
  await settle();
  expect(sockets.opened).toHaveLength(2);
  expect(sockets.opened.every((one) => one.socket.closed)).toBe(true);
  expect(clock.armed).toBe(0);
  socket.send([datagram(V4)]);
  socket.remake();
  await settle();
  expect(sockets.opened).toHaveLength(2);
});

it('is closed only after the earlier sockets are', async () => {
  const { socket, sockets, clock } = setUp();
  socket.send([datagram(V4)]);
  await settle();
  let close: () => void = () => undefined;
  sockets.last.close = () => new Promise((resolve) => (close = resolve));
  clock.advance(1_000);
  socket.remake();
  await settle();
  let isClosed = false;
  const closing = socket.close().then(() => (isClosed = true));
  await settle();
  expect(sockets.last.closed).toBe(true);
  expect(isClosed).toBe(false);
  close();
  await closing;
});

describe('a requested port or mark', () => {
  it('applies to the first socket, if none exists yet', async () => {
    const { socket, sockets } = setUp();
    await socket.rebind({ port: 51_820, fwmark: 7 });
    expect(sockets.asked).toBe(0);
    expect(socket.fwmark).toBe(7);
    socket.send([datagram(V4)]);
    await settle();
    expect(sockets.bindings).toEqual([{ address: '0.0.0.0', port: 51_820, fwmark: 7 }]);
  });

  it('opens a new socket, and applies to all later ones', async () => {
    const { socket, sockets } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    const first = sockets.last;
    await socket.rebind({ port: 51_820 });
    expect(first.closed).toBe(true);
    await socket.rebind({ fwmark: 7 });
    socket.send([datagram(V6)]);
    await settle();
    expect(sockets.bindings.slice(1)).toEqual([
      { address: '0.0.0.0', port: 51_820, fwmark: 0 },
      { address: '0.0.0.0', port: 51_820, fwmark: 7 },
      { address: '::', port: 51_820, fwmark: 7 },
    ]);
  });

  it('does not open a socket if the current one already has it', async () => {
    const { socket, sockets } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    await socket.rebind({ port: socket.localPort });
    await socket.rebind({ fwmark: 0 });
    expect(sockets.asked).toBe(1);
  });

  it('keeps the old socket if it is unavailable', async () => {
    const { socket, sockets } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    const first = sockets.last;
    sockets.refused.set('0.0.0.0', systemError('bind', 'EADDRINUSE'));
    await expect(socket.rebind({ port: 51_820 })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    socket.send([datagram(V4)]);
    expect(first.sent).toHaveLength(2);
    expect(first.closed).toBe(false);
    sockets.refused.clear();
    socket.send([datagram(V6)]);
    await settle();
    expect(sockets.bindings.at(-1)).toEqual({ address: '::', port: 0, fwmark: 0 });
  });

  it('is freed before the next socket binds it', async () => {
    const { socket, sockets } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    const first = sockets.last;
    const held = socket.localPort;
    await socket.rebind({ port: held });
    sockets.onOpen = () => expect(first.closed).toBe(true);
    await socket.rebind({ port: held, fwmark: 1 });
    expect(sockets.asked).toBe(2);
    expect(sockets.bindings.at(-1)).toMatchObject({ port: held, fwmark: 1 });
  });

  it('is applied in turn if several are requested at once', async () => {
    const { socket, sockets } = setUp();
    socket.send([datagram(V4)]);
    await settle();
    await Promise.all([socket.rebind({ port: 51_820 }), socket.rebind({ fwmark: 7 })]);
    expect(sockets.bindings.slice(1)).toEqual([
      { address: '0.0.0.0', port: 51_820, fwmark: 0 },
      { address: '0.0.0.0', port: 51_820, fwmark: 7 },
    ]);
    expect(sockets.opened.map((opened) => opened.socket.closed)).toEqual([true, true, false]);
  });
});

it('counts datagrams when a system socket takes or delivers them, with their headers', async () => {
  const { socket, sockets, traffic } = setUp();
  socket.onReceive = (datagrams) => datagrams.forEach(({ bytes }) => bytes.fill(0));
  socket.send([datagram(V4, 4), datagram(V4, 1)]);
  expect(traffic.sent.bytes).toBe(0);
  await settle();
  expect(traffic.sent.totals()).toMatchObject({ datagrams: 2, bytes: 58, handshakeBytes: 29 });
  sockets.last.receive(datagram(V4, 4));
  expect(traffic.received.totals()).toMatchObject({ datagrams: 1, bytes: 29, handshakeBytes: 0 });
  socket.send([datagram(V6, 4)]);
  await settle();
  expect(traffic.sent.bytes).toBe(58 + 49);
});

it('does not count datagrams that were not sent', async () => {
  const { socket, sockets, traffic } = setUp();
  socket.send([datagram(V4, 1)]);
  await settle();
  sockets.last.onError(systemError('send', 'ENETUNREACH'), datagram(V4, 1));
  sockets.last.onError(systemError('send', 'ECONNREFUSED'));
  expect(traffic.sent.totals()).toMatchObject({ datagrams: 0, bytes: 0, handshakeBytes: 0 });
});
