/**
 * Pipes a tunnel's stream into a local connection through memory that is used again. New memory for
 * each chunk would be outside V8's heap, and V8 would collect its whole heap several times a second
 * to free it.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A stream whose chunks may be in the reader's memory. */
export interface LendingSource extends Duplex {
  /** Sets the function that returns memory for each later chunk; `count` is the chunk's length. */
  lend(allocate: (count: number) => Buffer): void;
}

/** The sizes of memory, in bytes. A chunk is at least half as long, so that little is wasted. */
const SIZES = [16 * 1024, 32 * 1024, 64 * 1024];
const SHORTEST = 8 * 1024;

/** How many blocks of each size are kept for later use. */
const SPARES = 16;

/** Memory for one chunk. */
class Block {
  readonly memory: ArrayBufferLike;
  readonly #spares: Block[];

  constructor(size: number, spares: Block[]) {
    this.memory = Buffer.allocUnsafeSlow(size).buffer;
    this.#spares = spares;
  }

  /** Keeps the block. Called when the system has taken the chunk's bytes, or never will. */
  readonly release = (): void => {
    if (this.#spares.length < SPARES) this.#spares.push(this);
  };
}

const kinds = SIZES.map((size) => ({ size, spares: [] as Block[] }));
/** The blocks by their memory. A stream may also contain other chunks. */
const blocks = new WeakMap<ArrayBufferLike, Block>();

export function isLending(stream: Duplex): stream is LendingSource {
  return 'lend' in stream;
}

/**
 * Like `source.pipe(socket, { end: false })`, but does not stop when the socket closes: the relay
 * then resets the source.
 *
 * @param onBytes called with the number of bytes of each chunk
 */
export function pipeLent(
  source: LendingSource,
  socket: Socket,
  onBytes: (count: number) => void,
): void {
  source.lend(allocate);
  source.on('data', (chunk: Buffer) => {
    onBytes(chunk.length);
    const mayContinue = socket.write(chunk, blocks.get(chunk.buffer)?.release);
    if (!mayContinue) source.pause();
  });
  socket.on('drain', () => source.resume());
  if (socket.writableNeedDrain) source.pause();
  else source.resume();
}

function allocate(count: number): Buffer {
  const kind = kinds.find(({ size }) => count <= size);
  if (kind === undefined || count < SHORTEST) return Buffer.allocUnsafeSlow(count);
  const block = kind.spares.pop() ?? create(kind.size, kind.spares);
  return Buffer.from(block.memory, 0, count);
}

function create(size: number, spares: Block[]): Block {
  const block = new Block(size, spares);
  blocks.set(block.memory, block);
  return block;
}
