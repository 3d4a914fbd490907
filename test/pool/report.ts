/** Which sandbox used which SIM when, as the server saw it, and what happened to the messages. */

/** Seconds from the start within which every sandbox must find its own SIM. */
const SETTLING = 120;

/** Seconds for which a sandbox counts as using a SIM after its last message over it. */
const PRESENT = 10;

/** A message as the emulator reports it. */
export interface ArrivedMessage {
  readonly simId: string;
  readonly body: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}

export class PoolReport {
  readonly #sandboxes: number;
  readonly #seconds: () => number;
  readonly #accepted = new Set<string>();
  #refused = 0;
  /** The number of arrivals of each message. */
  readonly #arrived = new Map<string, number>();
  readonly #seen = new Set<string>();
  /** The latest SIM of each sandbox, and when the sandbox last sent over it. */
  readonly #latest = new Map<string, { readonly simId: string; readonly at: number }>();
  /** SIM changes after SETTLING, and sandboxes that shared a SIM then. */
  readonly #late: string[] = [];
  #moves = 0;

  /** @param seconds since the start */
  constructor(sandboxes: number, seconds: () => number) {
    this.#sandboxes = sandboxes;
    this.#seconds = seconds;
  }

  answered(message: string, status: number): void {
    if (status >= 200 && status < 300) this.#accepted.add(message);
    else this.#refused++;
  }

  /** Adds the newest messages, oldest first; some of them may have been added before. */
  arrived(messages: readonly ArrivedMessage[]): void {
    const now = this.#seconds();
    for (const { simId, body, at } of messages) {
      const key = `${at} ${body}`;
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#arrived.set(body, (this.#arrived.get(body) ?? 0) + 1);
      const [sandbox] = /^sandbox \d+/.exec(body) ?? [];
      if (sandbox !== undefined) this.#sentBy(sandbox, simId, now);
    }
    if (now > SETTLING && this.alone < this.#sandboxes) {
      this.#late.push(`${Math.round(now)} s: ${this.alone} of ${this.#sandboxes} alone`);
    }
  }

  #sentBy(sandbox: string, simId: string, now: number): void {
    const before = this.#latest.get(sandbox)?.simId;
    if (before !== undefined && before !== simId) {
      this.#moves++;
      if (now > SETTLING) this.#late.push(`${Math.round(now)} s: ${sandbox} has moved`);
    }
    this.#latest.set(sandbox, { simId, at: now });
  }

  /** The number of sandboxes that recently sent over a SIM of their own. */
  get alone(): number {
    const now = this.#seconds();
    const present = [...this.#latest.values()].filter(({ at }) => now - at <= PRESENT);
    const users = new Map<string, number>();
    for (const { simId } of present) users.set(simId, (users.get(simId) ?? 0) + 1);
    return present.filter(({ simId }) => users.get(simId) === 1).length;
  }

  line(): string {
    const seconds = Math.round(this.#seconds());
    return `${seconds} s: ${this.alone} of ${this.#sandboxes} alone, ${this.#moves} moves, ${this.#accepted.size} messages accepted, ${this.#refused} refused`;
  }

  /** Violations; empty if all is well. */
  faults(): string[] {
    const lost = [...this.#accepted].filter((message) => !this.#arrived.has(message));
    const twice = [...this.#arrived].filter(([, times]) => times > 1).map(([message]) => message);
    return [
      ...this.#late,
      ...lost.map((message) => `accepted and lost: ${message}`),
      ...twice.map((message) => `has come more than once: ${message}`),
    ];
  }
}
