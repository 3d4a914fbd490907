import { Duplex } from 'node:stream';

import { DialError } from '../../../src/proxy/dialer.js';
import { askByTcp } from '../../../src/proxy/dns/ask-by-tcp.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const QUESTION = Uint8Array.of(1, 2, 3);

/** The server's end of the connection, controlled by the test. */
class Server extends Duplex {
  written = '';

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString('hex') + ' ';
    done();
  }
}

let clock: FakeClock;
let server: Server;
beforeEach(() => {
  clock = new FakeClock();
  server = new Server({ allowHalfOpen: true });
});

/** The outcome of the question; `waiting` while it is pending. */
function ask(dial: (signal: AbortSignal) => Promise<Duplex> = () => Promise.resolve(server)) {
  const outcome = askByTcp(dial, QUESTION, clock);
  return Object.assign(outcome, {
    state: async () => Promise.race([outcome, ticks().then(() => 'waiting')]),
  });
}

async function ticks(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

function expectNothingLeft(): void {
  expect(clock.armed).toBe(0);
  expect(server.destroyed).toBe(true);
}

it('sends the question after its length, in one write', async () => {
  const asked = ask();
  await ticks();
  expect(server.written).toBe('0003010203 ');
  server.push(Buffer.from('0002aabb', 'hex'));
  expect(await asked).toEqual(Buffer.from('aabb', 'hex'));
  expectNothingLeft();
});

it('reads an answer byte by byte, and not beyond its end', async () => {
  const asked = ask();
  for (const byte of [0, 2, 0xaa]) {
    server.push(Buffer.of(byte));
    expect(await asked.state()).toBe('waiting');
  }
  server.push(Buffer.of(0xbb, 0xcc, 0xdd));
  expect(await asked).toEqual(Buffer.of(0xaa, 0xbb));
});

it('reads the longest answer, and an empty one', async () => {
  const asked = ask();
  server.push(Buffer.from('ffff', 'hex'));
  server.push(Buffer.alloc(65_534));
  expect(await asked.state()).toBe('waiting');
  server.push(Buffer.alloc(1));
  expect(await asked).toHaveLength(65_535);
  server = new Server();
  const empty = ask();
  server.push(Buffer.alloc(2));
  expect(await empty).toHaveLength(0);
});

it.each<[string, (end: Server) => void]>([
  ['ends', (end) => end.push(null)],
  ['is reset', (end) => end.destroy(new Error('reset'))],
  ['is closed', (end) => end.destroy()],
])('fails if the stream %s in the middle of the answer', async (_name, end) => {
  const asked = ask();
  server.push(Buffer.from('0002aa', 'hex'));
  expect(await asked.state()).toBe('waiting');
  end(server);
  expect(await asked).toBeUndefined();
  expectNothingLeft();
});

it('fails if the stream closed before it could be listened to', async () => {
  server.destroy();
  await ticks();
  expect(await ask().state()).toBeUndefined();
  expectNothingLeft();
});

it('fails after 5 s if the answer trickles', async () => {
  const asked = ask();
  server.push(Buffer.from('ffff', 'hex'));
  for (let second = 0; second < 5; second++) {
    expect(await asked.state()).toBe('waiting');
    server.push(Buffer.of(1));
    clock.advance(second === 4 ? 999 : 1_000);
  }
  expect(await asked.state()).toBe('waiting');
  clock.advance(1);
  expect(await asked).toBeUndefined();
  expectNothingLeft();
});

it('fails after 5 s without a connection', async () => {
  const asked = ask(
    (signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      ),
  );
  clock.advance(4_999);
  expect(await asked.state()).toBe('waiting');
  clock.advance(1);
  expect(await asked).toBeUndefined();
});

it('destroys a stream that arrives too late', async () => {
  let open: (stream: Duplex) => void = () => undefined;
  const asked = ask(() => new Promise((resolve) => (open = resolve)));
  clock.advance(5_000);
  open(server);
  expect(await asked).toBeUndefined();
  expect(server.written).toBe('');
  expectNothingLeft();
});

it('reports why there is no connection', async () => {
  const refusal = new DialError('refused', 'no listener');
  await expect(ask(() => Promise.reject(refusal))).rejects.toBe(refusal);
  expect(clock.armed).toBe(0);
});
