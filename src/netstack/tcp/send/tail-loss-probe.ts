/** Tail loss probes: a segment that makes the peer tell what it lacks. RFC 8985 7. */
import { sequenceBefore } from '../../../lib/sequence-number.js';

/** TLP.max_ack_delay: how long a peer may wait with the ACK of a single segment. */
const MAXIMUM_ACK_DELAY = 200;

/** RFC 8985 7.2: where no round trip is known yet. */
const TIMEOUT_WITHOUT_RTT = 1000;

export class TailLossProbe {
  /** TLP.end_seq: behind the probe; undefined while none is out. */
  #end: number | undefined = undefined;
  /** TLP.is_retrans. */
  #isRetransmission = false;
  #isUnmeasured = false;

  /** No round trip was measured since the last probe: RFC 8985 7.3 lets no other follow on it. */
  get isUnmeasured(): boolean {
    return this.#isUnmeasured;
  }

  /** A round trip was measured that is not ambiguous. */
  measured(): void {
    this.#isUnmeasured = false;
  }

  get isOut(): boolean {
    return this.#end !== undefined;
  }

  /** PTO, from the last transmission or ACK on: 7.2. */
  timeout(srtt: number, rto: number, segmentsInFlight: number): number {
    if (srtt === 0) return Math.min(TIMEOUT_WITHOUT_RTT, rto);
    const delay = segmentsInFlight === 1 ? MAXIMUM_ACK_DELAY : 0;
    return Math.min(2 * srtt + delay, rto);
  }

  sent(end: number, isRetransmission: boolean): void {
    this.#end = end;
    this.#isRetransmission = isRetransmission;
    this.#isUnmeasured = true;
  }

  end(): void {
    this.#end = undefined;
  }

  /**
   * An ACK came while a probe is out: 7.4.2, TLP_process_ack().
   *
   * @param dsackEnd where the ACK's DSACK ends; undefined without one. One that ends elsewhere tells
   *   of another segment that came twice, and nothing of the probe
   * @param isPureDuplicate a duplicate ACK without any block
   * @returns whether the probe has repaired a loss that nothing else has shown
   */
  acknowledged(segAck: number, dsackEnd: number | undefined, isPureDuplicate: boolean): boolean {
    const end = this.#end;
    if (end === undefined || sequenceBefore(segAck, end)) return false;
    if (!this.#isRetransmission || dsackEnd === end) {
      this.#end = undefined;
    } else if (sequenceBefore(end, segAck)) {
      this.#end = undefined;
      return true;
    } else if (isPureDuplicate) {
      // Two ACKs for two arrivals of the same segment, from a peer without DSACK.
      this.#end = undefined;
    }
    return false;
  }
}
