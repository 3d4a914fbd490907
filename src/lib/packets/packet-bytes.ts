/**
 * Bytes in memory that is used again and again, and parts of them, without new objects for each packet.
 * The functions also accept an ordinary `Uint8Array`.
 */

/**
 * A view that knows its place, because V8 reads these fields several times faster than `buffer` and
 * `byteOffset`.
 */
export class PacketBytes extends Uint8Array<ArrayBuffer> {
  /** The class of copies and subarrays, which V8 creates with other parameters. */
  static readonly [Symbol.species] = Uint8Array;

  readonly memory: ArrayBuffer;
  /** The offset in `memory`. */
  readonly place: number;
  /**
   * The latest part. Most packets at a place have parts at the same places as their predecessors. Not
   * `#latest`, which takes V8 10 ns to read.
   */
  private latest: PacketBytes | undefined;
  /**
   * The address of the byte at `addressOffset`, for native code; undefined at first. V8 therefore keeps
   * the number as an object here. If the field had always held a number, each read would create one.
   */
  address: number | undefined;
  addressOffset = 0;

  constructor(memory: ArrayBuffer, place: number, length: number) {
    super(memory, place, length);
    this.memory = memory;
    this.place = place;
  }

  /**
   * Like subarray(), but returns the earlier object if the latest part was the same.
   *
   * @throws RangeError if the part is not inside these bytes
   */
  part(start: number, end: number): PacketBytes {
    const place = this.place + start;
    const length = end - start;
    const { latest } = this;
    // The latest part may begin before these bytes (withBytesBefore()).
    if (latest?.place === place && latest.length === length && start >= 0) return latest;
    // Negated, so that NaN is refused as well.
    if (!(start >= 0 && end >= start && end <= this.length)) throw new RangeError('no such part');
    return (this.latest = new PacketBytes(this.memory, place, length));
  }

  /**
   * Returns these bytes and the `count` bytes before them, also as the latest part.
   *
   * @throws RangeError if the memory begins later
   */
  withBytesBefore(count: number): PacketBytes {
    const place = this.place - count;
    const length = this.length + count;
    const { latest } = this;
    if (latest?.place === place && latest.length === length && count >= 0) return latest;
    // Negated, so that NaN is refused as well.
    if (!(count >= 0 && place >= 0)) throw new RangeError('no such bytes');
    return (this.latest = new PacketBytes(this.memory, place, length));
  }
}

/** Returns the buffer that contains `bytes`. */
export function memoryOf(bytes: Uint8Array): ArrayBufferLike {
  return bytes instanceof PacketBytes ? bytes.memory : bytes.buffer;
}

/** Returns the offset of `bytes` in memoryOf(). */
export function placeOf(bytes: Uint8Array): number {
  return bytes instanceof PacketBytes ? bytes.place : bytes.byteOffset;
}

/**
 * Returns the bytes from `start` to `end`. Do not change properties of the returned object: it may be
 * returned again.
 *
 * @throws RangeError if `bytes` are PacketBytes, and the part is not inside them
 */
export function partOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes instanceof PacketBytes ? bytes.part(start, end) : bytes.subarray(start, end);
}

/**
 * Returns `bytes` and the `count` bytes before them in their memory, like partOf().
 *
 * @throws RangeError if the memory begins later
 */
export function withBytesBefore(bytes: Uint8Array, count: number): Uint8Array {
  if (bytes instanceof PacketBytes) return bytes.withBytesBefore(count);
  if (!(count >= 0 && count <= bytes.byteOffset)) throw new RangeError('no such bytes');
  return new Uint8Array(bytes.buffer, bytes.byteOffset - count, count + bytes.length);
}
