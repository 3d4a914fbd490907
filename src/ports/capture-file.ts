/** A file for the blocks of a packet capture. Blocks are dropped if the disk is too slow. */
export interface CaptureFile {
  /**
   * Queues a block and becomes its owner.
   *
   * @param onLost called if a queued block is lost, because the disk failed or close() timed out.
   * Not called after close() has resolved.
   * @returns false if the block was dropped, because the disk is too slow or has failed
   */
  write(block: Uint8Array, onLost?: () => void): boolean;
  /**
   * Writes all queued blocks and `trailer`, then closes the file. Never rejects.
   *
   * @returns false if the disk failed or took too long, so the file is incomplete
   */
  close(trailer: readonly Uint8Array[]): Promise<boolean>;
}
