/**
 * Reads what comes in chunks, and no more of it than a limit. The stream is closed where it is too long.
 *
 * @param tooLong makes the error for more than `limit` bytes
 */
export async function readLimited<Chunk extends Uint8Array>(
  stream: AsyncIterable<Chunk>,
  limit: number,
  tooLong: () => Error,
): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) throw tooLong();
    chunks.push(chunk);
  }
  return chunks;
}
