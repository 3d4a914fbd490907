/**
 * Pipes a local connection into a stream through memory that all connections share
 * (docs/decisions/0018-shared-read-memory.md).
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A stream that can copy bytes immediately. */
export interface ImmediateSink extends Duplex {
  /**
   * Copies as many of the bytes as it accepts now, and returns their number; 0 while bytes of
   * write() are waiting.
   */
  writeNow(bytes: Uint8Array): number;
}

/** The most that one read takes, in bytes, as in Node.js. */
const READ_SIZE = 64 * 1024;

/** How many buffers for waiting bytes are kept for later use. */
const SPARE_BUFFERS = 16;

/** The part of a connection's handle that `onread` uses. */
interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

interface Internals {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** Every read is handled before the next one begins, so that one buffer serves all connections. */
let shared: Buffer | undefined;
const spares: Buffer[] = [];
let internals: Internals | null | undefined;

/**
 * Like `socket.pipe(sink, { end: false })`: forwards the bytes, among them those that wait in the
 * socket already. The socket does not emit 'data'.
 *
 * @param onBytes called with the number of bytes of each read
 */
export function pipeSocket(
  socket: Socket,
  sink: ImmediateSink,
  onBytes: (count: number) => void,
): void {
  const handle = (socket as { _handle?: Partial<Handle> | null })._handle;
  internals ??= findInternals();
  if (internals === null || typeof handle?.useUserBuffer !== 'function' || socket.readableEnded) {
    socket.on('data', (bytes: Uint8Array) => onBytes(bytes.length));
    socket.pipe(sink, { end: false });
    return;
  }
  passWaitingBytes(socket, sink, onBytes);
  shared ??= Buffer.allocUnsafeSlow(READ_SIZE);
  Object.assign(socket, {
    [internals.buffer]: shared,
    [internals.callback]: reader(socket, sink, shared, onBytes),
  });
  handle.useUserBuffer(shared);
  socket.resume();
}

function passWaitingBytes(socket: Socket, sink: Duplex, onBytes: (count: number) => void): void {
  for (;;) {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    onBytes(bytes.length);
    sink.write(bytes);
  }
}

/** Returns the callback for each read. It returns false to stop reading. */
function reader(
  socket: Socket,
  sink: ImmediateSink,
  buffer: Buffer,
  onBytes: (count: number) => void,
): (count: number) => boolean {
  return (count) => {
    onBytes(count);
    const taken = sink.writeNow(buffer.subarray(0, count));
    if (taken === count) return true;
    // The other connections read into the shared buffer while the rest waits.
    const spare = spares.pop() ?? Buffer.allocUnsafeSlow(READ_SIZE);
    buffer.copy(spare, 0, taken, count);
    sink.write(spare.subarray(0, count - taken), () => {
      if (spares.length < SPARE_BUFFERS) spares.push(spare);
      socket.resume();
    });
    return false;
  };
}

/** Finds the properties that `onread` sets; null if this version of Node.js has others. */
function findInternals(): Internals | null {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const named = (name: string) => symbols.find(({ description }) => description === name);
  const buffer = named('kBuffer');
  const callback = named('kBufferCb');
  return buffer === undefined || callback === undefined ? null : { buffer, callback };
}
