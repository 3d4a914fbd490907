/** Tail loss probes: segments that elicit an ACK, which reveals losses (RFC 8985 7). */
import { sequenceBefore } from '../../../lib/sequence-number.js';

/** TLP.max_ack_delay: how long a peer may delay the ACK for a single segment, in ms. */
const MAXIMUM_ACK_DELAY = 200;

/** RFC 8985 7.2: the probe timeout before the first RTT sample, in ms. */
const TIMEOUT_WITHOUT_RTT = 1000;

export class TailLossProbe {
  /** TLP.end_seq: the sequence number after the probe; undefined if no probe is outstanding. */
  #end: number | undefined = undefined;
  /** TLP.is_retrans: whether the probe was a retransmission. */
  #isRetransmission = false;
  #isUnmeasured = false;

  /**
   * Whether RFC 8985 7.3 forbids another probe, because no RTT has been measured since the last
   * probe.
   */
  get isUnmeasured(): boolean {
    return this.#isUnmeasured;
  }

  /** Records that an unambiguous RTT was measured. */
  measured(): void {
    this.#isUnmeasured = false;
  }

  get isOut(): boolean {
    return this.#end !== undefined;
  }

  /** The PTO in ms, relative to the last transmission or ACK (RFC 8985 7.2). */
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
   * Processes an ACK while a probe is outstanding (RFC 8985 7.4.2, TLP_process_ack()).
   *
   * @param dsackEnd the end of the ACK's DSACK, which reports the probe only if it equals the
   * probe's end; undefined without a DSACK
   * @param isPureDuplicate true for a duplicate ACK without SACK blocks
   * @returns whether the probe repaired a loss that was not otherwise detected
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
      // If both copies of the segment arrive, a peer without DSACK sends two ACKs.
      this.#end = undefined;
    }
    return false;
  }
}
