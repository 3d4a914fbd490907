/**
 * A request on a kept connection that the server ends at any moment, over a network that loses,
 * delays and reorders: TcpConnection.provesUnread is never true if the server's program has read the
 * request, and always if the client got every proof. docs/decisions/0003-keep-upstream-connections.md
 */
import { Random } from '../../sim/random.js';
import { atLength } from '../../support/runner/tier.js';
import { ACK, Harness, PSH, type Seg, type Sent } from '../tcp-harness.js';
import { LinuxSocket } from './linux-socket.js';

const TRIALS = atLength({ short: 800, long: 100_000 });

/** What the server's program does, before or after it reads a request. */
const ENDS = ['closes', 'shutsDown', 'aborts', 'vanishes', 'nothing'] as const;

/** Less than the minimum RTO, the reordering that the evidence allows for. */
const LARGEST_JITTER = 150;

interface Outcome {
  /** Whether the request was sent at all: not if the connection had ended before. */
  readonly isSent: boolean;
  readonly isRead: boolean;
  readonly isAnswered: boolean;
  readonly isProven: boolean;
  /** Whether the client got all that proves the request unread. */
  readonly isProvable: boolean;
}

class Trial {
  readonly #random: Random;
  readonly #client = new Harness();
  readonly #server: LinuxSocket;
  readonly #events: { at: number; run: () => void }[] = [];
  readonly #delay: number;
  readonly #jitter: number;
  readonly #loss: number;
  #copies = 0;
  #bareAckAt = -Infinity;
  #requestAt = Infinity;
  #isRead = false;
  /** Whether the request, sent once, reached a socket that no program reads from. */
  #isRefused = false;
  #isProvable = false;

  constructor(random: Random) {
    this.#random = random;
    this.#delay = random.between(2, 120);
    this.#jitter = random.chance(0.5) ? 0 : random.between(1, LARGEST_JITTER);
    this.#loss = [0, 0, 0.05, 0.3][random.below(4)]!;
    this.#client.establish({ rtt: 2 * this.#delay });
    this.#client.connection.send(new Uint8Array(100));
    this.#client.sends();
    this.#client.after(2 * this.#delay);
    this.#client.receives({ flags: PSH | ACK, seq: 1, ack: 101, data: 50 });
    this.#client.connection.receive(1_000, this.#client.now);
    this.#server = new LinuxSocket(51, 101, (segment) => this.#toClient(segment));
  }

  run(): Outcome {
    const random = this.#random;
    const client = this.#client;
    const start = client.now;
    const pause = random.chance(0.5) ? 0 : random.below(2_000);
    // The end and the request cross each other often.
    const end = Math.max(0, pause + random.between(-2 * this.#delay, 3 * this.#delay));
    if (random.chance(0.7)) this.#later(end, () => this.#end());
    this.#later(pause, () => this.#request());
    while (client.now < start + 60_000) {
      this.#drain();
      const next = Math.min(this.#events[0]?.at ?? Infinity, client.stack.nextTimeout());
      if (next === Infinity) break;
      client.after(Math.max(0, next - client.now));
      while ((this.#events[0]?.at ?? Infinity) <= client.now) this.#events.shift()!.run();
    }
    const isAnswered = client.connection.readableBytes > 0;
    return {
      isSent: this.#requestAt < Infinity,
      isRead: this.#isRead,
      isAnswered,
      isProven: client.connection.provesUnread && !isAnswered,
      isProvable: this.#isProvable,
    };
  }

  #later(ms: number, run: () => void): void {
    const at = this.#client.now + ms;
    const index = this.#events.findIndex((event) => event.at > at);
    this.#events.splice(index < 0 ? this.#events.length : index, 0, { at, run });
  }

  #cross(run: () => void): void {
    if (this.#random.chance(this.#loss)) return;
    this.#later(this.#delay + this.#random.below(this.#jitter + 1), run);
  }

  /** Writes the request, if the connection looks as KeptConnections demands. */
  #request(): void {
    const { connection, now } = this.#client;
    const isQuiet = connection.state === 'ESTABLISHED' && connection.unacknowledgedBytes === 0;
    if (!isQuiet) return;
    this.#requestAt = now;
    connection.send(new Uint8Array(this.#random.between(1, 900)));
  }

  #drain(): void {
    for (const segment of this.#client.sends()) {
      if (segment.len > 0) this.#copies++;
      else if (segment.ack === 51 && this.#requestAt === Infinity)
        this.#bareAckAt = this.#client.now;
      this.#cross(() => this.#arrives(segment));
    }
  }

  #arrives(segment: Sent): void {
    const server = this.#server;
    const isRequest = segment.len > 0;
    const hadReader = server.state === 'open';
    if (isRequest && !hadReader && this.#copies === 1) this.#isRefused = true;
    if (!server.receives(segment)) return;
    if (this.#random.chance(0.5)) server.sendsAck();
    else this.#later(40, () => server.sendsAck());
    this.#later(this.#random.below(100), () => this.#read());
  }

  #read(): void {
    const server = this.#server;
    if (server.state !== 'open' || server.unread === 0) return;
    server.unread = 0;
    this.#isRead = true;
    const rest = this.#random.below(3);
    if (rest === 0) server.responds(50);
    else if (rest === 1) this.#end();
    else this.#later(this.#random.below(200), () => this.#end());
  }

  #end(): void {
    const end = ENDS[this.#random.below(ENDS.length)]!;
    if (end === 'nothing') return;
    this.#server[end]();
    for (const ms of [200, 600, 1_400]) this.#later(ms, () => this.#server.sendsFinAgain());
  }

  #toClient(segment: Seg): void {
    const answersRequest = this.#isRefused && segment.seq === 51 && segment.ack === undefined;
    this.#cross(() => {
      const { connection } = this.#client;
      // The client knows that only the request can have caused it.
      const isClear = this.#requestAt - this.#bareAckAt >= connection.info().rto;
      if (answersRequest && this.#copies === 1 && isClear && connection.state !== 'CLOSED') {
        this.#isProvable = true;
      }
      this.#client.receives(segment);
    });
  }
}

it(`never repeats a request that was read, in ${TRIALS} connections cut at any moment`, () => {
  const counts = { sent: 0, read: 0, proven: 0, provable: 0 };
  for (let seed = 0; seed < TRIALS; seed++) {
    const outcome = new Trial(new Random(seed)).run();
    if (!outcome.isSent) continue;
    counts.sent++;
    if (outcome.isRead) counts.read++;
    if (outcome.isProven) counts.proven++;
    if (outcome.isProvable) counts.provable++;
    const isDoubled = outcome.isProven && outcome.isRead;
    const isLostInVain = outcome.isProvable && !outcome.isProven;
    expect({ seed, isDoubled, isLostInVain }).toEqual({
      seed,
      isDoubled: false,
      isLostInVain: false,
    });
  }
  // Each kind occurs often enough to mean something.
  expect(counts.sent).toBeGreaterThan(TRIALS / 2);
  expect(counts.read).toBeGreaterThan(TRIALS / 5);
  expect(counts.proven).toBeGreaterThan(TRIALS / 50);
  expect(counts.provable).toBeGreaterThan(TRIALS / 50);
});
