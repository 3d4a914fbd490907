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

/** How much memory of each size is kept for later use. */
const SPARES = 16;

const spares = SIZES.map((size) => ({ size, blocks: [] as ArrayBufferLike[] }));
/** The memory that allocate() has created. A stream may also contain other chunks. */
const ours = new WeakSet<ArrayBufferLike>();

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
    const mayContinue = socket.write(chunk, () => release(chunk));
    if (!mayContinue) source.pause();
  });
  socket.on('drain', () => source.resume());
  if (socket.writableNeedDrain) source.pause();
  else source.resume();
}

function allocate(count: number): Buffer {
  const kept = spares.find(({ size }) => count <= size);
  if (kept === undefined || count < SHORTEST) return Buffer.allocUnsafeSlow(count);
  return Buffer.from(kept.blocks.pop() ?? create(kept.size), 0, count);
}

function create(size: number): ArrayBufferLike {
  const { buffer } = Buffer.allocUnsafeSlow(size);
  ours.add(buffer);
  return buffer;
}

/** Keeps the memory of a chunk that the system has taken, or never will. */
function release({ buffer }: Buffer): void {
  if (!ours.has(buffer)) return;
  const kept = spares.find(({ size }) => size === buffer.byteLength);
  if (kept !== undefined && kept.blocks.length < SPARES) kept.blocks.push(buffer);
}
