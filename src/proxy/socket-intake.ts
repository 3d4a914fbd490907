/**
 * Reads a local connection into memory that all connections share.
 *
 * Node.js otherwise allocates 64 KiB for each read, which makes V8 collect garbage during a tenth or
 * more of an upload.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A stream that can copy bytes at once. */
export interface DirectSink extends Duplex {
  writeNow(bytes: Uint8Array): number;
}

const SIZE = 64 * 1024;
const shared = Buffer.allocUnsafeSlow(SIZE);
const pool: Buffer[] = [];
const probe = new Socket({ onread: { buffer: Buffer.alloc(1), callback: () => true } } as object);
const symbols = Object.getOwnPropertySymbols(probe);
const find = (name: string): symbol | undefined => symbols.find((s) => s.description === name);
const K_BUFFER = find('kBuffer');
const K_CALLBACK = find('kBufferCb');

export function intake(socket: Socket, sink: Duplex, onBytes: (count: number) => void): boolean {
  const handle = (socket as unknown as { _handle?: { useUserBuffer?: (b: Buffer) => void } })
    ._handle;
  if (K_BUFFER === undefined || K_CALLBACK === undefined || handle?.useUserBuffer === undefined)
    return false;
  const direct = sink as DirectSink;
  for (;;) {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) break;
    onBytes(bytes.length);
    sink.write(bytes);
  }
  const onRead = (count: number): boolean => {
    onBytes(count);
    const bytes = shared.subarray(0, count);
    const taken = typeof direct.writeNow === 'function' ? direct.writeNow(bytes) : 0;
    if (taken === count) return true;
    const buffer = pool.pop() ?? Buffer.allocUnsafeSlow(SIZE);
    shared.copy(buffer, 0, taken, count);
    sink.write(buffer.subarray(0, count - taken), () => {
      if (pool.length < 16) pool.push(buffer);
      socket.resume();
    });
    return false;
  };
  const internals = socket as unknown as Record<symbol, unknown>;
  internals[K_BUFFER] = shared;
  internals[K_CALLBACK] = onRead;
  handle.useUserBuffer(shared);
  socket.once('end', () => sink.end());
  socket.resume();
  return true;
}
