/**
 * The frames on a local socket that carries one connection or channel of a shared tunnel: a type of
 * one byte, a length of three bytes, and the payload.
 *
 * A Unix socket cannot be reset, so a killed process looks like a clean end. A connection is
 * complete only after an `end` frame.
 */
export const FRAME = {
  /** The next bytes of a connection, or one datagram. */
  data: 1,
  /** The sender has no more data. */
  end: 2,
  /** The connection failed; the payload is the reason as JSON. */
  abort: 3,
  /** The total number of bytes that the target has acknowledged, in 8 bytes. */
  acknowledged: 4,
  /** A datagram failed, but the channel remains open; the payload is the reason as JSON. */
  failure: 5,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** The maximum payload of a frame in bytes. */
export const MAX_FRAME = 65_535;

const HEADER_LENGTH = 4;

export function frameHeader(type: FrameType, length: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_LENGTH);
  header[0] = type;
  header.writeUIntBE(length, 1, 3);
  return header;
}

export function frame(type: FrameType, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(type, payload.length), payload]);
}

export type FrameHandler = (type: FrameType, payload: Buffer) => void;

const TYPES = new Set<number>(Object.values(FRAME));

/** Splits the bytes of a socket into frames. Stores at most one frame. */
export class FrameReader {
  readonly #onFrame: FrameHandler;
  readonly #splitsData: boolean;
  readonly #header = Buffer.alloc(HEADER_LENGTH);
  #headerLength = 0;
  #left = 0;
  #parts: Buffer[] = [];

  /** @param splitsData whether to report the bytes of a data frame as they arrive */
  constructor(onFrame: FrameHandler, { splitsData }: { readonly splitsData: boolean }) {
    this.#onFrame = onFrame;
    this.#splitsData = splitsData;
  }

  /** @returns false if the bytes are not frames; further calls then have no meaning */
  read(chunk: Buffer): boolean {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#headerLength < HEADER_LENGTH) {
        rest = rest.subarray(this.#readHeader(rest));
        if (this.#headerLength < HEADER_LENGTH) return true;
        if (!TYPES.has(this.#header[0] ?? 0) || this.#left > MAX_FRAME) return false;
        if (this.#left > 0) continue;
      }
      const piece = rest.subarray(0, this.#left);
      rest = rest.subarray(piece.length);
      this.#left -= piece.length;
      this.#take(piece);
    }
    return true;
  }

  /** @returns the number of bytes read */
  #readHeader(bytes: Buffer): number {
    const read = bytes.copy(this.#header, this.#headerLength, 0);
    this.#headerLength += read;
    if (this.#headerLength === HEADER_LENGTH) this.#left = this.#header.readUIntBE(1, 3);
    return read;
  }

  #take(piece: Buffer): void {
    const type = this.#header[0] as FrameType;
    const isWhole = this.#left === 0;
    if (isWhole) this.#headerLength = 0;
    if (type === FRAME.data && this.#splitsData) {
      this.#onFrame(type, piece);
      return;
    }
    this.#parts.push(piece);
    if (!isWhole) return;
    const payload = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#onFrame(type, payload);
  }
}
