/** A file that takes the blocks of a capture as fast as the disk does, and no faster. */
export interface CaptureFile {
  /**
   * Takes a block over.
   *
   * @param onLost called, until close() has resolved, where the block was taken and the file does not
   *   have it after all: the disk has failed, or closing took too long to know
   * @returns false where it is left out, because the disk is behind or has failed
   */
  write(block: Uint8Array, onLost?: () => void): boolean;
  /**
   * Resolves when all that was taken is written, then `trailer`, and the file closed; never rejects.
   *
   * @returns false where the disk has failed or took too long, so that the file ends before that
   */
  close(trailer: readonly Uint8Array[]): Promise<boolean>;
}
