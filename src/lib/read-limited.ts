/**
 * Reads a stream of chunks up to a size limit. Closes a stream that exceeds the limit.
 *
 * @param tooLong creates the error to throw if there are more than `limit` bytes
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
