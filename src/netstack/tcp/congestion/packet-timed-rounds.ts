/**
 * Counts round trips by delivery instead of time: a round ends when a segment arrives that was sent
 * after the round began (draft-ietf-ccwg-bbr 5.5.1, RFC 9406 4.2).
 */
export class PacketTimedRounds {
  /** The number of rounds started so far. */
  count = 0;
  /** Whether the last ACK started a round. */
  isStart = false;
  #nextDelivered = 0;

  /**
   * @param priorDelivered octets delivered when this ACK's newest segment was sent; -1 if it
   * delivered none
   * @param delivered octets delivered now
   */
  update(priorDelivered: number, delivered: number): void {
    this.isStart = priorDelivered >= this.#nextDelivered;
    if (!this.isStart) return;
    this.count++;
    this.#nextDelivered = delivered;
  }

  /** Restarts the current round now. */
  begin(delivered: number): void {
    this.#nextDelivered = delivered;
  }
}
