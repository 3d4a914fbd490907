/** The C library with counted calls, and with errors that a test can inject. */
import type { Libc, LibcFunction, Poll } from '../../src/system/linux/libc.js';
import { readWord, WORD_SIZE } from '../../src/system/linux/machine-word.js';

type Parameter = number | bigint | string | Uint8Array | null;

/** Returns the errno to inject into a call; 0 lets the call through. */
type Refusal = (call: string, parameters: readonly unknown[]) => number;

/** The arguments of a sendmsg call. */
export interface SentMessage {
  readonly buffers: number;
  /** The level and type of each control message. */
  readonly controls: readonly string[];
}

export class WatchedLibc implements Libc {
  readonly #libc: Libc;
  readonly #counts = new Map<string, number>();
  readonly #memory = new Map<number, Uint8Array>();
  /** The errno of the last injected error; 0 after a call that went through. */
  #refused = 0;
  refuse: Refusal = () => 0;
  readonly wordSize = WORD_SIZE;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** The number of calls. */
  count(call: string): number {
    return this.#counts.get(call) ?? 0;
  }

  resetCounts(): void {
    this.#counts.clear();
  }

  bind(declaration: string): LibcFunction {
    const real = this.#libc.bind(declaration);
    const call = /(\w+)\(/.exec(declaration)?.[1] ?? '';
    return (...parameters: readonly Parameter[]) => {
      this.#count(call);
      this.#refused = this.refuse(call, parameters);
      return this.#refused === 0 ? real(...parameters) : -1;
    };
  }

  poll(...parameters: Parameters<Libc['poll']>): Poll {
    return this.#libc.poll(...parameters);
  }

  address(bytes: Uint8Array): bigint {
    const address = this.#libc.address(bytes);
    this.#memory.set(Number(address), bytes);
    return address;
  }

  errno(): number {
    return this.#refused === 0 ? this.#libc.errno() : this.#refused;
  }

  /** Decodes the message of a sendmsg call from its second parameter: structs msghdr and cmsghdr. */
  sentMessage(address: unknown): SentMessage {
    const bytes = this.#memory.get(Number(address));
    if (bytes === undefined) throw new Error('not a message of ours');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const controls: string[] = [];
    const word = (offset: number): number => readWord(view, offset);
    const start = word(WORD_SIZE * 4) - Number(address);
    const end = start + word(WORD_SIZE * 5);
    for (let offset = start; offset < end;) {
      const type = offset + WORD_SIZE;
      controls.push(`${view.getInt32(type, true)} ${view.getInt32(type + 4, true)}`);
      offset += Math.ceil(word(offset) / WORD_SIZE) * WORD_SIZE;
    }
    return { buffers: word(WORD_SIZE * 3), controls };
  }

  #count(call: string): void {
    this.#counts.set(call, this.count(call) + 1);
  }
}
