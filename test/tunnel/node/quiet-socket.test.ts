/** What a socket knows about its connection when the HTTP forwarder wants to use it again. */
import type { TcpConnection } from '../../../src/engine/netstack-engine.js';
import { DialledConnection } from '../../../src/tunnel/node/dialled-connection.js';
import { TcpSocket } from '../../../src/tunnel/node/tcp-socket.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const OPEN = { state: 'ESTABLISHED', readableBytes: 0, unacknowledgedBytes: 0 };

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

/** A socket whose connection and peer are in this state. */
function socketWith(connection: object, isCurrent = true): TcpSocket {
  const host = {
    now: () => clock.now(),
    startTimer: clock.startTimer.bind(clock),
    schedule: () => undefined,
    beforeDrain: () => undefined,
  };
  const dialled = new DialledConnection(() => undefined);
  dialled.connection = {
    ...OPEN,
    observe: () => undefined,
    abort: () => undefined,
    ...connection,
  } as unknown as TcpConnection;
  dialled.link = {
    isCurrent: () => isCurrent,
    received: () => 0,
    suspect: () => undefined,
    silenceError: () => new Error('silent'),
  };
  const socket = new TcpSocket(host);
  socket.takeOver(dialled);
  return socket;
}

it('is quiet if nothing is on its way', () => {
  expect(socketWith({}).isQuiet).toBe(true);
});

it.each<[string, object, boolean]>([
  ['after the FIN of the other side', { state: 'CLOSE-WAIT' }, true],
  ['with received bytes', { readableBytes: 1 }, true],
  ['with unacknowledged bytes', { unacknowledgedBytes: 1 }, true],
  ['if the tunnel has another session', {}, false],
])('is not quiet %s', (_, connection, isCurrent) => {
  expect(socketWith(connection, isCurrent).isQuiet).toBe(false);
});

it('is not quiet before it is connected', () => {
  expect(new TcpSocket({} as never).isQuiet).toBe(false);
});

it('stops to watch for an answer when it is destroyed', () => {
  const socket = socketWith({ unacknowledgedBytes: 1 });
  socket.expectAnswer();
  expect(clock.armed).toBe(1);
  socket.destroy();
  expect(clock.armed).toBe(0);
  socket.expectAnswer();
  expect(clock.armed).toBe(0);
});
