/** Joins a connection with the standard streams of a command. */
import type { Duplex, Readable, Writable } from 'node:stream';

import { codeOf } from '../../lib/errors/error-message.js';
import { abortable } from '../../lib/waits.js';

const CLOSED = 'the connection was closed';

/** The standard streams of a command; see src/system/process/standard-streams.ts. */
export interface StandardStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Sends the input, and writes what arrives to the output, each until its end. Afterwards, the
 * streams are closed.
 *
 * Resolves when both directions have ended, or when the reader of the output has closed it.
 *
 * @throws the error of the connection or of a stream; the abort reason
 */
export function joinStreams(
  { input, output }: StandardStreams,
  connection: Duplex,
  signal?: AbortSignal,
): Promise<void> {
  return abortable<undefined>(signal, (resolve, reject) => {
    let open = 2;
    const endOne = (): void => {
      open--;
      if (open === 0) resolve(undefined);
    };
    connection.once('finish', endOne).on('error', reject);
    connection.once('close', () => {
      // After both ends, the output may still be writing.
      const isComplete = connection.readableEnded && connection.writableFinished;
      if (!isComplete) reject(new Error(CLOSED));
    });
    input.on('error', reject);
    output.once('finish', endOne).on('error', (error) => {
      // A reader such as head(1) closes the pipe without reading everything.
      if (codeOf(error) === 'EPIPE') resolve(undefined);
      else reject(error);
    });
    input.pipe(connection);
    connection.pipe(output);
    if (connection.destroyed) reject(connection.errored ?? new Error(CLOSED));
    return () => {
      input.unpipe(connection);
      input.destroy();
      connection.destroy();
    };
  }).then(() => undefined);
}
