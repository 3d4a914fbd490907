/** One timed direction of a TCP connection, used by both client and server of a benchmark. */
import { setTimeout } from 'node:timers';

const CHUNK = Buffer.alloc(256 * 1024, 'arctun');

/** The server's ports inside the tunnel. */
export const PORTS = { up: 5001, down: 5002, http: 80 };

/** The length of the client's first bytes, which tell the server the run's number and duration. */
export const HEADER = 8;

export function header(run, milliseconds) {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt32BE(run, 0);
  bytes.writeUInt32BE(milliseconds, 4);
  return bytes;
}

/** Writes as fast as the stream accepts data, until the stream is destroyed. */
export function fill(stream) {
  const write = () => {
    while (!stream.destroyed && stream.write(CHUNK));
  };
  stream.on('drain', write);
  write();
}

/** Counts received bytes for `milliseconds`. */
export function count(stream, milliseconds) {
  return new Promise((resolve) => {
    let bytes = 0;
    stream.on('data', (chunk) => (bytes += chunk.length)).resume();
    setTimeout(() => resolve({ bytes }), milliseconds);
  });
}

/**
 * Ends a connection and discards its buffered data, so that none of it arrives during the next run.
 */
export function reset(stream) {
  if (typeof stream.resetAndDestroy === 'function') stream.resetAndDestroy();
  else stream.destroy();
}
