/** An array of struct iovec (readv(2)): the buffers that one system call reads or writes. */
import { memoryOf, placeOf } from '../../../lib/packets/packet-bytes.js';
import type { Libc } from '../libc.js';
import { WORD_SIZE, writeWord } from '../machine-word.js';

/** The size of struct iovec: an address, then a length. */
const ENTRY_LENGTH = WORD_SIZE * 2;

export class BufferList {
  /** The address to pass to the system. */
  readonly address: number;
  readonly #libc: Libc;
  readonly #view: DataView;
  /** The latest slab and its address, because consecutive packets are mostly in one slab. */
  #memory: ArrayBufferLike | undefined;
  #memoryAddress = 0;

  /** @param size the maximum number of buffers in a call */
  constructor(libc: Libc, size: number) {
    this.#libc = libc;
    const entries = new Uint8Array(size * ENTRY_LENGTH);
    this.#view = new DataView(entries.buffer);
    this.address = Number(libc.address(entries));
  }

  set(index: number, address: number, length: number): void {
    writeWord(this.#view, index * ENTRY_LENGTH, address);
    writeWord(this.#view, index * ENTRY_LENGTH + WORD_SIZE, length);
  }

  /** @param bytes must stay referenced until the call returns */
  setBytes(index: number, bytes: Uint8Array): void {
    const memory = memoryOf(bytes);
    if (memory !== this.#memory) {
      this.#memory = memory;
      this.#memoryAddress = Number(this.#libc.address(new Uint8Array(memory)));
    }
    this.set(index, this.#memoryAddress + placeOf(bytes), bytes.length);
  }
}
