/** One direction of a TCP connection, for a time: what a benchmark's client and server both do. */
import { clearInterval, setInterval, setTimeout } from 'node:timers';

const CHUNK = Buffer.alloc(256 * 1024, 'arctun');

/** Ports of the server inside the tunnel. */
export const PORTS = { up: 5001, down: 5002, http: 80 };

/** What the client says first: which run it is and how long, so that the server can tell and end it. */
export const HEADER = 8;

export function header(run, milliseconds) {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt32BE(run, 0);
  bytes.writeUInt32BE(milliseconds, 4);
  return bytes;
}

/** Writes as fast as the stream takes it, until that is destroyed. */
export function fill(stream) {
  const write = () => {
    while (!stream.destroyed && stream.write(CHUNK));
  };
  stream.on('drain', write);
  write();
}

/**
 * Counts what comes for so many ms.
 *
 * @returns bytes, and bytes of each whole second
 */
export function count(stream, milliseconds) {
  return new Promise((resolve) => {
    const seconds = [];
    let bytes = 0;
    let before = 0;
    stream.on('data', (chunk) => (bytes += chunk.length)).resume();
    const interval = setInterval(() => {
      seconds.push(bytes - before);
      before = bytes;
    }, 1000);
    setTimeout(() => {
      clearInterval(interval);
      resolve({ bytes, seconds, milliseconds });
    }, milliseconds);
  });
}

/** Ends a connection with all that waits in it: nothing of it goes on into the next run. */
export function reset(stream) {
  if (typeof stream.resetAndDestroy === 'function') stream.resetAndDestroy();
  else stream.destroy();
}
