/**
 * Round trips that are counted by what is delivered, not by a clock: one ends when something
 * arrives that left after its start (draft-ietf-ccwg-bbr 5.5.1, RFC 9406 4.2).
 */
export class PacketTimedRounds {
  /** Rounds that began so far. */
  count = 0;
  /** The last ACK began a round. */
  isStart = false;
  #nextDelivered = 0;

  /**
   * @param priorDelivered what was delivered when the newest segment of this ACK left; -1 for none
   * @param delivered what is delivered now
   */
  update(priorDelivered: number, delivered: number): void {
    this.isStart = priorDelivered >= this.#nextDelivered;
    if (!this.isStart) return;
    this.count++;
    this.#nextDelivered = delivered;
  }

  /** Makes the present round begin now. */
  begin(delivered: number): void {
    this.#nextDelivered = delivered;
  }
}
