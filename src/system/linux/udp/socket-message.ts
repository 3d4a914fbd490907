/**
 * struct msghdr in preallocated memory with everything it points to, for recvmsg(2) and sendmsg(2):
 * a socket address, buffers and control messages (cmsg(3)).
 */
import { PacketBytes } from '../../../lib/packets/packet-bytes.js';
import { BufferList } from './buffer-list.js';
import type { Libc } from '../libc.js';
import { LITTLE_ENDIAN, readWord, WORD_SIZE, writeWord } from '../machine-word.js';
import { SOCKET_ADDRESS_LENGTH } from './socket-address.js';

/** Space for all control messages of a datagram, with their headers. */
const CONTROL_LENGTH = 128;

/** The offsets of struct msghdr's fields, each aligned to a machine word. */
const NAME = 0;
const NAME_LENGTH = WORD_SIZE;
const BUFFERS = WORD_SIZE * 2;
const BUFFER_COUNT = WORD_SIZE * 3;
const CONTROL = WORD_SIZE * 4;
const CONTROL_SIZE = WORD_SIZE * 5;
const FLAGS = WORD_SIZE * 6;
const HEADER_LENGTH = WORD_SIZE * 7;

const NAME_AT = HEADER_LENGTH;
const CONTROL_AT = NAME_AT + 32;
const LENGTH = CONTROL_AT + CONTROL_LENGTH;

/** The length of struct cmsghdr: a size that includes the data, then level and type. */
const CONTROL_HEADER = WORD_SIZE + 8;

/** Set if the datagram was longer than the buffer (MSG_TRUNC). */
const TRUNCATED = 0x20;

export class SocketMessage {
  /** The address to pass to recvmsg and sendmsg. */
  readonly address: number;
  readonly buffers: BufferList;
  /** The memory, for reading and writing the data of control messages. */
  readonly view: DataView;
  readonly #bytes: PacketBytes;
  #controlLength = 0;

  /** @param buffers the maximum number of buffers in a message */
  constructor(libc: Libc, buffers: number) {
    this.#bytes = new PacketBytes(new ArrayBuffer(LENGTH), 0, LENGTH);
    this.view = new DataView(this.#bytes.memory);
    this.address = Number(libc.address(this.#bytes));
    this.buffers = new BufferList(libc, buffers);
    writeWord(this.view, NAME, this.address + NAME_AT);
    writeWord(this.view, BUFFERS, this.buffers.address);
    writeWord(this.view, BUFFER_COUNT, 1);
    writeWord(this.view, CONTROL, this.address + CONTROL_AT);
  }

  setBufferCount(count: number): void {
    writeWord(this.view, BUFFER_COUNT, count);
  }

  setName(socketAddress: Uint8Array): void {
    this.#bytes.set(socketAddress, NAME_AT);
    this.view.setUint32(NAME_LENGTH, socketAddress.length, LITTLE_ENDIAN);
  }

  /** Returns `length` bytes of `view` at `offset`. */
  part(offset: number, length: number): Uint8Array {
    return this.#bytes.part(offset, offset + length);
  }

  /** Returns the sender's socket address, which is valid until the next message. */
  name(): Uint8Array {
    const length = this.view.getUint32(NAME_LENGTH, LITTLE_ENDIAN);
    return this.part(NAME_AT, length);
  }

  isTruncated(): boolean {
    return (this.view.getUint32(FLAGS, LITTLE_ENDIAN) & TRUNCATED) !== 0;
  }

  /**
   * Resets the space for the name and control messages before a receive. Do not call this after
   * clearControl(), which removes the address of the space.
   */
  prepareToReceive(): void {
    this.view.setUint32(NAME_LENGTH, SOCKET_ADDRESS_LENGTH, LITTLE_ENDIAN);
    writeWord(this.view, CONTROL_SIZE, CONTROL_LENGTH);
  }

  clearControl(): void {
    this.#controlLength = 0;
    writeWord(this.view, CONTROL, 0);
    writeWord(this.view, CONTROL_SIZE, 0);
  }

  /**
   * Adds a control message.
   *
   * @returns the offset in `view` for its data
   */
  addControl(level: number, type: number, length: number): number {
    const offset = CONTROL_AT + this.#controlLength;
    writeWord(this.view, offset, CONTROL_HEADER + length);
    this.view.setInt32(offset + WORD_SIZE, level, LITTLE_ENDIAN);
    this.view.setInt32(offset + WORD_SIZE + 4, type, LITTLE_ENDIAN);
    this.#controlLength += aligned(CONTROL_HEADER + length);
    writeWord(this.view, CONTROL, this.address + CONTROL_AT);
    writeWord(this.view, CONTROL_SIZE, this.#controlLength);
    return offset + CONTROL_HEADER;
  }

  /**
   * Finds the control message after `previous`, or the first one.
   *
   * @returns the offset of its data in `view`; -1 after the last control message
   */
  nextControl(previous = -1): number {
    const end = CONTROL_AT + readWord(this.view, CONTROL_SIZE);
    let offset = CONTROL_AT;
    if (previous !== -1) {
      offset = previous - CONTROL_HEADER;
      offset += aligned(readWord(this.view, offset));
    }
    if (offset + CONTROL_HEADER > end) return -1;
    const length = readWord(this.view, offset);
    return length < CONTROL_HEADER || offset + length > end ? -1 : offset + CONTROL_HEADER;
  }

  isControl(data: number, level: number, type: number): boolean {
    return (
      this.view.getInt32(data - 8, LITTLE_ENDIAN) === level &&
      this.view.getInt32(data - 4, LITTLE_ENDIAN) === type
    );
  }
}

/** Aligns a length to a machine word, like CMSG_ALIGN. */
function aligned(length: number): number {
  return Math.ceil(length / WORD_SIZE) * WORD_SIZE;
}
